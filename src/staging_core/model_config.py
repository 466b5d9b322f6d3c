"""How a model is configured: the options and secrets that its card declares, checked.

Options are what every job of the model is asked with unless its request says otherwise; they go
into the job's request, so a job keeps what it was submitted with. Secrets go to the model alone.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Literal, get_args

import msgspec

from .errors import ValidationFailed
from .honour import fits
from .models import ConfigField, ModelCard, StageRequest
from .sealing import Seal

_Type = Literal["bool", "string", "int", "float"]
_TYPES: dict[str, _Type] = {
    "boolean": "bool",
    "string": "string",
    "integer": "int",
    "number": "float",
}
_LONGEST_SECRET = 4096
_LONGEST_TEXT = 2000
assert set(_TYPES.values()) == set(get_args(_Type))


def fields_of(card: ModelCard) -> tuple[ConfigField, ...]:
    """What can be configured: the card's options of a plain type, then its secrets."""
    required = card.options.get("required", ())
    options = [
        _field(name, shape, name in required)
        for name, shape in card.options.get("properties", {}).items()
        if shape.get("type") in _TYPES
    ]
    secrets = [
        ConfigField(name=name, type="string", default="", description=meaning, is_secret=True)
        for name, meaning in card.secrets.items()
    ]
    return (*options, *secrets)


def _field(name: str, shape: Mapping[str, Any], required: bool) -> ConfigField:
    return ConfigField(
        name=name,
        type=_TYPES[shape["type"]],
        default=shape.get("default"),
        description=shape.get("description", ""),
        options=tuple(shape.get("enum", ())),
        min=shape.get("minimum"),
        max=shape.get("maximum"),
        required=required,
    )


class Change:
    """What a new configuration makes of an old one.

    ``values`` replaces all options: what is left out, ``null``, or an empty text is not configured
    any more. A secret stays unless a new one is given: left out, empty, it is kept; ``null``
    removes it. ``ValidationFailed`` names every field that is wrong.
    """

    def __init__(self, card: ModelCard, values: Mapping[str, Any], kept: Collection[str]) -> None:
        self.options: dict[str, Any] = {}
        self.new_secrets: dict[str, str] = {}
        self.kept = set(kept) & card.secrets.keys()
        wrong: dict[str, str] = {}
        for name, value in values.items():
            try:
                self._take(card, name, value)
            except ValueError as problem:
                wrong[name] = str(problem)
        if wrong:
            raise ValidationFailed(fields=wrong)

    def _take(self, card: ModelCard, name: str, value: Any) -> None:
        if name in card.secrets:
            self._take_secret(name, value)
            return
        shape = card.options.get("properties", {}).get(name)
        if shape is None or shape.get("type") not in _TYPES:
            raise ValueError("is no field of this model's configuration.")
        if value is None or value == "":
            return
        if isinstance(value, str) and not _is_text(value, _LONGEST_TEXT):
            raise ValueError(f"is not a text of up to {_LONGEST_TEXT} characters.")
        if not fits(shape, value) or (isinstance(value, int | float) and abs(value) >= 2**53):
            raise ValueError(f"is not {_wanted(shape)}.")
        self.options[name] = value

    def _take_secret(self, name: str, value: Any) -> None:
        if value is None:
            self.kept.discard(name)
        elif not isinstance(value, str) or (value and not _is_text(value, _LONGEST_SECRET)):
            raise ValueError(f"is not a text of up to {_LONGEST_SECRET} characters.")
        elif value:
            self.kept.discard(name)
            self.new_secrets[name] = value


def opened(seal: Seal, card: ModelCard, sealed: Mapping[str, str]) -> dict[str, str]:
    """The model's secrets as it is given them; ``SecretsUnavailable`` when one cannot be opened."""
    return {
        name: seal.open(place_of(card, name), sealed[name])
        for name in card.secrets
        if name in sealed
    }


def place_of(card: ModelCard, secret: str) -> str:
    """Where the secret belongs, for its seal."""
    return f"{card.id}/{secret}"


def without_configured(request: StageRequest, configured: Collection[str] | None) -> StageRequest:
    """The request with the options only that it was made with itself."""
    names = set(configured or ())
    options = {name: value for name, value in request.options.items() if name not in names}
    return msgspec.structs.replace(request, options=options)


def _is_text(value: str, most: int) -> bool:
    return 0 < len(value) <= most and value.isprintable()


def _wanted(shape: Mapping[str, Any]) -> str:
    if "enum" in shape:
        return f"one of {', '.join(map(str, shape['enum']))}"
    low, high = shape.get("minimum"), shape.get("maximum")
    bounds = [("at least", low), ("at most", high)]
    told = [f"{words} {bound}" for words, bound in bounds if bound is not None]
    return ", ".join([f"of the type {_TYPES[shape['type']]}", *told])
