"""Pictures, looked at."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL.Image import Image


def as_pixels(data: bytes) -> Image:
    """The picture in RGB; fails when the bytes are none."""
    from PIL import Image

    with Image.open(io.BytesIO(data)) as picture:
        return picture.convert("RGB")


def size_of(data: bytes) -> tuple[int, int]:
    """Width and height in pixels."""
    size: tuple[int, int] = as_pixels(data).size
    return size


def blank(picture: Image) -> bool:
    """Whether the picture is of one colour."""
    return all(low == high for low, high in picture.getextrema())  # type: ignore[misc]
