"""Photos for tests of the engine: small, real and different by number."""

from __future__ import annotations

from io import BytesIO

import numpy as np
from PIL import Image


def photo(number: int = 0, *, width: int = 96, height: int = 64) -> bytes:
    """A noisy JPEG; another number gives another picture."""
    pixels = np.random.default_rng(number).integers(0, 255, (height, width, 3), dtype=np.uint8)
    buffer = BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG")
    return buffer.getvalue()
