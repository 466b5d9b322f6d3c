"""The canvas of a model holds the whole photo, within everything the card says."""

from __future__ import annotations

from fractions import Fraction

import msgspec
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from staging_core.errors import NotHonoured
from staging_core.imaging.canvas import Layout, lay_out
from staging_core.models import Canvas

sides = st.integers(1, 12_000)
ratios = st.sampled_from([(), ("1:1",), ("3:2", "2:3"), ("1:1", "3:2", "2:3"), ("16:9", "21:9")])
canvases = st.builds(
    Canvas,
    ratios=ratios,
    max_pixels=st.integers(250_000, 50_000_000),
    multiple_of=st.sampled_from([1, 2, 8, 16, 32, 64]),
)


def tried(canvas: Canvas, width: int, height: int) -> Layout:
    try:
        return lay_out(canvas, width, height)
    except NotHonoured:
        assume(False)
        raise


@given(canvases, sides, sides)
def test_it_keeps_to_the_card(canvas: Canvas, width: int, height: int) -> None:
    layout = tried(canvas, width, height)
    assert layout.width % canvas.multiple_of == layout.height % canvas.multiple_of == 0
    assert 0 < layout.width * layout.height <= canvas.max_pixels
    if canvas.ratios:
        parts = [ratio.split(":") for ratio in canvas.ratios]
        off = [layout.width / layout.height / (int(a) / int(b)) - 1 for a, b in parts]
        assert min(map(abs, off)) <= 0.005 + 1e-9


@given(canvases, sides, sides)
def test_the_photo_lies_within_whole_and_in_its_ratio(
    canvas: Canvas, width: int, height: int
) -> None:
    layout = tried(canvas, width, height)
    assert 0 <= layout.left <= layout.width - layout.inner_width
    assert 0 <= layout.top <= layout.height - layout.inner_height
    assert 0 < layout.inner_width <= width
    assert 0 < layout.inner_height <= height
    scale = min(Fraction(1), Fraction(layout.width, width), Fraction(layout.height, height))
    assert abs(layout.inner_width - width * scale) <= 1
    assert abs(layout.inner_height - height * scale) <= 1


@given(canvases, sides, sides)
def test_the_photo_lies_in_the_middle(canvas: Canvas, width: int, height: int) -> None:
    layout = tried(canvas, width, height)
    assert abs(2 * layout.left + layout.inner_width - layout.width) <= 1
    assert abs(2 * layout.top + layout.inner_height - layout.height) <= 1


@given(canvases, sides, sides)
def test_it_is_scaled_only_where_the_limit_asks(canvas: Canvas, width: int, height: int) -> None:
    """A photo that was scaled down fills the canvas from side to side or from top to bottom."""
    layout = tried(canvas, width, height)
    if (layout.inner_width, layout.inner_height) != (width, height):
        assert layout.inner_width == layout.width or layout.inner_height == layout.height


@given(canvases, st.integers(300, 6000), st.integers(300, 6000))
def test_the_room_that_the_limit_gives_is_used(canvas: Canvas, width: int, height: int) -> None:
    """Free in its ratio, a canvas that had to be made smaller is nearly as large as allowed."""
    layout = tried(msgspec.structs.replace(canvas, ratios=()), width, height)
    if layout.inner_width < width and max(width, height) <= 4 * min(width, height):
        lost = 2 * canvas.multiple_of * (layout.width + layout.height)
        assert layout.width * layout.height >= canvas.max_pixels - lost


@given(canvases, sides, sides)
def test_the_same_photo_is_always_laid_out_the_same(
    canvas: Canvas, width: int, height: int
) -> None:
    assert tried(canvas, width, height) == tried(canvas, width, height)


@given(sides, sides)
def test_a_card_that_asks_for_nothing_changes_nothing(width: int, height: int) -> None:
    assume(width * height <= 50_000_000)
    assert lay_out(Canvas(), width, height) == Layout(
        width=width, height=height, left=0, top=0, inner_width=width, inner_height=height
    )


@given(st.integers(1, 60), st.integers(1, 60))
def test_a_photo_that_fits_the_card_stays_as_it_is(columns: int, rows: int) -> None:
    layout = lay_out(Canvas(multiple_of=16), columns * 16, rows * 16)
    assert (layout.width, layout.height) == (columns * 16, rows * 16)


@pytest.mark.parametrize(
    ("canvas", "photo", "size", "inner"),
    [
        (Canvas(ratios=("1:1", "3:2", "2:3")), (3000, 2000), (3000, 2000), (3000, 2000)),
        (Canvas(ratios=("1:1", "3:2", "2:3")), (4000, 3000), (4500, 3000), (4000, 3000)),
        (
            Canvas(ratios=("1:1", "3:2"), max_pixels=1536 * 1024),
            (4000, 3000),
            (1536, 1024),
            (1365, 1024),
        ),
        (Canvas(max_pixels=1_048_576, multiple_of=16), (6000, 4000), (1248, 832), (1248, 832)),
        (Canvas(multiple_of=16), (1000, 667), (1008, 672), (1000, 667)),
        (Canvas(max_pixels=1_000_000, multiple_of=64), (12_000, 10), (12_032, 64), (12_000, 10)),
    ],
)
def test_some_photos(
    canvas: Canvas, photo: tuple[int, int], size: tuple[int, int], inner: tuple[int, int]
) -> None:
    layout = lay_out(canvas, *photo)
    assert (layout.width, layout.height) == size
    assert (layout.inner_width, layout.inner_height) == inner


@pytest.mark.parametrize(
    "canvas",
    [
        Canvas(ratios=("wide",)),
        Canvas(ratios=("0:1",)),
        Canvas(ratios=("1:1",), max_pixels=100, multiple_of=64),
        Canvas(max_pixels=100, multiple_of=64),
    ],
)
def test_a_card_that_allows_nothing_is_told_before_money_is_spent(canvas: Canvas) -> None:
    with pytest.raises(NotHonoured, match="canvas"):
        lay_out(canvas, 4000, 3000)
