"""What a key's extension says about its bytes."""

from __future__ import annotations

from pathlib import PurePosixPath

UNKNOWN = "application/octet-stream"

# A table of our own: the system's one differs between machines, and an object keeps its type.
_BY_EXTENSION = {
    ".avif": "image/avif",
    ".heic": "image/heic",
    ".jpeg": "image/jpeg",
    ".jpg": "image/jpeg",
    ".json": "application/json",
    ".png": "image/png",
    ".tif": "image/tiff",
    ".tiff": "image/tiff",
    ".webp": "image/webp",
}


def type_of(key: str) -> str:
    """The content type that the key's extension tells, else ``application/octet-stream``."""
    return _BY_EXTENSION.get(PurePosixPath(key).suffix.lower(), UNKNOWN)
