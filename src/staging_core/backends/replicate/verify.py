"""Whether a card still says what the model publishes: field by field, in sentences."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from .card import ReplicateCard
from .schema import Published


class Difference(msgspec.Struct, frozen=True):
    """One thing that does not fit. ``field``: the model's input, or ``output``."""

    field: str
    message: str


def differences(card: ReplicateCard, schema: Published) -> list[Difference]:
    """All that would be refused or misunderstood; fields that the card does not use are none."""
    found = [*_sent(card, schema), *_options(card, schema), *_left_out(card, schema)]
    if schema.output and schema.output != card.output:
        words = {"one": "one address", "list": "a list"}
        found.append(Difference("output", f"is {words[schema.output]}, not {words[card.output]}"))
    return found


def _sent(card: ReplicateCard, schema: Published) -> Iterator[Difference]:
    """What every prediction gets, with a value of each kind that can stand there."""
    for name, values in _samples(card).items():
        field = schema.inputs.get(name)
        if field is None:
            yield Difference(name, "is no input of the model")
            continue
        reasons = dict.fromkeys(reason for value in values if (reason := field.takes(value)))
        yield from (Difference(name, reason) for reason in reasons)


def _samples(card: ReplicateCard) -> dict[str, list[Any]]:
    picture = "https://example.org/photo.png"
    samples: dict[str, list[Any]] = {name: [value] for name, value in card.always.items()}
    samples[card.prompt] = ["Furnish this room."]
    samples[card.picture.field] = [[picture] if card.picture.list else picture]
    if card.seed:
        samples[card.seed.field] = [1, card.seed.max]
    if card.ratio:
        samples[card.ratio.field] = list(card.ratio.choices)
    if card.size:
        for name in (card.size.width, card.size.height):
            samples[name] = [card.size.min_side, card.size.max_side]
    return samples


def _options(card: ReplicateCard, schema: Published) -> Iterator[Difference]:
    """What callers may set must all be taken."""
    for name, option in card.options.items():
        field = schema.inputs.get(name)
        if field is None:
            yield Difference(name, "is no input of the model")
            continue
        if option.get("type") and field.type and option["type"] != field.type:
            yield Difference(name, f"is a {field.type}, not a {option['type']}")
            continue
        bounds = [option[bound] for bound in ("minimum", "maximum") if bound in option]
        for value in [*option.get("enum", ()), *bounds]:
            if reason := field.takes(value):
                yield Difference(name, reason)


def _left_out(card: ReplicateCard, schema: Published) -> Iterator[Difference]:
    for name in sorted(schema.required - _samples(card).keys()):
        yield Difference(name, "is required, and the card does not send it")
