"""What every request passes first and every answer last: names, and headers that protect.

Answers may be overridden by their route: a picture is shown on other sites, a page of ours loads
its own scripts.
"""

from __future__ import annotations

from typing import Any

from .visit import KEY, Visit

_SECURITY = {
    b"cache-control": b"no-store",
    b"content-security-policy": b"default-src 'none'; frame-ancestors 'none'",
    b"cross-origin-resource-policy": b"same-origin",
    b"referrer-policy": b"no-referrer",
    b"x-content-type-options": b"nosniff",
}
_HSTS = (b"strict-transport-security", b"max-age=31536000")


class Entrance:
    """Wraps the application; passes on what is not HTTP."""

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve one connection."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        visit = Visit.of(scope["headers"])
        secure = scope.get("scheme") == "https"

        async def answer(message: Any) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = _complete(message.get("headers", ()), visit, secure=secure)
            await send(message)

        await self.app({**scope, KEY: visit}, receive, answer)


def _complete(given: Any, visit: Visit, *, secure: bool) -> list[tuple[bytes, bytes]]:
    headers = [(name.lower(), value) for name, value in given]
    there = {name for name, _ in headers}
    more = {
        b"x-request-id": visit.request_id.encode(),
        b"traceparent": visit.traceparent.encode(),
        **{name.lower().encode(): value.encode() for name, value in visit.headers.items()},
        **_SECURITY,
    }
    headers += [(name, value) for name, value in more.items() if name not in there]
    return [*headers, _HSTS] if secure else headers
