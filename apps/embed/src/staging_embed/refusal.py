"""What is wrong with a request as HTTP, before the library hears of it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from .fields import FORMS

_FIELD = re.compile(r"(?P<what>.*?)(?: - at `(?:key in )?\$?\.?(?P<path>.*)`)?", re.DOTALL)
_FORM_WORDS = {f"Expected `str` matching regex {form!r}": told for form, told in FORMS.items()}
_STEP = re.compile(r"(\w+)|(\[[^\]]*\])")
_NAMED = re.compile(r"(?:missing required|contains unknown) field `(?P<name>[^`]*)`")


class Refusal(Exception):
    """An answer of the 4xx kind. ``fields``: what is wrong in which part, for 422."""

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        *,
        fields: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.detail = detail
        self.fields = dict(fields or {})
        self.headers = dict(headers or {})


def malformed(detail: str) -> Refusal:
    """400: it cannot be read at all."""
    return Refusal(400, "bad_request", detail)


def invalid(field: str, message: str) -> Refusal:
    """422: it can be read, and one part of it is not; without a ``field`` the body itself."""
    return Refusal(
        422,
        "validation_failed",
        f"{field}: {message}" if field else message,
        fields={field or "body": message},
    )


def from_validation(error: msgspec.ValidationError, kind: Any) -> Refusal:
    """422, with the path that msgspec names; ``kind``: what was to be read."""
    found = _FIELD.fullmatch(str(error))
    assert found is not None
    what, path = found["what"], found["path"] or ""
    named = _NAMED.search(what)
    if named is not None:
        path = f"{path}.{named['name']}" if path else named["name"]
    return invalid(path, f"{_FORM_WORDS.get(what, what)}{_choices(what, kind, path)}.")


def _choices(what: str, kind: Any, path: str) -> str:
    """The values there are, where one was sent that is none of them."""
    if not what.startswith("Invalid enum value"):
        return ""
    schema = msgspec.json.schema(kind)
    found = _plain(schema, schema)
    for name, place in _STEP.findall(path):
        within = found.get("items" if place else "properties", {})
        found = _plain(within if place else within.get(name, {}), schema)
    return f", choose one of {', '.join(map(str, found['enum']))}" if "enum" in found else ""


def _plain(schema: Mapping[str, Any], whole: Mapping[str, Any]) -> Mapping[str, Any]:
    """What it refers to; of several kinds the first, and null comes last."""
    if "anyOf" in schema:
        schema = schema["anyOf"][0]
    if "$ref" in schema:
        found: Mapping[str, Any] = whole["$defs"][schema["$ref"].rpartition("/")[2]]
        return found
    return schema
