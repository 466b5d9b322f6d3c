"""JSON bodies as structs: every value of exactly its type, every text one that can be kept."""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec

from staging_core.text import UNKEPT, unkept_text

from .refusal import from_validation, invalid, malformed

T = TypeVar("T")


def read_json(raw: bytes | msgspec.Raw, kind: type[T]) -> T:
    """The value; a ``Refusal`` of 400 for what is no JSON, of 422 for what is not of that kind."""
    value = decoded(raw, kind)
    # There is no other way to write it; half of a surrogate pair is no JSON to the decoder.
    if b"\\u0000" in bytes(raw):
        check_texts(decoded(raw, Any))
    return value


def decoded(raw: bytes | msgspec.Raw, kind: type[T]) -> T:
    """As ``read_json``; texts are not looked into, for items that are read one by one later."""
    try:
        return msgspec.json.decode(raw, type=kind)
    except msgspec.ValidationError as wrong:
        raise from_validation(wrong, kind) from wrong
    except (ValueError, RecursionError) as wrong:
        raise malformed("The body is not JSON that can be read.") from wrong


def check_texts(value: Any) -> None:
    """A ``Refusal`` of 422 that names the text that cannot be kept."""
    unkept = unkept_text(value)
    if unkept is not None:
        raise invalid(unkept, UNKEPT)
