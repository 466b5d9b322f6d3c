"""HTTP as the double sees it: one request in, one answer out."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from typing import Any

import msgspec


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """One request, read whole. ``base_url``: scheme and host as the client named them.

    ``query_string``: the query as it came, for an API that says more than names and values in it.
    """

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes
    base_url: str
    query_string: str = ""

    def json(self) -> Any:
        """The body as JSON; ``ValueError`` when it is none."""
        try:
            return msgspec.json.decode(self.body)
        except msgspec.DecodeError as error:
            raise ValueError(str(error)) from error

    def object(self) -> dict[str, Any]:
        """The body as an object of JSON, an empty one without a body; ``ValueError`` if not."""
        value = self.json() if self.body else {}
        if not isinstance(value, dict):
            raise ValueError("The body is no object.")
        return value

    def token(self) -> str | None:
        """What stands after ``Bearer`` or ``Token``."""
        scheme, _, token = self.headers.get("authorization", "").partition(" ")
        return token.strip() if scheme.lower() in ("bearer", "token") and token else None

    def basic_name(self) -> str | None:
        """The user's name of basic authentication."""
        scheme, _, packed = self.headers.get("authorization", "").partition(" ")
        try:
            text = base64.b64decode(packed, validate=True).decode()
        except ValueError:
            return None
        return text.partition(":")[0] if scheme.lower() == "basic" else None


class Answer(msgspec.Struct, kw_only=True):
    """``about``: what the truth shall know of it, such as the prediction and the fault.

    ``more``: pieces that come before ``body``, when nobody knows how much it will be.
    """

    status: int = 200
    body: bytes = b""
    more: Iterable[bytes] | None = None
    headers: dict[str, str] = {}
    about: dict[str, Any] = {}


class HangUp(Exception):
    """The connection is cut without an answer. ``about``: for the truth."""

    def __init__(self, **about: Any) -> None:
        super().__init__("the answer is lost")
        self.about = about


def json_answer(value: Any, status: int = 200, **about: Any) -> Answer:
    """An answer in JSON."""
    headers = {"content-type": "application/json"}
    return Answer(status=status, body=msgspec.json.encode(value), headers=headers, about=about)
