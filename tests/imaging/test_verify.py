"""What a model answers is only kept if it is a furnished picture of this photo."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from io import BytesIO
from typing import TypeVar

import numpy as np
import pytest
from PIL import Image, ImageDraw

from staging_core.errors import BadPicture, PictureUnsupported, Retryable
from staging_core.imaging.decoder import Decoder, Verified
from staging_core.imaging.provenance import mark, read_mark
from staging_core.testing.hostile import encoded, hostile_files

T = TypeVar("T")


def room(size: tuple[int, int] = (320, 240), *, sofa: bool = False) -> Image.Image:
    """A floor and two walls, with a sofa if asked for."""
    image = Image.linear_gradient("L").resize(size).convert("RGB")
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, 0, size[0] // 3, size[1]), fill=(180, 170, 150))
    if sofa:
        draw.rectangle((size[0] // 2, size[1] // 2, size[0] - 20, size[1] - 20), fill=(90, 40, 30))
    return image


def file(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    buffer = BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def decoding(call: Callable[[Decoder], Awaitable[T]]) -> T:
    async def scenario() -> T:
        async with Decoder() as decoder:
            return await call(decoder)

    return asyncio.run(scenario())


def verified(output: bytes, *, size: tuple[int, int] = (320, 240)) -> Verified:
    return decoding(
        lambda decoder: decoder.verify(
            output,
            original=file(room(size)),
            width=size[0],
            height=size[1],
            digital_source_type="compositeSynthetic",
        )
    )


def pixels(data: bytes) -> np.ndarray:
    return np.asarray(Image.open(BytesIO(data)).convert("RGB"), dtype=int)


@pytest.mark.parametrize("options", [{}, {"compress_level": 9}, {"optimize": True}])
def test_a_png_that_fits_keeps_every_pixel_and_gets_its_mark(options: dict[str, object]) -> None:
    output = file(room(sofa=True), **options)
    result = verified(output)
    assert (pixels(result.data) == pixels(output)).all()
    assert read_mark(result.data) == "compositeSynthetic"
    assert (result.content_type, result.width, result.height) == ("image/png", 320, 240)
    assert result.sha256 == hashlib.sha256(result.data).hexdigest()


def test_what_a_model_writes_beside_the_pixels_is_dropped() -> None:
    output = mark(file(room(sofa=True)), "image/png", "trainedAlgorithmicMedia", statement="secret")
    result = verified(output + b"secret")
    assert b"secret" not in result.data
    assert read_mark(result.data) == "compositeSynthetic"


@pytest.mark.parametrize("kind", ["JPEG", "WEBP"])
def test_jpeg_and_webp_are_taken_too(kind: str) -> None:
    result = verified(file(room(sofa=True), kind, quality=95))
    assert result.data.startswith(b"\x89PNG")
    assert np.abs(pixels(result.data) - pixels(file(room(sofa=True)))).mean() < 4


@pytest.mark.parametrize("size", [(640, 480), (160, 120), (322, 240), (1000, 751)])
def test_another_size_of_the_same_ratio_is_scaled(size: tuple[int, int]) -> None:
    result = verified(file(room(size, sofa=True)))
    assert pixels(result.data).shape == (240, 320, 3)


@pytest.mark.parametrize("size", [(320, 236), (240, 320), (512, 512)])
def test_a_ratio_that_is_off_by_more_than_a_percent_fails(size: tuple[int, int]) -> None:
    with pytest.raises(Retryable, match="ratio"):
        verified(file(room(size, sofa=True)))


def test_a_blank_output_fails() -> None:
    grain = np.random.default_rng(1).integers(100, 103, (240, 320, 3), dtype=np.uint8)
    for blank in (Image.new("RGB", (320, 240), "white"), Image.fromarray(grain)):
        with pytest.raises(Retryable, match="blank"):
            verified(file(blank))


def test_the_photo_itself_is_no_output_however_it_was_packed() -> None:
    size = (960, 720)
    photo = room(size)
    packed = [file(photo), file(photo, compress_level=0), file(photo, "JPEG", quality=90)]
    for output in [*packed, file(photo.resize((1920, 1440))), file(photo.resize((480, 360)))]:
        with pytest.raises(Retryable, match="as it was"):
            verified(output, size=size)


def test_a_single_small_thing_is_a_change() -> None:
    output = room((960, 720))
    output.paste((90, 40, 30), (500, 500, 512, 520))
    assert verified(file(output), size=(960, 720)).width == 960


def test_no_hostile_output_does_more_than_fail_the_attempt() -> None:
    async def scenario() -> None:
        async with Decoder() as decoder:
            for hostile in hostile_files():
                with pytest.raises(Retryable, match="cannot be used"):
                    await decoder.verify(
                        hostile.build(),
                        original=file(room()),
                        width=320,
                        height=240,
                        digital_source_type="compositeSynthetic",
                    )

    asyncio.run(scenario())


@pytest.mark.parametrize("kind", ["AVIF", "TIFF"])
def test_other_kinds_are_not_taken(kind: str) -> None:
    with pytest.raises(Retryable, match="PNG, JPEG or WebP"):
        verified(encoded(kind))


@pytest.mark.parametrize("content_type", ["image/jpeg", "image/webp", "image/png"])
def test_a_converted_picture_keeps_its_looks_and_its_mark(content_type: str) -> None:
    source = mark(file(room(sofa=True)), "image/png", "compositeSynthetic")
    result = decoding(lambda decoder: decoder.convert(source, content_type))
    image = Image.open(BytesIO(result))
    assert image.get_format_mimetype() == content_type
    assert np.abs(pixels(result) - pixels(source)).mean() < 3
    assert read_mark(result) == "compositeSynthetic"


def test_jpeg_is_written_without_chroma_subsampling() -> None:
    data = decoding(lambda decoder: decoder.convert(file(room()), "image/jpeg"))
    image = Image.open(BytesIO(data))
    assert {layer[1:3] for layer in image.layer} == {(1, 1)}  # type: ignore[attr-defined]


def test_an_unmarked_picture_stays_unmarked_and_an_unknown_type_is_refused() -> None:
    assert read_mark(decoding(lambda d: d.convert(file(room()), "image/webp"))) is None
    with pytest.raises(PictureUnsupported, match="image/bmp"):
        decoding(lambda decoder: decoder.convert(file(room()), "image/bmp"))
    with pytest.raises(BadPicture):
        decoding(lambda decoder: decoder.convert(b"text", "image/png"))
