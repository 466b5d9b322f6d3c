"""What a prediction is given: the card's fields filled from a request, and nothing else."""

from __future__ import annotations

from typing import Any

from staging_core.errors import NotHonoured, Refused
from staging_core.interfaces import Photo
from staging_core.models import StageRequest

from .card import RatioInput, ReplicateCard, SizeInput


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
    """Width and height of the output: a whole multiple of the photo's, so that its shape stays."""
    for times in range(1, 65):
        width, height = photo.width * times, photo.height * times
        if max(width, height) > size.max_side or width * height > size.max_pixels:
            break
        if min(width, height) >= size.min_side and width * height >= size.min_pixels:
            return {size.width: width, size.height: height}
    raise Refused(
        f"The model {card.id} answers in {size.min_side} to {size.max_side} pixels a side; a photo "
        f"of {photo.width}x{photo.height} has no such size in its shape.",
        remedy="Send a photo of a more usual shape, or choose another model.",
    )
