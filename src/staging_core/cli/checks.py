"""What ``staging doctor`` tries out."""

from __future__ import annotations

import platform
import shutil
from collections.abc import Awaitable, Callable
from importlib.util import find_spec
from io import BytesIO
from uuid import uuid4

import msgspec

from staging_core import Staging, __version__
from staging_core.audit import Audit
from staging_core.errors import StagingError, StorageFull
from staging_core.photo import once, read_object

from .failure import Failure, failure_from

_LEAST_FREE = 500_000_000  # bytes; a photo and its copies take up to 100 MB while they are made
_EXTRAS = {"heif": "pillow_heif", "accelerate": "embreex", "testing": "pytest"}


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that was tried; ``failure`` when it did not work."""

    name: str
    message: str
    failure: Failure | None = None

    @property
    def ok(self) -> bool:
        """Whether it worked."""
        return self.failure is None


async def audited() -> dict[str, int]:
    """Violations by invariant."""
    async with Staging.from_env(worker=False) as staging:
        return await Audit(staging.ports).count()


async def examined() -> list[Check]:
    """Everything that was tried, in order; what cannot be opened ends the list."""
    checks = [
        Check(name="version", message=f"staging-core {__version__}, Python {_python()}"),
        Check(name="extras", message=_extras()),
    ]
    try:
        staging = Staging.from_env(worker=False)
        checks.append(Check(name="settings", message=f"home {staging.settings.home}"))
        names = ", ".join(staging.hooks.plugins.names())
        checks.append(Check(name="plugins", message=names))
        async with staging:
            checks.append(Check(name="backends", message=f"open: {', '.join(_opened(staging))}"))
            for name, look in _LOOKS.items():
                checks.append(await _tried(name, look, staging))
    except StagingError as error:
        checks.append(_failed("open", error))
    return checks


async def _tried(name: str, look: Callable[[Staging], Awaitable[str]], staging: Staging) -> Check:
    try:
        return Check(name=name, message=await look(staging))
    except StagingError as error:
        return _failed(name, error)


def _failed(name: str, error: StagingError) -> Check:
    return Check(name=name, message=error.message, failure=failure_from(error))


async def _disk(staging: Staging) -> str:
    free = shutil.disk_usage(staging.settings.home).free
    if free < _LEAST_FREE:
        raise StorageFull(f"Only {free / 1e6:.0f} MB are free under the home.")
    return f"{free / 1e9:.1f} GB free under the home"


async def _storage(staging: Staging) -> str:
    """Put, read and delete one object."""
    storage, key, data = staging.ports.storage, f"doctor/{uuid4().hex}", uuid4().bytes
    await storage.put(key, once(data), content_type="application/octet-stream")
    try:
        if await read_object(storage, key) != data:
            raise StagingError("The storage gave back other bytes than it was given.")
    finally:
        await storage.delete(key)
    return "wrote, read and deleted an object"


async def _pictures(staging: Staging) -> str:
    """Decode a picture in a child process."""
    from PIL import Image

    buffer = BytesIO()
    Image.new("RGB", (64, 48), "white").save(buffer, "JPEG")
    copy = await staging.ports.decoder.working_copy(buffer.getvalue())
    return f"decoded a picture of {copy.width} x {copy.height} pixels"


_LOOKS: dict[str, Callable[[Staging], Awaitable[str]]] = {
    "disk": _disk,
    "storage": _storage,
    "pictures": _pictures,
}


def _opened(staging: Staging) -> list[str]:
    settings = staging.settings
    chosen = [*settings.stager, settings.storage, settings.queue, *settings.auth, settings.billing]
    return [str(choice) for choice in chosen]


def _extras() -> str:
    found = [name for name, module in _EXTRAS.items() if find_spec(module) is not None]
    return f"installed: {', '.join(found) or 'none'}"


def _python() -> str:
    return f"{platform.python_version()} on {platform.system()} {platform.machine()}"
