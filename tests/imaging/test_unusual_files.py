"""Odd photos are developed into the same kind of working copy, in the right colours, upright."""

from __future__ import annotations

import asyncio
from io import BytesIO

import pytest
from PIL import Image

from staging_core.imaging.decoder import Decoder, WorkingCopy
from staging_core.imaging.intake import examine
from staging_core.imaging.limits import Limits
from staging_core.testing.hostile import UnusualFile, unusual_files

FILES = {file.name: file for file in unusual_files()}


@pytest.fixture(scope="module")
def copies() -> dict[str, WorkingCopy]:
    async def scenario() -> dict[str, WorkingCopy]:
        async with Decoder() as decoder:
            return {name: await decoder.working_copy(file.build()) for name, file in FILES.items()}

    return asyncio.run(scenario())


@pytest.mark.parametrize("name", FILES)
def test_the_working_copy_is_upright_and_in_the_right_colours(
    name: str, copies: dict[str, WorkingCopy]
) -> None:
    file, copy = FILES[name], copies[name]
    image = Image.open(BytesIO(copy.data))
    assert (image.format, image.mode) == ("PNG", "RGB")
    assert (copy.width, copy.height) == image.size == (file.width, file.height)
    for seen, wanted in zip(_patches(image), file.colours, strict=True):
        assert seen == pytest.approx(wanted, abs=file.tolerance)


@pytest.mark.parametrize("name", FILES)
def test_the_header_tells_the_upright_size_without_decoding(name: str) -> None:
    file = FILES[name]
    examined = examine(file.build(), Limits())
    assert (examined.width, examined.height) == (file.width, file.height)
    assert examined.content_type.startswith("image/")


@pytest.mark.parametrize("name", FILES)
def test_nothing_but_pixels_is_in_the_working_copy(
    name: str, copies: dict[str, WorkingCopy]
) -> None:
    data = copies[name].data
    chunks = {data[at - 4 : at] for at in range(len(data)) if data[at - 4 : at].isalpha()}
    assert not chunks & {b"eXIf", b"iCCP", b"tEXt", b"iTXt", b"zTXt", b"tIME"}
    assert b"serial" not in data
    assert data.endswith(b"IEND\xaeB\x60\x82")


def _patches(image: Image.Image) -> list[tuple[int, ...]]:
    quarters = [(x, y) for y in (0.25, 0.75) for x in (0.25, 0.75)]
    pixels = [image.getpixel((int(image.width * x), int(image.height * y))) for x, y in quarters]
    return [pixel for pixel in pixels if isinstance(pixel, tuple)]


def test_a_file_s_description_names_it_and_not_its_bytes() -> None:
    assert repr(UnusualFile(name="a.jpg", build=bytes)) == "UnusualFile(a.jpg)"
