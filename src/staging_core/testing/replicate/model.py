"""What a model of the double takes and gives: its facts, and the schema that it publishes."""

from __future__ import annotations

import hashlib
from typing import Any, Literal

import msgspec

Sizes = Literal["near_1mp", "kontext", "flux_2", "by_width", "gpt", "upscaled"]


class Field(msgspec.Struct, frozen=True, kw_only=True):
    """One input. ``enum``: the allowed words; ``items``: at most so many pictures in the list."""

    name: str
    type: Literal["string", "integer", "number", "boolean", "array"] = "string"
    picture: bool = False
    required: bool = False
    nullable: bool = False
    default: Any = None
    enum: tuple[Any, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    items: int | None = None


class Model(msgspec.Struct, frozen=True, kw_only=True):
    """``owner/name``, its inputs, what it gives back and what one output costs.

    ``many``: the output is a list. ``sizes``: the rule for an output's size, see ``sizes``.
    ``official``: predictions are made by the model's path and hide their version.
    """

    id: str
    fields: tuple[Field, ...]
    many: bool
    sizes: Sizes
    price_usd: float
    description: str
    official: bool = True

    @property
    def owner(self) -> str:
        """The part before the slash."""
        return self.id.partition("/")[0]

    @property
    def name(self) -> str:
        """The part after the slash."""
        return self.id.partition("/")[2]

    @property
    def version(self) -> str:
        """The id of its only version: 64 hexadecimal digits."""
        return hashlib.sha256(f"{self.id} of the double".encode()).hexdigest()

    @property
    def picture(self) -> Field:
        """The input that takes the photo."""
        return next(field for field in self.fields if field.picture)

    def filled(self, given: dict[str, Any]) -> dict[str, Any]:
        """The input with every default in its place."""
        defaults = {field.name: field.default for field in self.fields}
        return {**defaults, **{name: value for name, value in given.items() if value is not None}}


def openapi_schema(model: Model) -> dict[str, Any]:
    """The document under ``latest_version.openapi_schema``, in the form that Cog writes it.

    Words of a choice stand in a schema of their own, named as the field.
    """
    choices = {
        field.name: {"type": field.type, "title": field.name, "enum": list(field.enum)}
        for field in model.fields
        if field.enum
    }
    return {
        "openapi": "3.0.2",
        "info": {"title": "Cog", "version": "0.1.0"},
        "paths": {},
        "components": {
            "schemas": {"Input": _input(model), "Output": _output(model), **choices},
        },
    }


def _input(model: Model) -> dict[str, Any]:
    return {
        "type": "object",
        "title": "Input",
        "required": [field.name for field in model.fields if field.required],
        "properties": {
            field.name: _property(field, order) for order, field in enumerate(model.fields)
        },
    }


def _property(field: Field, order: int) -> dict[str, Any]:
    shape: dict[str, Any] = {"title": field.name.replace("_", " ").title(), "x-order": order}
    if field.enum:
        shape["allOf"] = [{"$ref": f"#/components/schemas/{field.name}"}]
    elif field.type == "array":
        shape |= {"type": "array", "items": {"type": "string", "format": "uri"}}
    else:
        shape["type"] = field.type
        if field.picture:
            shape["format"] = "uri"
    bounds = {"minimum": field.minimum, "maximum": field.maximum, "maxItems": field.items}
    shape |= {name: bound for name, bound in bounds.items() if bound is not None}
    if field.default is not None:
        shape["default"] = field.default
    if field.nullable:
        shape["nullable"] = True
    return shape


def _output(model: Model) -> dict[str, Any]:
    one = {"type": "string", "format": "uri"}
    return (
        {"type": "array", "title": "Output", "items": one}
        if model.many
        else one | {"title": "Output"}
    )
