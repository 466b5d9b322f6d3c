"""The lens, as far as Exif can be trusted."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from PIL.TiffImagePlugin import IFDRational

from staging_core.imaging.formats.exif import Exif, focal_px, read_exif

FULL_FRAME = {"focal_mm": 24.0, "plane_px_per_mm": 6000 / 36, "width": 6000, "height": 4000}


def block(**tags: Any) -> bytes:
    """An Exif block by tag names of the standard."""
    numbers = {"FocalLength": 0x920A, "In35mm": 0xA405, "Width": 0xA002, "Height": 0xA003}
    exif = Image.Exif()
    exif[0x8769] = {numbers[name]: value for name, value in tags.items()}
    return exif.tobytes()


def test_the_facts_are_read_from_a_camera_s_block() -> None:
    exif = read_exif(block(FocalLength=IFDRational(17, 4), In35mm=26, Width=4032, Height=3024))
    assert exif == Exif(focal_mm=4.25, focal_35mm=26, width=4032, height=3024)


def test_the_35_mm_equivalent_compares_diagonals() -> None:
    """26 mm against 43.27 mm of diagonal are 79.5 degrees from corner to corner."""
    focal = focal_px(Exif(focal_35mm=26), 4032, 3024)
    assert focal is not None
    corner_to_corner = 2 * math.degrees(math.atan(math.hypot(4032, 3024) / 2 / focal))
    assert corner_to_corner == pytest.approx(79.5, abs=0.1)


def test_without_it_the_sensor_s_size_serves() -> None:
    assert focal_px(Exif(**FULL_FRAME), 6000, 4000) == pytest.approx(4000)


@given(scale=st.floats(0.1, 1.0), turned=st.booleans())
def test_the_focal_length_scales_with_the_picture_and_knows_no_up(
    scale: float, turned: bool
) -> None:
    width, height = round(6000 * scale), round(4000 * scale)
    if turned:
        width, height = height, width
    focal = focal_px(Exif(**FULL_FRAME), width, height)
    assert focal == pytest.approx(4000 * scale, rel=0.01)


@pytest.mark.parametrize(
    ("exif", "size"),
    [
        (Exif(), (6000, 4000)),
        (Exif(focal_35mm=26, width=4032, height=3024), (3000, 3000)),
        (Exif(focal_35mm=26), (4000, 1000)),
        (Exif(focal_35mm=2), (4000, 3000)),
        (Exif(focal_35mm=400), (4000, 3000)),
        (Exif(**(FULL_FRAME | {"plane_px_per_mm": 6000 / 29.0})), (6000, 4000)),
    ],
    ids=["nothing", "cropped", "panorama", "too short", "too long", "no such sensor"],
)
def test_what_cannot_be_trusted_is_not_told(exif: Exif, size: tuple[int, int]) -> None:
    assert focal_px(exif, *size) is None


@given(st.binary(max_size=300))
def test_rubbish_counts_as_no_exif(rubbish: bytes) -> None:
    for beginning in (b"", b"Exif\0\0", b"II*\0\x08\0\0\0", b"Exif\0\0MM\0*\0\0\0\x08"):
        assert read_exif(beginning + rubbish).orientation in range(1, 9)
