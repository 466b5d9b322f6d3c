"""The size that a model is asked for: within its bounds, and in the shape of what it is given."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from staging_core.backends.replicate.card import SizeInput
from staging_core.backends.replicate.model_input import asked_size
from staging_core.backends.replicate.shelf import card_names, card_of
from staging_core.errors import Refused
from staging_core.imaging.canvas import lay_out
from staging_core.testing.fake_photo import FakePhoto

SIZED = [name for name in card_names() if card_of(name).size]
SEEDREAM = "bytedance/seedream-4.5"
FLUX = "black-forest-labs/flux-2-pro"
TOLERANCE = Fraction(1, 200)

SIDES = st.integers(64, 12_000)


def photo(width: int, height: int) -> FakePhoto:
    """Nobody looks at it."""
    return FakePhoto(b"", content_type="image/png", width=width, height=height)


def laid(model: str, width: int, height: int) -> FakePhoto:
    """What the model is given of such a photo."""
    layout = lay_out(card_of(model).canvas, width, height)
    return photo(layout.width, layout.height)


def asked(model: str, given: FakePhoto) -> tuple[int, int]:
    card = card_of(model)
    assert card.size is not None
    size = asked_size(card, card.size, given)
    return size[card.size.width], size[card.size.height]


def is_taken(size: SizeInput, width: int, height: int) -> bool:
    """Whether the model answers in just this size."""
    within = size.min_pixels <= width * height <= size.max_pixels
    whole = width % size.multiple_of == height % size.multiple_of == 0
    return within and whole and all(size.min_side <= s <= size.max_side for s in (width, height))


def off(size: tuple[int, int], given: FakePhoto) -> Fraction:
    """How far the shapes are apart, lying or upright."""
    times = Fraction(*size) / Fraction(given.width, given.height)
    return max(times, 1 / times) - 1


def can_be_had(size: SizeInput, given: FakePhoto) -> bool:
    """Whether there is any size near enough in shape; long and slow, but simple."""
    shape, step = Fraction(given.width, given.height), size.multiple_of
    for height in range(-(-size.min_side // step) * step, size.max_side + 1, step):
        least = -(-height * shape / (1 + TOLERANCE) // step) * step
        most = min(height * shape * (1 + TOLERANCE), size.max_side)
        if any(is_taken(size, int(w), height) for w in range(int(least), int(most) + 1, step)):
            return True
    return False


@pytest.mark.parametrize("model", SIZED)
@given(SIDES, SIDES)
@example(2160, 1440)
@example(2304, 1552)
@example(4096, 1024)
@example(1500, 6000)
@example(1600, 400)
def test_every_shape_that_can_be_had_gets_a_size_of_its_shape_within_the_bounds(
    model: str, width: int, height: int
) -> None:
    size, given = card_of(model).size, laid(model, width, height)
    assert size is not None
    try:
        answer = asked(model, given)
    except Refused:
        assert not can_be_had(size, given)
        return
    assert is_taken(size, *answer)
    assert off(answer, given) <= TOLERANCE
    multiples = [(given.width * n, given.height * n) for n in range(1, 65)]
    if fitting := [each for each in multiples if is_taken(size, *each)]:
        assert answer == fitting[0]


@pytest.mark.parametrize(
    ("model", "longest"), [("bytedance/seedream-4", 4), (SEEDREAM, 4), (FLUX, 3)]
)
@given(SIDES, SIDES)
def test_no_usual_shape_is_refused(model: str, longest: int, width: int, height: int) -> None:
    given = laid(model, width, height)
    if max(given.width, given.height) <= longest * min(given.width, given.height):
        asked(model, given)


@pytest.mark.parametrize(
    ("model", "given", "size"),
    [
        (SEEDREAM, (1248, 832), (2496, 1664)),  # twice
        (SEEDREAM, (2160, 1440), (2352, 1568)),  # in its shape, and no larger than need be
        (SEEDREAM, (1440, 2160), (1568, 2352)),
        (SEEDREAM, (2304, 1536), (2352, 1568)),
        (SEEDREAM, (4000, 1008), (4063, 1024)),  # nearly in its shape
        (FLUX, (2048, 512), (1408, 352)),  # the largest that there is
    ],
)
def test_a_size_loses_as_little_as_can_be(
    model: str, given: tuple[int, int], size: tuple[int, int]
) -> None:
    assert asked(model, photo(*given)) == size


@pytest.mark.parametrize("given", [(4112, 1008), (1008, 4112), (4096, 256)])
def test_what_is_longer_than_the_longest_answer_is_refused(given: tuple[int, int]) -> None:
    with pytest.raises(Refused, match=f"{given[0]}x{given[1]}"):
        asked(SEEDREAM, photo(*given))
