"""A small photo."""

from __future__ import annotations

from io import BytesIO

from PIL import Image


def photo(number: int = 0) -> bytes:
    """A PNG of its own for each number."""
    buffer = BytesIO()
    Image.new("RGB", (96, 64), (number % 256, 90, 120)).save(buffer, "PNG")
    return buffer.getvalue()
