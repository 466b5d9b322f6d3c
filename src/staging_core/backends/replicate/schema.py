"""What a model publishes of itself: the OpenAPI document of its latest version, flattened."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

_DEPTH = 8


class Field(msgspec.Struct, frozen=True, kw_only=True):
    """One input. ``type``: JSON Schema's word, empty when it is left open."""

    type: str = ""
    enum: tuple[Any, ...] = ()
    minimum: float | None = None
    maximum: float | None = None

    def takes(self, value: object) -> str:
        """Why the input does not take ``value``; empty when it does."""
        if self.type and not _is(self.type, value):
            return f"takes a {self.type}, not {value!r}"
        if self.enum and value not in self.enum:
            return f"takes {_words(self.enum)}, not {value!r}"
        if isinstance(value, int | float) and not isinstance(value, bool):
            if self.minimum is not None and value < self.minimum:
                return f"takes {self.minimum:g} at least, not {value}"
            if self.maximum is not None and value > self.maximum:
                return f"takes {self.maximum:g} at most, not {value}"
        return ""


class Published(msgspec.Struct, frozen=True, kw_only=True):
    """``output``: ``one``, ``list``, or empty for anything else. ``version``: the latest one."""

    version: str
    inputs: Mapping[str, Field]
    required: frozenset[str]
    output: str


def published(model: Mapping[str, Any]) -> Published | None:
    """The schema in a model as Replicate shows it; None when it publishes none."""
    latest = model.get("latest_version")
    document = latest.get("openapi_schema") if isinstance(latest, dict) else None
    schemas = _at(document, "components", "schemas")
    given = schemas.get("Input")
    if not isinstance(given, dict):
        return None
    assert isinstance(latest, dict)
    return Published(
        version=str(latest.get("id", "")),
        inputs={name: _field(shape, schemas) for name, shape in _at(given, "properties").items()},
        required=frozenset(given.get("required", ())),
        output={"array": "list", "string": "one"}.get(
            _flat(schemas.get("Output", {}), schemas).get("type", ""), ""
        ),
    )


def _at(value: Any, *path: str) -> dict[str, Any]:
    for part in path:
        value = value.get(part) if isinstance(value, dict) else None
    return value if isinstance(value, dict) else {}


def _field(shape: object, schemas: dict[str, Any]) -> Field:
    flat = _flat(shape, schemas)
    return Field(
        type=flat.get("type", ""),
        enum=tuple(flat.get("enum", ())),
        minimum=flat.get("minimum"),
        maximum=flat.get("maximum"),
    )


def _flat(shape: object, schemas: dict[str, Any], depth: int = 0) -> dict[str, Any]:
    """A shape with what it refers to: ``$ref``, ``allOf``, and ``anyOf`` with null."""
    if not isinstance(shape, dict) or depth > _DEPTH:
        return {}
    parts = list(shape.get("allOf", ()))
    parts += [one for one in shape.get("anyOf", ()) if one != {"type": "null"}][:1]
    if "$ref" in shape:
        parts.append(schemas.get(str(shape["$ref"]).rpartition("/")[2]))
    flat: dict[str, Any] = {}
    for part in parts:
        flat |= _flat(part, schemas, depth + 1)
    return flat | {name: value for name, value in shape.items() if value is not None}


def _is(kind: str, value: object) -> bool:
    match kind:
        case "boolean":
            return isinstance(value, bool)
        case "integer":
            return isinstance(value, int) and not isinstance(value, bool)
        case "number":
            return isinstance(value, int | float) and not isinstance(value, bool)
        case "string":
            return isinstance(value, str)
        case "array":
            return isinstance(value, list)
    return True


def _words(values: tuple[Any, ...]) -> str:
    return ", ".join(map(str, values))
