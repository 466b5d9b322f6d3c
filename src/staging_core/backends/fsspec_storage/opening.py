"""Opens the storage that a URL names."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from staging_core.errors import HomeUnwritable, MissingExtra, SettingError, UnknownScheme
from staging_core.interfaces import OpenContext, Storage
from staging_core.urls import BackendURL

from .filesystem import FilesystemStorage
from .folder import FolderStorage
from .memory import MemoryStorage
from .partial import Partial
from .thread import in_thread


@asynccontextmanager
async def open_storage(url: BackendURL, context: OpenContext) -> AsyncIterator[Storage]:
    """Open ``file:PATH``, ``memory:`` or any other fsspec URL as a ``Storage``.

    ``file:`` alone is the folder ``objects`` in the home; a relative path counts from where the
    process was started. Options of other schemes go to their fsspec file system as they are.
    Raises ``SettingError``, ``HomeUnwritable``, ``UnknownScheme`` or ``MissingExtra``.
    """
    if url.scheme == "file":
        yield await in_thread(_open_folder, url, context)
    elif url.scheme == "memory":
        yield _open_memory(url, context)
    else:
        yield await in_thread(_open_filesystem, url)


def _open_folder(url: BackendURL, context: OpenContext) -> FolderStorage:
    _check_options(url, allowed=())
    root = Path(url.path).expanduser().absolute() if url.path else context.home / "objects"
    probe = Partial(root)
    try:
        probe.open()
    except OSError as error:
        raise _unwritable(root, context.home) from error
    finally:
        probe.discard()
    return FolderStorage(root, clock=context.clock)


def _unwritable(root: Path, home: Path) -> SettingError:
    if root.is_relative_to(home):
        return HomeUnwritable(f"The folder {root} cannot be written.")
    return SettingError(
        f"The storage folder {root} cannot be written.",
        remedy="Name a folder in the setting `storage` that this user may write.",
    )


def _open_memory(url: BackendURL, context: OpenContext) -> MemoryStorage:
    _check_options(url, allowed=("limit_bytes",))
    limit = url.options.get("limit_bytes")
    if limit is not None and not limit.isdecimal():
        raise SettingError(f"{url}: `limit_bytes` is a whole number of bytes.")
    return MemoryStorage(clock=context.clock, limit_bytes=int(limit) if limit else None)


def _open_filesystem(url: BackendURL) -> FilesystemStorage:
    import fsspec

    options: dict[str, Any] = {**url.options, "use_listings_cache": False}
    try:
        kind = fsspec.get_filesystem_class(url.scheme)
        filesystem, root = fsspec.core.url_to_fs(
            f"{url.scheme}://{url.path}", skip_instance_cache=True, **options
        )
    except ImportError as error:
        raise _missing(url.scheme) from error
    except ValueError as error:
        raise _unknown(url.scheme) from error
    except (TypeError, OSError) as error:
        raise SettingError(f"{url} cannot be opened: {error}.") from error
    return FilesystemStorage(filesystem, root or kind.root_marker)


def _missing(scheme: str) -> MissingExtra:
    from fsspec.registry import known_implementations

    advice = known_implementations.get(scheme, {}).get("err", "Install its package.")
    if scheme in ("s3", "s3a"):
        advice = "pip install 'staging-core[s3]'"
    return MissingExtra(
        f"The storage scheme {scheme}: needs a package that is not installed.", remedy=advice
    )


def _unknown(scheme: str) -> UnknownScheme:
    return UnknownScheme(
        f"No storage answers to {scheme}:.",
        remedy="Use file:, memory:, or a scheme that fsspec knows (s3:, gs:, az:, sftp: ...).",
    )


def _check_options(url: BackendURL, *, allowed: tuple[str, ...]) -> None:
    unknown = sorted(set(url.options) - set(allowed))
    if unknown:
        raise SettingError(
            f"{url.scheme}: has no option {unknown[0]!r}.",
            remedy=f"Its options: {', '.join(allowed) or 'none'}.",
        )
