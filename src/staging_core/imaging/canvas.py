"""Where a photo lies on the picture that a model is given, and back."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from fractions import Fraction

import msgspec

from staging_core.errors import NotHonoured
from staging_core.models import Canvas

_RATIO_TOLERANCE = Fraction(1, 200)  # half of what an answer may be off by


class Layout(msgspec.Struct, frozen=True, kw_only=True):
    """A canvas of ``width`` x ``height`` pixels with the photo scaled into the inner box.

    The box starts ``left``, ``top`` pixels from the upper left corner; around it is padding.
    """

    width: int
    height: int
    left: int
    top: int
    inner_width: int
    inner_height: int


def lay_out(canvas: Canvas, width: int, height: int) -> Layout:
    """The canvas for a photo of this size, upright: as large as it need be and is allowed to be.

    The photo is never cropped and never enlarged; it is scaled down only as far as
    ``max_pixels`` asks. Of several ratios, that which keeps most of the photo's pixels, then that
    with the least padding, then the first. Sides are multiples of ``multiple_of``; the ratio is
    the allowed one within 0.5 %. ``NotHonoured`` where no canvas at all can be had.
    """
    sizes = {size for ratio in canvas.ratios for size in _of_ratio(canvas, ratio, width, height)}
    if not canvas.ratios:
        sizes = set(_of_any_ratio(canvas, width, height))
    if not sizes:
        raise NotHonoured(
            "The model's card allows no canvas that this photo could be laid on.",
            remedy="Correct ratios, max_pixels and multiple_of on the card.",
            part="model",
        )
    return min((_layout(size, width, height) for size in sorted(sizes)), key=_loss)


def _loss(layout: Layout) -> tuple[int, int]:
    return -layout.inner_width * layout.inner_height, layout.width * layout.height


def _layout(size: tuple[int, int], width: int, height: int) -> Layout:
    """The photo in the middle of a canvas, as large as fits but no larger than it is."""
    scale = min(Fraction(1), Fraction(size[0], width), Fraction(size[1], height))
    inner = max(1, round(width * scale)), max(1, round(height * scale))
    return Layout(
        width=size[0],
        height=size[1],
        left=(size[0] - inner[0]) // 2,
        top=(size[1] - inner[1]) // 2,
        inner_width=inner[0],
        inner_height=inner[1],
    )


def _of_any_ratio(canvas: Canvas, width: int, height: int) -> Iterator[tuple[int, int]]:
    """Canvases about the photo's own shape: the whole photo, or as much as there is room for."""
    step, most = canvas.multiple_of, canvas.max_pixels
    scale = min(1.0, math.sqrt(most / (width * height)))
    for w in _near(width * scale, step):
        for h in _near(height * scale, step):
            if w * h <= most:
                yield w, h
            else:  # a photo so narrow that its short side had to be widened
                yield from _allowed([(most // h // step * step, h), (w, most // w // step * step)])


def _near(side: float, step: int) -> set[int]:
    """The multiples on both sides of a length."""
    return {max(step, math.floor(side / step) * step), max(step, math.ceil(side / step) * step)}


def _allowed(sizes: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    return (size for size in sizes if min(size) > 0)


def _of_ratio(canvas: Canvas, ratio: str, width: int, height: int) -> Iterator[tuple[int, int]]:
    """The smallest canvas of this ratio that holds the photo, or the largest that is allowed."""
    wanted, step = _fraction(ratio), canvas.multiple_of
    if wanted is None:
        return
    needed = math.ceil(max(Fraction(width), height * wanted) / step)
    most = math.isqrt(int(canvas.max_pixels * wanted)) // step
    # Every multiple of the ratio's own width fits exactly, so neither walk is long.
    walk = [*range(needed, needed + wanted.numerator + 1), *range(min(needed, most + 1), 0, -1)]
    for columns in walk:
        w = columns * step
        h = max(1, round(w / wanted / step)) * step
        enough = columns < needed or h >= height
        close = abs(Fraction(w, h) / wanted - 1) <= _RATIO_TOLERANCE
        if enough and close and w * h <= canvas.max_pixels:
            yield w, h
            return


def _fraction(ratio: str) -> Fraction | None:
    """``"3:2"`` as a number; None for what is no ratio."""
    across, _, down = ratio.partition(":")
    if not (across.isdecimal() and down.isdecimal() and int(across) and int(down)):
        return None
    return Fraction(int(across), int(down))
