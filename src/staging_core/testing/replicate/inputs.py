"""Whether an input fits a model, refused in the words of Replicate's own validation."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from staging_core.testing.double.message import Answer

from .model import Field, Model
from .problem import problem

Fault = dict[str, str]
_KINDS: dict[str, type | tuple[type, ...]] = {
    "string": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
    "array": list,
}


def refusal(model: Model, given: Any) -> Answer | None:
    """A 422 that names every wrong field, or nothing when the input fits."""
    faults = list(_faults(model, given))
    if not faults:
        return None
    lines = "".join(f"- {fault['field']}: {fault['description']}\n" for fault in faults)
    return problem(422, lines, "Input validation failed", invalid_fields=faults)


def _faults(model: Model, given: Any) -> Iterator[Fault]:
    if not isinstance(given, dict):
        yield _wrong_type("input", "object", given)
        return
    known = {field.name: field for field in model.fields}
    for field in model.fields:
        if field.required and field.name not in given:
            yield _fault("required", "input", f"{field.name} is required")
    for name, value in given.items():
        if name not in known:
            description = f"Additional property {name} is not allowed"
            yield _fault("additional_property_not_allowed", "input", description)
        else:
            yield from _of_value(known[name], f"input.{name}", value)


def _of_value(field: Field, place: str, value: Any) -> Iterator[Fault]:
    if value is None and field.nullable:
        return
    if not _is(field.type, value):
        yield _wrong_type(place, field.type, value)
    elif field.enum and value not in field.enum:
        words = ", ".join(f'"{word}"' for word in field.enum)
        yield _fault("enum", place, f"{field.name} must be one of the following: {words}")
    elif field.minimum is not None and value < field.minimum:
        yield _fault("number_gte", place, f"Must be greater than or equal to {field.minimum:g}")
    elif field.maximum is not None and value > field.maximum:
        yield _fault("number_lte", place, f"Must be less than or equal to {field.maximum:g}")
    elif field.picture:
        yield from _of_pictures(field, place, value)


def _of_pictures(field: Field, place: str, value: Any) -> Iterator[Fault]:
    values = value if field.type == "array" else [value]
    if field.items is not None and len(values) > field.items:
        yield _fault("array_max_items", place, f"Array must have at most {field.items} items")
    for number, one in enumerate(values):
        where = f"{place}.{number}" if field.type == "array" else place
        if not isinstance(one, str):
            yield _wrong_type(where, "string", one)
        elif not one.startswith(("http://", "https://", "data:")):
            yield _fault("format", where, "Does not match format 'uri'")


def _is(type: str, value: Any) -> bool:
    if isinstance(value, bool):
        return type == "boolean"
    return isinstance(value, _KINDS[type])


def _wrong_type(place: str, expected: str, value: Any) -> Fault:
    return _fault(
        "invalid_type", place, f"Invalid type. Expected: {expected}, given: {_named(value)}"
    )


def _named(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, dict):
        return "object"
    return next((name for name in ("boolean", *_KINDS) if _is(name, value)), "unknown")


def _fault(type: str, field: str, description: str) -> Fault:
    return {"type": type, "field": field, "description": description}
