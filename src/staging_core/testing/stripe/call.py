"""One call of the API, and what the nouns answer it with."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from .account import Account
from .refusal import Refused
from .shape import Shape
from .store import Object, page, within

MOST_KEYS = 50


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """``params``: fitted to the call's shape. ``parts``: of its path. ``path``: whole."""

    params: dict[str, Any]
    parts: dict[str, str]
    path: str

    @property
    def id(self) -> str:
        """The id in the path."""
        return self.parts["id"]

    def given(self, *names: str) -> dict[str, Any]:
        """Those of the parameters that came; an empty text unsets and is null."""
        return {
            name: None if self.params[name] == "" else self.params[name]
            for name in names
            if name in self.params
        }


Handler = Callable[[Call], Object]


class Operation(msgspec.Struct, frozen=True, kw_only=True):
    """What answers a method and a path, and the parameters it takes."""

    handler: Handler
    shape: Shape


def merged(old: dict[str, str] | None, given: Any) -> dict[str, str]:
    """Metadata after an update: an empty value removes its key, an empty text all of them."""
    if given == "" or given is None:
        return {} if given == "" else dict(old or {})
    whole = {**(old or {}), **given}
    whole = {name: value for name, value in whole.items() if value != ""}
    if len(whole) > MOST_KEYS:
        message = f"You can only have up to {MOST_KEYS} metadata keys."
        raise Refused(message, param="metadata", ran=False)
    return whole


class Reading:
    """Answers the calls that only read: one object, and pages of them, the newest first."""

    def __init__(self, account: Account) -> None:
        self._account = account

    def one(self, kind: str) -> Handler:
        """``GET /v1/things/{id}``."""
        return lambda call: self._account.find(kind, call.id)

    def pages(self, kind: str, *filters: str) -> Handler:
        """``GET /v1/things``, those that have the values of ``filters``."""

        def paged(call: Call) -> Object:
            having = {name: call.params[name] for name in filters if name in call.params}
            found = [
                value
                for value in self._account.store.all(kind, **having)
                if not value.get("deleted") and _within(value, call.params)
            ]
            return page(found[::-1], call.params, call.path, kind, lambda value: value)

        return paged


def _within(value: Object, params: dict[str, Any]) -> bool:
    return "created" not in params or within(value["created"], params["created"])
