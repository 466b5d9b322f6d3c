"""One request: how it is named in logs and traces, and what every answer to it carries."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import Any
from uuid import uuid4

KEY = "staging.visit"

_REQUEST_ID = re.compile(rb"[\w.:-]{1,128}", re.ASCII)
# https://www.w3.org/TR/trace-context/: version, trace id, parent id, flags; all zeros are invalid.
_TRACEPARENT = re.compile(
    r"(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-([0-9a-f]{2})(-.*)?"
)

Headers = Iterable[tuple[bytes, bytes]]


class Visit:
    """The request's id and trace. ``headers``: what routes and limits add to the answer.

    ``caller``: the trace that the caller named. ``route``: the path of the route that answers, with
    its parameters' names; empty until one is found. ``error``: what its handler raised.
    """

    __slots__ = ("_span", "caller", "error", "headers", "request_id", "route", "traceparent")

    def __init__(self, request_id: str, traceparent: str, caller: str | None = None) -> None:
        self.request_id = request_id
        self.traceparent = traceparent
        self.caller = caller
        self.route = ""
        self.headers: dict[str, str] = {}
        self.error: Exception | None = None
        self._span: AbstractContextManager[None] | None = None

    @classmethod
    def of(cls, headers: Headers) -> Visit:
        """As the caller named it; what is missing, or is no name, is made."""
        given = dict(headers)
        told = given.get(b"x-request-id", b"")
        request_id = told.decode() if _REQUEST_ID.fullmatch(told) else str(uuid4())
        caller = given.get(b"traceparent", b"").decode("latin-1")
        known = caller if _TRACEPARENT.fullmatch(caller) else None
        return cls(request_id, _continued(caller), known)

    @property
    def has_span(self) -> bool:
        """Whether the request is in a span already."""
        return self._span is not None

    def enter(self, span: AbstractContextManager[None]) -> None:
        """From here on the request is in ``span``, until ``ending`` ends: also what is logged."""
        span.__enter__()
        self._span = span

    @contextmanager
    def ending(self) -> Iterator[None]:
        """Around the whole request: its span ends with it, and says what the handler raised."""
        try:
            yield
        finally:
            if self._span is not None:
                error, self.error = self.error, None
                self._span.__exit__(type(error) if error else None, error, None)

    def named(self) -> dict[str, str]:
        """Headers of the answer, by lower-case name."""
        own = {"x-request-id": self.request_id, "traceparent": self.traceparent}
        return own | {name.lower(): value for name, value in self.headers.items()}


def _continued(traceparent: str) -> str:
    """The caller's trace with a span of ours, or a trace of our own."""
    found = _TRACEPARENT.fullmatch(traceparent)
    trace, flags = (found[1], found[2]) if found else (secrets.token_hex(16), "00")
    return f"00-{trace}-{secrets.token_hex(8)}-{flags}"


def visit_of(scope: Mapping[str, Any]) -> Visit:
    """The visit that the entrance made for this request."""
    visit: Visit = scope[KEY]
    return visit
