"""Bodies and queries with nested brackets: ``items[0][price]=price_1`` as dictionaries."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qsl

from .refusal import Refused

_NAME = re.compile(r"([^\[\]]+)((?:\[[^\[\]]*\])*)")
_DEEPEST = 10


def decoded(text: str) -> dict[str, Any]:
    """What a form says. Lists are dictionaries from numbers as text, until a shape is known."""
    form: dict[str, Any] = {}
    for name, value in parse_qsl(text, keep_blank_values=True):
        _place(form, _keys(name), value, name)
    return form


def bracketed(path: tuple[str, ...]) -> str:
    """A path as Stripe names it: ``items[0][price]``."""
    return path[0] + "".join(f"[{part}]" for part in path[1:])


def _keys(name: str) -> list[str]:
    match = _NAME.fullmatch(name)
    if match is None or name.count("[") > _DEEPEST:
        raise Refused(f"Invalid parameter name: {name}", param=name, ran=False)
    return [match[1], *re.findall(r"\[([^\[\]]*)\]", match[2])]


def _place(form: dict[str, Any], keys: list[str], value: str, name: str) -> None:
    for key in keys[:-1]:
        form = form.setdefault(key or str(len(form)), {})
        if not isinstance(form, dict):
            raise Refused(f"Invalid parameter: {name}", param=name, ran=False)
    form[keys[-1] or str(len(form))] = value
