"""The key that an embedded installation makes for itself."""

from __future__ import annotations

import os
import secrets
import tempfile
from pathlib import Path

from staging_core.errors import HomeUnwritable, SettingError


def home_key(home: Path) -> str:
    """The key kept in ``home/secret_key``; the first call makes it, readable by its owner only.

    Two processes that make it at once end with the same key.
    """
    path = home / "secret_key"
    try:
        if not path.exists():
            _make(path)
        return _read(path)
    except OSError as error:
        raise HomeUnwritable(f"The key {str(path)!r} cannot be kept: {error.strerror}.") from error


def _make(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, draft = tempfile.mkstemp(dir=path.parent, prefix=".secret_key-")  # mode 0600
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(secrets.token_urlsafe(32))
        os.link(draft, path)  # unlike a rename it never replaces a key that is in use
    except FileExistsError:
        pass
    finally:
        Path(draft).unlink()


def _read(path: Path) -> str:
    if os.name == "posix" and path.stat().st_mode & 0o077:
        raise SettingError(
            f"Others may read the key {str(path)!r}.", remedy=f"Run `chmod 600 {path}`."
        )
    key = path.read_text(encoding="ascii").strip()
    if len(key) < 16:
        raise SettingError(
            f"The key {str(path)!r} is too short.", remedy="Remove the file; a new key is made."
        )
    return key
