"""Draws what the fake stager answers."""

from __future__ import annotations

import hashlib
import io
from typing import TYPE_CHECKING

from staging_core.models import StageRequest

if TYPE_CHECKING:
    from PIL.Image import Image

Box = tuple[int, int, int, int]


def furnish(photo: bytes, request: StageRequest) -> tuple[bytes, Box]:
    """The photo with a striped block on its floor, as PNG, and the block's box in pixels.

    Room, style, prompt and furniture choose the two colours, seed and variant the place.
    """
    from PIL import ImageDraw

    picture = _opened(photo)
    box = _place(picture.size, request)
    first, second = _colours(request)
    draw = ImageDraw.Draw(picture)
    draw.rectangle(box, fill=first)
    stripe = max(1, (box[2] - box[0]) // 5)
    for left in range(box[0], box[2] + 1, 2 * stripe):
        draw.rectangle((left, box[1], min(left + stripe - 1, box[2]), box[3]), fill=second)
    return _png(picture), box


def blank(photo: bytes) -> bytes:
    """One colour, of the photo's size, as PNG."""
    picture = _opened(photo)
    picture.paste((127, 127, 127), (0, 0, *picture.size))
    return _png(picture)


def shrunk(photo: bytes, request: StageRequest) -> bytes:
    """A furnished picture of half the width, as PNG."""
    picture = _opened(furnish(photo, request)[0])
    return _png(picture.resize((max(1, picture.width // 2), picture.height)))


def _opened(data: bytes) -> Image:
    from PIL import Image

    with Image.open(io.BytesIO(data)) as picture:
        return picture.convert("RGB")


def _png(picture: Image) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


def _place(size: tuple[int, int], request: StageRequest) -> Box:
    """A block of a third of the width whose left edge moves with the seed."""
    width, height = size
    wide, high = max(1, width // 3), max(1, height // 4)
    digest = hashlib.sha256(f"{request.seed} {request.variant}".encode()).digest()
    left = int.from_bytes(digest[:4], "big") % max(1, width - wide)
    top = max(0, height - high - height // 16)
    return left, top, left + wide - 1, top + high - 1


def _colours(request: StageRequest) -> tuple[tuple[int, int, int], tuple[int, int, int]]:
    named = [request.room, request.style, request.prompt or "", *request.furniture]
    red, green, blue = hashlib.sha256("\n".join(named).encode()).digest()[:3]
    return (red, green, blue), (255 - red, 255 - green, 255 - blue)
