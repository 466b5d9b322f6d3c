"""Photos for tests: small, real and different by number, of any kind."""

from __future__ import annotations

from collections.abc import AsyncIterator
from io import BytesIO

import numpy as np
from PIL import Image


def photo(number: int = 0, kind: str = "JPEG", *, width: int = 96, height: int = 64) -> bytes:
    """A noisy picture; another number gives another one."""
    pixels = np.random.default_rng(number).integers(0, 255, (height, width, 3), dtype=np.uint8)
    buffer = BytesIO()
    if kind == "HEIF":
        import pillow_heif  # type: ignore[import-not-found, unused-ignore]

        pillow_heif.register_heif_opener()
    Image.fromarray(pixels).save(buffer, kind)
    return buffer.getvalue()


async def sent(data: bytes, size: int = 1000) -> AsyncIterator[bytes]:
    """The bytes in chunks, as a server gets them."""
    for start in range(0, len(data), size):
        yield data[start : start + size]
