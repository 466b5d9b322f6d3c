"""A photo goes to a model on its canvas, and comes back in the frame it had."""

from __future__ import annotations

import asyncio
from io import BytesIO

import numpy as np
import pytest
from PIL import Image, ImageDraw

from staging_core.errors import PictureUnsupported, Retryable
from staging_core.imaging.canvas import Layout, lay_out
from staging_core.imaging.decoder import Decoder
from staging_core.imaging.limits import Limits
from staging_core.imaging.protocol import ModelInputJob, VerifyJob
from staging_core.imaging.work import work
from staging_core.models import Canvas

SIZE = (640, 480)
WIDE = Canvas(ratios=("16:9",), max_pixels=400_000, multiple_of=16)
CANVASES = {
    "smaller": Canvas(max_pixels=100_000, multiple_of=16),
    "square": Canvas(ratios=("1:1",)),
    "wide and smaller": WIDE,
    "sides a little longer": Canvas(multiple_of=28),
    "as it is": Canvas(),
}


def room() -> Image.Image:
    """Soft gradients with a dark wall, so that every shift and stretch shows."""
    across, down = np.meshgrid(np.linspace(60, 220, SIZE[0]), np.linspace(0, 30, SIZE[1]))
    image = Image.fromarray(np.dstack([across, across - down, 200 - down]).astype(np.uint8))
    ImageDraw.Draw(image).rectangle((0, 0, 160, 300), fill=(120, 110, 100))
    return image


def furnished(image: Image.Image, layout: Layout) -> Image.Image:
    """What a perfect model makes of its input: a sofa, and nothing else is touched."""
    image = image.copy()
    scale = image.width / layout.width * layout.inner_width / SIZE[0]
    left, top = (edge * image.width / layout.width for edge in (layout.left, layout.top))
    box = [left + 300 * scale, top + 300 * scale, left + 500 * scale, top + 420 * scale]
    ImageDraw.Draw(image).rectangle([round(edge) for edge in box], fill=(90, 40, 30))
    return image


def file(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    buffer = BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def picture(data: bytes) -> Image.Image:
    return Image.open(BytesIO(data)).convert("RGB")


def given_to_model(layout: Layout, content_type: str = "image/png") -> bytes:
    """As the decoding process makes it; in this one, to save starting that."""
    return work(ModelInputJob(Limits(), 30, layout, content_type), file(room()), b"")[1]


def verified(output: bytes, layout: Layout) -> bytes:
    job = VerifyJob(Limits(), 30, *SIZE, "compositeSynthetic", layout)
    return work(job, output, file(room()))[1]


def error(data: bytes) -> float:
    """Mean difference (of 255) from the photo with its sofa, in the photo's own frame."""
    whole = lay_out(Canvas(), *SIZE)
    wanted = np.asarray(furnished(room(), whole), int)
    return float(np.abs(np.asarray(picture(data), int) - wanted).mean())


@pytest.mark.parametrize("name", CANVASES)
def test_a_model_sees_the_whole_photo_in_its_box(name: str) -> None:
    layout = lay_out(CANVASES[name], *SIZE)
    seen = picture(given_to_model(layout))
    assert seen.size == (layout.width, layout.height)
    inner = layout.inner_width, layout.inner_height
    box = seen.crop((layout.left, layout.top, layout.left + inner[0], layout.top + inner[1]))
    wanted = np.asarray(room().resize(inner, Image.Resampling.LANCZOS), int)
    assert np.abs(np.asarray(box, int) - wanted).mean() < 0.1


@pytest.mark.parametrize("content_type", ["image/png", "image/jpeg"])
def test_the_same_photo_gives_the_same_bytes(content_type: str) -> None:
    layout = lay_out(WIDE, *SIZE)
    first = given_to_model(layout, content_type)
    assert first == given_to_model(layout, content_type)
    assert Image.open(BytesIO(first)).get_format_mimetype() == content_type
    assert "exif" not in Image.open(BytesIO(first)).info


def test_the_padding_goes_on_in_light_and_colour() -> None:
    """No edge at the seam: it is no frame to keep, and nothing in it is sharp."""
    layout = lay_out(CANVASES["square"], *SIZE)
    seen = np.asarray(picture(given_to_model(layout)), int)
    seam = np.abs(seen[layout.top] - seen[layout.top - 1])[10:-10]
    assert seam.mean() < 3
    padding = seen[: layout.top]
    assert np.abs(np.diff(padding, axis=1)).max() < 20
    assert abs(padding.mean() - seen.mean()) < 20


@pytest.mark.parametrize(
    "layout",
    [
        Layout(width=40, height=400, left=0, top=185, inner_width=40, inner_height=30),
        Layout(width=400, height=40, left=185, top=5, inner_width=30, inner_height=30),
    ],
)
def test_a_padding_wider_than_the_photo_is_filled_too(layout: Layout) -> None:
    seen = np.asarray(picture(given_to_model(layout)), int)
    assert seen.min() > 20  # nowhere black


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
@pytest.mark.parametrize("name", CANVASES)
def test_what_a_model_adds_comes_back_in_the_photos_frame(name: str, kind: str) -> None:
    layout = lay_out(CANVASES[name], *SIZE)
    output = furnished(picture(given_to_model(layout)), layout)
    result = verified(file(output, kind, quality=95), layout)
    assert picture(result).size == SIZE
    assert error(result) < 2.5


@pytest.mark.parametrize("scale", [0.5, 1.5, 2.0])
def test_the_model_may_answer_in_another_size_of_the_same_ratio(scale: float) -> None:
    layout = lay_out(WIDE, *SIZE)
    output = furnished(picture(given_to_model(layout)), layout)
    size = round(layout.width * scale), round(layout.height * scale)
    assert error(verified(file(output.resize(size)), layout)) < 3


@pytest.mark.parametrize("name", ["sides a little longer", "square", "as it is"])
def test_where_nothing_was_scaled_no_pixel_is_touched(name: str) -> None:
    layout = lay_out(CANVASES[name], *SIZE)
    output = furnished(picture(given_to_model(layout)), layout)
    assert error(verified(file(output), layout)) == 0


def test_an_answer_in_the_photos_ratio_instead_of_the_canvas_fails() -> None:
    with pytest.raises(Retryable, match="ratio"):
        verified(file(furnished(room(), lay_out(Canvas(), *SIZE))), lay_out(WIDE, *SIZE))


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
@pytest.mark.parametrize("name", CANVASES)
def test_the_canvas_unchanged_is_no_output(name: str, kind: str) -> None:
    layout = lay_out(CANVASES[name], *SIZE)
    untouched = picture(given_to_model(layout))
    with pytest.raises(Retryable, match="as it was"):
        verified(file(untouched, kind, quality=90), layout)


def test_a_blank_picture_within_a_lively_padding_is_blank() -> None:
    layout = lay_out(CANVASES["square"], *SIZE)
    output = picture(given_to_model(layout))
    output.paste("white", (0, layout.top, layout.width, layout.top + layout.inner_height))
    with pytest.raises(Retryable, match="blank"):
        verified(file(output), layout)


def test_a_model_that_furnished_only_the_padding_has_done_nothing() -> None:
    layout = lay_out(CANVASES["square"], *SIZE)
    output = picture(given_to_model(layout))
    output.paste((90, 40, 30), (100, 0, 300, layout.top - 4))
    with pytest.raises(Retryable, match="as it was"):
        verified(file(output), layout)


def test_models_are_given_no_other_kind_of_file() -> None:
    with pytest.raises(PictureUnsupported, match="image/gif"):
        given_to_model(lay_out(WIDE, *SIZE), "image/gif")


def test_the_decoding_process_does_all_that() -> None:
    layout = lay_out(WIDE, *SIZE)

    async def scenario() -> None:
        async with Decoder() as decoder:
            given = await decoder.model_input(file(room()), layout, "image/png")
            assert given == given_to_model(layout)
            result = await decoder.verify(
                file(furnished(picture(given), layout)),
                original=file(room()),
                width=SIZE[0],
                height=SIZE[1],
                digital_source_type="compositeSynthetic",
                layout=layout,
            )
            assert (result.width, result.height) == picture(result.data).size == SIZE
            assert error(result.data) < 2.5
            with pytest.raises(PictureUnsupported):
                await decoder.model_input(file(room()), layout, "image/gif")

    asyncio.run(scenario())
