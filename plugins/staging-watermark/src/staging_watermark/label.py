"""A white text on a dark plate at the bottom left."""

from __future__ import annotations

import io
from typing import Any

import msgspec
from PIL import Image, ImageDraw, ImageFont

from staging_core.models import Picture

PLATE = (20, 20, 20)
INK = (255, 255, 255)
OPACITY = 0.72  # of the plate: dark enough for white text on a white wall
_SAVED: dict[str, tuple[str, dict[str, Any]]] = {
    "image/png": ("PNG", {"compress_level": 3}),
    "image/jpeg": ("JPEG", {"quality": 95, "subsampling": 0}),
    "image/webp": ("WEBP", {"lossless": True}),
}
Font = ImageFont.ImageFont | ImageFont.FreeTypeFont


def labelled(picture: Picture, statement: str) -> Picture:
    """``picture`` with ``statement`` on it, of the same size; other kinds than ours become PNG."""
    with Image.open(io.BytesIO(picture.data)) as opened:
        image = opened.convert("RGB")
    _write(image, statement)
    kind = picture.content_type if picture.content_type in _SAVED else "image/png"
    name, options = _SAVED[kind]
    buffer = io.BytesIO()
    image.save(buffer, name, **options)
    return msgspec.structs.replace(picture, data=buffer.getvalue(), content_type=kind)


def _write(image: Image.Image, statement: str) -> None:
    """Draw plate and text in place."""
    size = max(12, round(0.035 * min(image.size)))
    font = ImageFont.load_default(size)
    margin = size // 2
    text = "\n".join(_lines(statement, font, image.width - 4 * margin))
    left, top, right, bottom = ImageDraw.Draw(image).multiline_textbbox((0, 0), text, font=font)
    width, height = round(right - left) + 2 * margin, round(bottom - top) + 2 * margin
    corner = (margin, max(0, image.height - height - margin))
    plate = Image.new("RGB", (width, height), PLATE)
    under = image.crop((*corner, corner[0] + width, corner[1] + height))
    plate = Image.blend(under, plate, OPACITY)
    ImageDraw.Draw(plate).multiline_text((margin - left, margin - top), text, fill=INK, font=font)
    image.paste(plate, corner)


def _lines(statement: str, font: Font, width: float) -> list[str]:
    """The statement in lines that fit ``width`` pixels, as far as its words allow."""
    lines: list[str] = []
    for word in statement.split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and font.getlength(longer) <= width:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines
