"""What the models of the double draw: the photo at their size, with furniture on its floor."""

from __future__ import annotations

import hashlib
import io
import random
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from .sizes import Size

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageDraw import ImageDraw

_FORMATS = {"jpg": "JPEG", "jpeg": "JPEG", "png": "PNG", "webp": "WEBP"}


class Recipe(msgspec.Struct, frozen=True):
    """All that an output depends on: the same recipe gives the same bytes.

    ``furnished``: an upscaler changes no more than the size.
    """

    photo: Path
    size: Size
    format: str
    quality: int
    seed: str
    furnished: bool = True


@lru_cache(maxsize=1024)
def photo_size(photo: Path) -> Size:
    """Width and height of the picture, upright; ``OSError`` when it is none."""
    from PIL import Image, ImageOps

    with Image.open(photo) as picture:
        picture.load()
        return ImageOps.exif_transpose(picture).size


@lru_cache(maxsize=32)
def drawn(recipe: Recipe) -> bytes:
    """The output as a file."""
    from PIL import ImageDraw, ImageOps

    picture = ImageOps.fit(_opened(recipe.photo), recipe.size)
    if recipe.furnished:
        draw = ImageDraw.Draw(picture)
        chance = random.Random(recipe.seed)  # noqa: S311 - to be repeated
        for _ in range(3):
            _piece(draw, recipe.size, chance)
    return _encoded(picture, recipe.format, recipe.quality)


def blank(recipe: Recipe) -> bytes:
    """One colour."""
    from PIL import Image

    return _encoded(Image.new("RGB", recipe.size, (127, 127, 127)), recipe.format, recipe.quality)


def seed_of(*parts: object) -> str:
    """One word for all that shall change the furniture."""
    return hashlib.sha256("\n".join(map(str, parts)).encode()).hexdigest()


def media_type(format: str) -> str:
    """The content type of a format."""
    return f"image/{_FORMATS[format].lower()}"


def _opened(photo: Path) -> Image:
    from PIL import Image, ImageOps

    with Image.open(photo) as picture:
        return ImageOps.exif_transpose(picture).convert("RGB")


def _piece(draw: ImageDraw, size: Size, chance: random.Random) -> None:
    """A sofa of sorts: a seat, a back and two legs, on the lower half."""
    width, height = size
    wide, high = width * chance.uniform(0.16, 0.32), height * chance.uniform(0.12, 0.2)
    left = chance.uniform(0.02, 0.98) * (width - wide)
    floor = height * chance.uniform(0.72, 0.97)
    colour = (chance.randrange(30, 226), chance.randrange(30, 226), chance.randrange(30, 226))
    shade = (colour[0] // 2, colour[1] // 2, colour[2] // 2)
    for leg in (left, left + wide * 0.92):
        draw.rectangle((leg, floor - high * 0.2, leg + wide * 0.08, floor), fill=shade)
    draw.rectangle((left, floor - high, left + wide, floor - high * 0.2), fill=shade)
    draw.rectangle((left, floor - high * 0.6, left + wide, floor - high * 0.2), fill=colour)


def _encoded(picture: Image, format: str, quality: int) -> bytes:
    buffer = io.BytesIO()
    kind = _FORMATS[format]
    options = {"compress_level": 1} if kind == "PNG" else {"quality": quality}
    if kind == "WEBP":
        options["method"] = 0
    picture.save(buffer, kind, **options)
    return buffer.getvalue()
