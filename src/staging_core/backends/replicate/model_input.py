"""What a prediction is given: the card's fields filled from a request, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from staging_core.errors import NotHonoured, Refused
from staging_core.interfaces import Photo
from staging_core.models import StageRequest

from .card import RatioInput, ReplicateCard, SizeInput

_SHAPE_TOLERANCE = 0.005  # half of what an answer may be off by


def model_input(
    card: ReplicateCard, request: StageRequest, photo: Photo, *, prompt: str
) -> dict[str, Any]:
    """The ``input`` of a prediction, but for the photo itself.

    ``Refused`` when the model cannot answer in the photo's shape; ``NotHonoured`` for an option
    that the card does not list.
    """
    if unknown := request.options.keys() - card.options.keys():
        raise NotHonoured(f"The model {card.id} has no option {min(unknown)!r}.", part="options")
    filled: dict[str, Any] = {**card.always, card.prompt: prompt}
    if card.seed:
        filled[card.seed.field] = folded(request.seed, card.seed.max)
    if card.ratio:
        filled[card.ratio.field] = nearest_ratio(card.ratio, photo)
    if card.size:
        filled |= asked_size(card, card.size, photo)
    return {**filled, **request.options}


def folded(seed: int, most: int) -> int:
    """A seed within ``1..most``; the same for the same seed."""
    return (seed - 1) % most + 1


def nearest_ratio(ratio: RatioInput, photo: Photo) -> str:
    """The choice whose shape is closest to the photo's."""
    shape = photo.width / photo.height

    def off(choice: str) -> float:
        wide, _, high = choice.partition(":")
        asked = int(wide) / int(high)
        return max(asked / shape, shape / asked)

    return min(ratio.choices, key=off)


def asked_size(card: ReplicateCard, size: SizeInput, photo: Photo) -> dict[str, int]:
    """Width and height of the output, in the photo's shape and within the bounds.

    A whole multiple of the photo's where there is one, else any size of exactly its shape, else one
    of nearly its shape. Of these the smallest that loses nothing, or the largest there is.
    """
    area = photo.width * photo.height
    shape = Fraction(photo.width, photo.height)
    across, down = shape.numerator * size.multiple_of, shape.denominator * size.multiple_of
    for sizes in (
        _multiples(size, photo.width, photo.height),
        _multiples(size, across, down),
        _about(size, shape),
    ):
        if fitting := [each for each in sizes if _is_within(size, *each)]:
            width, height = min(fitting, key=lambda each: _loss(each[0] * each[1], area))
            return {size.width: width, size.height: height}
    raise Refused(
        f"The model {card.id} answers in {size.min_side} to {size.max_side} pixels a side; a photo "
        f"of {photo.width}x{photo.height} has no such size in its shape.",
        remedy="Send a photo of a more usual shape, or choose another model.",
    )


def _loss(pixels: int, photos: int) -> tuple[bool, int]:
    return pixels < photos, abs(pixels - photos)


def _is_within(size: SizeInput, width: int, height: int) -> bool:
    return (
        min(width, height) >= size.min_side
        and max(width, height) <= size.max_side
        and size.min_pixels <= width * height <= size.max_pixels
        and width % size.multiple_of == height % size.multiple_of == 0
    )


def _multiples(size: SizeInput, width: int, height: int) -> Iterator[tuple[int, int]]:
    most = size.max_side // max(width, height)
    return ((width * times, height * times) for times in range(1, most + 1))


def _about(size: SizeInput, shape: Fraction) -> Iterator[tuple[int, int]]:
    """For each short side the long one that comes closest, where it is close enough."""
    step, ratio = size.multiple_of, max(shape, 1 / shape)
    most = size.max_side // step
    for short in range(-(-size.min_side // step), most + 1):
        # In whole numbers: four thousand fractions would take a while.
        exact = short * ratio.numerator
        long = min((2 * exact + ratio.denominator) // (2 * ratio.denominator), most)
        asked = long * ratio.denominator
        if abs(asked - exact) <= min(asked, exact) * _SHAPE_TOLERANCE:
            sides = short * step, long * step
            yield sides if shape < 1 else (sides[1], sides[0])
