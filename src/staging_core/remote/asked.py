"""A request, before it is sent; it may be sent more than once."""

from __future__ import annotations

import json
from collections.abc import AsyncIterable, Callable, Mapping
from typing import Any

import msgspec

from staging_core.errors import BadInput, NotFound

_LETTERS = frozenset("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_-")


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """One request. ``path``: below the API.

    ``content``: gives the body anew each time. ``repeats``: whether it may be sent again when
    nobody knows whether it arrived. ``once``: its body cannot be given again. ``silence_s``: how
    long the server may say nothing; by default what the connection was opened with.
    """

    method: str
    path: str
    query: Mapping[str, str] = {}
    headers: Mapping[str, str] = {}
    content: Callable[[], AsyncIterable[bytes]] | bytes | None = None
    repeats: bool = True
    once: bool = False
    silence_s: float | None = None


def in_path(noun: str, value: object) -> str:
    """An id as a part of a path; ``NotFound`` for what no id can be."""
    if not isinstance(value, str) or not 1 <= len(value) <= 64 or not _LETTERS.issuperset(value):
        raise NotFound(f"There is no {noun} of that id.")
    return value


def in_query(**values: object) -> dict[str, str]:
    """The query; what is None is left out."""
    return {name: _text(value) for name, value in values.items() if value is not None}


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def as_json(value: Any) -> bytes:
    """The value as JSON; ``BadInput`` for one that JSON cannot say."""
    try:
        return json.dumps(value, allow_nan=False).encode()
    except (TypeError, ValueError, RecursionError) as wrong:
        raise BadInput(f"The request is not valid: {wrong}.") from wrong
