"""The label: legible, at the bottom left, and nowhere else."""

from __future__ import annotations

import io

import pytest
from PIL import Image, ImageChops

from staging_core.models import Picture
from staging_watermark.label import labelled

WALL = (236, 233, 226)


def clean(width: int, height: int, kind: str = "PNG") -> Picture:
    buffer = io.BytesIO()
    Image.new("RGB", (width, height), WALL).save(buffer, kind)
    content_type = f"image/{kind.lower()}"
    return Picture(data=buffer.getvalue(), content_type=content_type, width=width, height=height)


def pixels(picture: Picture) -> Image.Image:
    return Image.open(io.BytesIO(picture.data)).convert("RGB")


def label_box(picture: Picture) -> tuple[int, int, int, int]:
    """The part of the picture that the label changed."""
    difference = ImageChops.difference(
        pixels(labelled(picture, "Virtually staged")), pixels(picture)
    )
    box = difference.getbbox()
    assert box is not None
    return box


@pytest.mark.parametrize(("width", "height"), [(1600, 1066), (1066, 1600), (320, 240)])
def test_it_stands_at_the_bottom_left_and_covers_little(width: int, height: int) -> None:
    left, top, right, bottom = label_box(clean(width, height))

    assert left < 0.05 * width
    assert bottom > 0.93 * height
    assert right < 0.5 * width
    assert (right - left) * (bottom - top) < 0.06 * width * height


def test_its_text_is_large_and_has_a_contrast_of_7_to_1() -> None:
    picture = clean(1600, 1066)
    left, top, right, bottom = label_box(picture)
    label = pixels(labelled(picture, "Virtually staged")).crop((left, top, right, bottom))
    shades = sorted(label.convert("L").tobytes())

    assert bottom - top >= 0.03 * 1066
    assert (luminance(shades[-1]) + 0.05) / (luminance(shades[0]) + 0.05) >= 7


def test_a_narrow_picture_breaks_the_statement_into_lines() -> None:
    one_line, two_lines = label_box(clean(300, 300)), label_box(clean(110, 300))

    assert two_lines[2] <= 110
    assert two_lines[3] - two_lines[1] > 1.5 * (one_line[3] - one_line[1])


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_the_kind_of_picture_stays(kind: str) -> None:
    answer = labelled(clean(400, 300, kind), "Virtually staged")

    assert answer.content_type == f"image/{kind.lower()}"
    assert Image.open(io.BytesIO(answer.data)).format == kind


def test_the_clean_picture_is_not_touched() -> None:
    picture = clean(400, 300)
    before = picture.data

    labelled(picture, "Virtually staged")

    assert picture.data == before


def luminance(value: int) -> float:
    """Relative luminance of a grey in sRGB (WCAG 2)."""
    share = value / 255
    return share / 12.92 if share <= 0.03928 else float(((share + 0.055) / 1.055) ** 2.4)
