"""Objects in a storage."""

from __future__ import annotations

import msgspec


class Stored(msgspec.Struct, frozen=True, kw_only=True):
    """One object. ``etag`` changes whenever its bytes do; ``modified``: Unix seconds."""

    key: str
    size: int
    etag: str
    content_type: str = "application/octet-stream"
    modified: float = 0.0


class ByteRange(msgspec.Struct, frozen=True, kw_only=True):
    """Bytes ``start`` up to, not including, ``end`` (None: to the end). ``0 <= start < end``."""

    start: int = 0
    end: int | None = None
