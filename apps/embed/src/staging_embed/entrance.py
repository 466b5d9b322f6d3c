"""What every request passes first and every answer last: names, and headers that protect.

Answers may be overridden by their route: a picture is shown on other sites, a page of ours loads
its own scripts.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from time import perf_counter
from typing import Any

from .identity import headers_of
from .lingering import Lingering, sends_a_body
from .pace import PacedBody
from .visit import KEY, Visit

log = logging.getLogger("staging_embed.requests")

SECURITY = {
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}
# As OpenTelemetry names them: whoever asks may write anything, and every name would be kept.
_METHODS = frozenset(
    ["CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "TRACE"]
)
_HSTS = {"strict-transport-security": "max-age=31536000"}


class Entrance:
    """Wraps the application; passes on what is not HTTP."""

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve one connection."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        visit, began, status = Visit.of(scope["headers"]), perf_counter(), 500
        method = scope["method"] if scope["method"] in _METHODS else "_OTHER"
        if sends_a_body(headers_of(scope)):
            lingering = Lingering(receive, send)
            receive, send = PacedBody(lingering.receive).receive, lingering.send

        async def answer(message: Any) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                self.answering(visit, method)
                message["headers"] = _added(list(message.get("headers", ())), visit, scope)
            await send(message)

        with visit.ending():
            try:
                # The host's state stays the host's: frameworks keep their own of a request there.
                await self.app({**scope, KEY: visit, "state": {}}, receive, answer)
            finally:
                self.answered(visit, method, status, perf_counter() - began)

    def answering(self, visit: Visit, method: str) -> None:
        """Its answer begins; ``method`` as for ``answered``."""

    def answered(self, visit: Visit, method: str, status: int, seconds: float) -> None:
        """A request has its answer, whole; ``method``: ``_OTHER`` for one that nobody knows."""
        log.info("%s %s %d, %.0f ms", method, visit.route or "-", status, seconds * 1000)


def completed(headers: Mapping[str, str], visit: Visit, scope: Mapping[str, Any]) -> dict[str, str]:
    """The headers of an answer, with those that every answer has."""
    mine = {name.lower(): value for name, value in headers.items()}
    secure = _HSTS if scope.get("scheme") == "https" else {}
    return {**SECURITY, **secure, **visit.named(), **mine}


def _added(headers: list[Any], visit: Visit, scope: Mapping[str, Any]) -> list[Any]:
    there = {name.lower() for name, _ in headers}
    for name, value in completed({}, visit, scope).items():
        if name.encode() not in there:
            headers.append((name.encode(), value.encode()))
    return headers
