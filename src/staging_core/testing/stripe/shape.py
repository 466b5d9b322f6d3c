"""The parameters of a call, held against the types that the installed ``stripe`` package publishes.

What the package does not know is refused as Stripe refuses it. What it knows and the double does
not do is refused too, in the double's own words.
"""

from __future__ import annotations

import re
import types
import typing
from collections.abc import Mapping
from decimal import Decimal
from functools import cache
from typing import Any, Literal, Union

from stripe import RequestOptions

from .form import bracketed
from .refusal import Refused, required, unspoken

_NAMES = {"StripeContext": str, "Mapping": Mapping}
_OPTIONS = frozenset(RequestOptions.__annotations__)
_INTEGER = re.compile(r"[+-]?\d{1,18}")
_NUMBER = re.compile(r"[+-]?\d{1,18}(\.\d{1,12})?")
Path = tuple[str, ...]
LONGEST_KEY, LONGEST_VALUE = 40, 500


class Shape:
    """``published``: a ``TypedDict`` of ``stripe.params``. ``honours``: dotted names, by spaces.

    A name stands for all below it; ``expand`` is always honoured.
    """

    def __init__(self, published: type, honours: str) -> None:
        self._published = published
        self._honoured = {tuple(name.split(".")) for name in [*honours.split(), "expand"]}

    def fitted(self, given: dict[str, Any]) -> dict[str, Any]:
        """The parameters as numbers, truth values, lists and dictionaries; ``Refused`` if wrong."""
        return self._object(self._published, given, (), ())

    def unpublished(self) -> list[str]:
        """The names that are honoured and that the package does not know."""
        names = [name for name in self._honoured if not _known(self._published, name)]
        return sorted(".".join(name) for name in names if name != ("expand",))

    def _object(
        self, published: type, given: dict[str, Any], path: Path, name: Path
    ) -> dict[str, Any]:
        fields = fields_of(published)
        for key in given:
            if key not in fields:
                param = bracketed((*path, key))
                message = f"Received unknown parameter: {param}"
                raise Refused(message, code="parameter_unknown", param=param, ran=False)
        for key in _required(published):
            if key not in given:
                raise required(bracketed((*path, key)))
        return {
            key: self._value(fields[key], value, (*path, key), (*name, key))
            for key, value in given.items()
        }

    def _value(self, annotation: Any, value: Any, path: Path, name: Path) -> Any:
        self._check_honoured(name, path)
        parts = _parts(annotation)
        if isinstance(value, str):
            return _scalar(parts, value, bracketed(path))
        for part in parts:
            if hasattr(part, "__required_keys__"):
                return self._object(part, value, path, name)
        for part in parts:
            if typing.get_origin(part) is list:
                return self._list(part, value, path, name)
        for part in parts:
            if typing.get_origin(part) is dict:
                return {key: _entry(key, one, (*path, key)) for key, one in value.items()}
        raise Refused(f"Invalid string: {bracketed(path)}", param=bracketed(path), ran=False)

    def _list(self, part: Any, value: dict[str, Any], path: Path, name: Path) -> list[Any]:
        if not all(key.isdigit() for key in value):
            raise Refused("Invalid array", param=bracketed(path), ran=False)
        (element,) = typing.get_args(part)
        ordered = sorted(value.items(), key=lambda pair: int(pair[0]))
        return [self._value(element, one, (*path, key), name) for key, one in ordered]

    def _check_honoured(self, name: Path, path: Path) -> None:
        below = any(name[: len(one)] == one for one in self._honoured)
        above = any(one[: len(name)] == name for one in self._honoured)
        if not below and not above:
            raise unspoken(f"the parameter {bracketed(path)}")


@cache
def fields_of(published: type) -> dict[str, Any]:
    """The parameters that are published, with their types."""
    hints = typing.get_type_hints(published, localns=_NAMES)
    return {name: hint for name, hint in hints.items() if name not in _OPTIONS}


def _known(published: Any, name: Path) -> bool:
    first, *rest = name
    if first not in fields_of(published):
        return False
    if not rest:
        return True
    inner = _inner(fields_of(published)[first])
    return any(_known(one, tuple(rest)) for one in inner)


def _inner(annotation: Any) -> list[Any]:
    """The dictionaries with names that are in an annotation, also within lists."""
    found = []
    for part in _parts(annotation):
        if hasattr(part, "__required_keys__"):
            found.append(part)
        elif typing.get_origin(part) is list:
            found += _inner(typing.get_args(part)[0])
    return found


@cache
def _required(published: Any) -> frozenset[str]:
    return frozenset(published.__required_keys__) - _OPTIONS


@cache
def _parts(annotation: Any) -> tuple[Any, ...]:
    """The members of a union, the unions in it opened."""
    if typing.get_origin(annotation) in (Union, types.UnionType):
        return tuple(part for one in typing.get_args(annotation) for part in _parts(one))
    return (annotation,)


def _scalar(parts: tuple[Any, ...], value: str, param: str) -> Any:
    words = [word for part in parts if _literal(part) for word in typing.get_args(part)]
    if value == "":
        return _nothing(parts, words, param)
    if value in words:
        return value
    if bool in parts and value in ("true", "false"):
        return value == "true"
    if int in parts and _INTEGER.fullmatch(value):
        return int(value)
    if (float in parts or Decimal in parts) and _NUMBER.fullmatch(value):
        return value if Decimal in parts else float(value)
    meant = [word for word in words if word]
    if str in parts and not meant:
        return value
    raise _wrong(parts, meant, value, param)


def _nothing(parts: tuple[Any, ...], words: list[str], param: str) -> Any:
    if "" in words:
        return ""
    if any(typing.get_origin(part) is list for part in parts):
        return []
    message = (
        f"You passed an empty string for '{param}'. We assume empty values are an attempt to unset"
        f" a parameter; however '{param}' cannot be unset. You should remove '{param}' from your"
        " request or supply a non-empty value."
    )
    raise Refused(message, code="parameter_invalid_empty", param=param, ran=False)


def _wrong(parts: tuple[Any, ...], words: list[str], value: str, param: str) -> Refused:
    if words:
        message = f"Invalid {param}: must be one of {', '.join(words)}"
        return Refused(message, param=param, ran=False)
    if int in parts:
        code = "parameter_invalid_integer"
        return Refused(f"Invalid integer: {value}", code=code, param=param, ran=False)
    if bool in parts:
        return Refused(f"Invalid boolean: {value}", param=param, ran=False)
    if float in parts or Decimal in parts:
        return Refused(f"Invalid decimal: {value}", param=param, ran=False)
    array = any(typing.get_origin(part) is list for part in parts)
    return Refused("Invalid array" if array else "Invalid object", param=param, ran=False)


def _literal(part: Any) -> bool:
    return typing.get_origin(part) is Literal


def _entry(key: str, value: Any, path: Path) -> str:
    """One entry of metadata, or of something like it."""
    param = bracketed(path)
    if not isinstance(value, str):
        raise Refused(f"Invalid string: {param}", param=param, ran=False)
    if len(key) > LONGEST_KEY or len(value) > LONGEST_VALUE:
        message = f"Keys have up to {LONGEST_KEY} characters, and values up to {LONGEST_VALUE}."
        raise Refused(message, param=param, ran=False)
    return value
