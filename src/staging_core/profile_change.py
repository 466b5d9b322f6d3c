"""What a user may change in their profile, checked field by field."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import msgspec

from .errors import ValidationFailed

TEXTS = {
    "email": 320,
    "full_name": 255,
    "company_name": 255,
    "phone": 64,
    "profile_photo_url": 2048,
}
"""Fields of one line, and how many characters each may have."""

FIELDS = (*TEXTS, "billing_address", "preferences")
MOST_PREFERENCES_BYTES = 16_384
MOST_ADDRESS_LINES = 20
_LONGEST_LINE = 255
_DEEPEST = 10
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+")


def changed(current: Mapping[Any, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """The fields that ``changes`` (a JSON merge patch, RFC 7396) names, with their new values.

    ``null``, and an empty text, which old clients send for it, clear a field. ``ValidationFailed``
    names every field that is wrong or not to be changed; then nothing is.
    """
    values: dict[str, Any] = {}
    wrong: dict[str, str] = {}
    for name, change in changes.items():
        try:
            values[name] = _field(name, current.get(name), change)
        except ValueError as problem:
            wrong[name] = str(problem)
    if wrong:
        raise ValidationFailed(fields=wrong)
    return values


def merged(current: Any, patch: Any) -> Any:
    """``current`` after the merge patch, as RFC 7396 section 2 defines it."""
    if not isinstance(patch, Mapping):
        return patch
    result = dict(current) if isinstance(current, Mapping) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = merged(result.get(name), value)
    return result


def _field(name: str, current: Any, change: Any) -> Any:
    """The field's new value; ``ValueError`` says what is wrong with the change."""
    if name in TEXTS:
        return _text(name, change)
    if name not in FIELDS:
        raise ValueError(f"cannot be changed; {', '.join(FIELDS)} can.")
    if change is not None and not isinstance(change, Mapping):
        raise ValueError("is not an object.")
    _check_json(change)
    value = merged(current, change)
    return _preferences(value) if name == "preferences" else _address(value)


def _text(name: str, value: Any) -> str | None:
    if value is None or value == "":
        return None
    if not isinstance(value, str) or not value.isprintable():
        raise ValueError("is not a text of one line.")
    if len(value) > TEXTS[name]:
        raise ValueError(f"has more than {TEXTS[name]} characters.")
    if name == "email" and not _EMAIL.fullmatch(value):
        raise ValueError("is not an e-mail address.")
    if name == "profile_photo_url":
        _check_address(value)
    return value


def _check_address(value: str) -> None:
    try:
        parts = urlsplit(value)
        plain = parts.scheme in ("http", "https") and parts.hostname and "@" not in parts.netloc
    except ValueError:
        plain = False
    if not plain:
        raise ValueError("is not a web address.")


def _address(value: Any) -> dict[str, str] | None:
    if not value:
        return None
    for name, line in value.items():
        if not isinstance(line, str) or len(line) > _LONGEST_LINE or len(name) > _LONGEST_LINE:
            raise ValueError(f"holds texts of up to {_LONGEST_LINE} characters only.")
    if len(value) > MOST_ADDRESS_LINES:
        raise ValueError(f"has more than {MOST_ADDRESS_LINES} lines.")
    return dict(value)


def _preferences(value: Any) -> dict[str, Any]:
    if len(msgspec.json.encode(value or {})) > MOST_PREFERENCES_BYTES:
        raise ValueError(f"would have more than {MOST_PREFERENCES_BYTES} bytes.")
    return dict(value or {})


def _check_json(value: Any, depth: int = 0) -> None:
    """``ValueError`` unless it is JSON that every database keeps as it is, and not deep."""
    if depth > _DEEPEST:
        raise ValueError(f"is deeper than {_DEEPEST} levels.")
    if isinstance(value, str):
        _check_characters(value)
    elif isinstance(value, Mapping):
        for name, item in value.items():
            _check_json(name if isinstance(name, str) else object(), depth)
            _check_json(item, depth + 1)
    elif isinstance(value, list | tuple):
        for item in value:
            _check_json(item, depth + 1)
    elif isinstance(value, float) and not abs(value) < 1e300:
        raise ValueError("has a number that is too large, or none.")
    elif isinstance(value, int) and abs(value) >= 2**63:
        raise ValueError("has a number that is too large.")
    elif not isinstance(value, bool | int | float | None):
        raise ValueError("is not JSON.")


def _check_characters(text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError("has half a character.") from None
    if "\0" in text:
        raise ValueError("has a NUL character.")
