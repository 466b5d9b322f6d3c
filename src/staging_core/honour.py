"""Whether a model can honour a request, said before anything is stored or spent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .errors import NotHonoured
from .imaging.canvas import lay_out
from .models import ModelCard, StageRequest
from .prompts import build_prompt

_KINDS: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
}


def check_honoured(card: ModelCard, request: StageRequest, *, width: int, height: int) -> None:
    """``NotHonoured`` names the first part of ``request`` that the model cannot honour.

    ``width`` and ``height``: pixels of the upright photo.
    """
    _check_catalog(card, request)
    _check_size(card, width, height)
    _check_canvas(card, width, height)
    for part in ("prompt", "furniture"):
        if getattr(request, part) and part not in card.honours:
            raise _refusal(card, part, f"does not take a {part}")
    _check_options(card, request.options)
    if "prompt" in card.honours:
        build_prompt(request, card)


def _check_catalog(card: ModelCard, request: StageRequest) -> None:
    if card.rooms and request.room not in card.rooms:
        raise _refusal(
            card, "room", f"does not stage a {request.room}", f"It stages {', '.join(card.rooms)}."
        )
    if card.styles and request.style not in card.styles:
        remedy = f"It has {', '.join(card.styles)}."
        raise _refusal(card, "style", f"has no style {request.style}", remedy)


def _check_size(card: ModelCard, width: int, height: int) -> None:
    sizes = card.sizes
    if min(width, height) < sizes.min_side:
        raise _refusal(card, "photo", f"needs pictures of at least {sizes.min_side} pixels a side")
    if max(width, height) > sizes.max_side or width * height > sizes.max_pixels:
        raise _refusal(
            card,
            "photo",
            f"takes at most {sizes.max_side} pixels a side and {sizes.max_pixels} in all",
        )


def _check_canvas(card: ModelCard, width: int, height: int) -> None:
    if card.canvas is not None:
        lay_out(card.canvas, width, height)


def _check_options(card: ModelCard, options: dict[str, Any]) -> None:
    """The card's options are a flat JSON Schema object: type, enum, minimum and maximum count."""
    known: dict[str, Any] = card.options.get("properties", {})
    for name, value in options.items():
        if name not in known:
            listed = ", ".join(known) or "none"
            raise _refusal(card, "options", f"has no option {name!r}", f"Its options: {listed}.")
        if not fits(known[name], value):
            raise _refusal(card, "options", f"does not take {value!r} for {name!r}")
    for name in card.options.get("required", ()):
        if name not in options:
            raise _refusal(card, "options", f"needs the option {name!r}")


def fits(schema: Mapping[str, Any], value: Any) -> bool:
    """Whether ``value`` is of the schema's type, one of its ``enum``, and within its bounds."""
    kinds = _KINDS.get(schema.get("type", ""))
    if kinds is not None and not isinstance(value, kinds):
        return False
    if isinstance(value, bool) and schema.get("type") in ("integer", "number"):
        return False
    if "enum" in schema and value not in schema["enum"]:
        return False
    low, high = schema.get("minimum"), schema.get("maximum")
    return (low is None or value >= low) and (high is None or value <= high)


def _refusal(card: ModelCard, part: str, what: str, remedy: str | None = None) -> NotHonoured:
    return NotHonoured(f"The model {card.id} {what}.", remedy=remedy, part=part)
