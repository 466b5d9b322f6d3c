"""A picture in memory, with what is known of it."""

from __future__ import annotations

import msgspec


class Picture(msgspec.Struct, frozen=True, kw_only=True):
    """Encoded bytes. ``width``, ``height`` in pixels as shown (orientation baked in)."""

    data: bytes
    content_type: str
    width: int
    height: int

    def __repr__(self) -> str:
        return f"Picture({self.content_type}, {self.width}x{self.height}, {len(self.data)} bytes)"
