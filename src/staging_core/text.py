"""Texts that every database can keep: no NUL, no half of a surrogate pair."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import isfinite
from typing import Any

UNKEPT = "has a character that cannot be kept: NUL, or half of a surrogate pair."


def unkept_text(value: Any) -> str | None:
    """Where in a JSON-like value a text is that cannot be kept, such as ``images[2].prompt``.

    Names in mappings are texts too; None when all is well, and an empty path for ``value`` itself.
    Lists and mappings may be nested as deep as the recursion limit allows.
    """
    return next(_unkept("", value), None)


def _unkept(path: str, value: Any) -> Iterator[str]:
    if isinstance(value, str):
        if not is_kept(value):
            yield path
    elif isinstance(value, Mapping):
        for name, inner in value.items():
            if isinstance(name, str) and not is_kept(name):
                yield path
            yield from _unkept(f"{path}.{name}" if path else str(name), inner)
    elif isinstance(value, list | tuple):
        for place, inner in enumerate(value):
            yield from _unkept(f"{path}[{place}]", inner)


def is_kept(text: str) -> bool:
    """Whether the text can be kept as it is, in UTF-8 and by PostgreSQL."""
    if text.isascii():
        return "\0" not in text
    return "\0" not in text and not any("\ud800" <= each <= "\udfff" for each in text)


def keepable(text: str) -> str:
    """The text with U+FFFD in place of what cannot be kept.

    For the words of strangers, which have to be written down whatever is in them.
    """
    if is_kept(text):
        return text
    return "".join(each if is_kept(each) else "\N{REPLACEMENT CHARACTER}" for each in text)


def keepable_json(value: Any) -> Any:
    """The value as JSON can hold it and every database keep it.

    What has no place in JSON becomes its text, and a number that is none becomes None.
    """
    if isinstance(value, str):
        return keepable(value)
    if isinstance(value, float):
        return value if isfinite(value) else None
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, Mapping):
        return {keepable(str(name)): keepable_json(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [keepable_json(inner) for inner in value]
    return keepable(str(value))
