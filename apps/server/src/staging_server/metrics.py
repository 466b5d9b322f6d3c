"""``/metrics``: this process's figures for Prometheus, where ``STAGING_METRICS`` asks for them.

It says nothing of any account: no label has a customer's value. Let a proxy keep it from others.
"""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any

from staging_embed.entrance import SECURITY

from .telemetry.exposition import EXPOSED

PATH = "/metrics"


class Metrics:
    """Wraps the application; answers one path itself, while there is something to show."""

    def __init__(self, app: Any) -> None:
        self.app = app

    def __call__(self, scope: Any, receive: Any, send: Any) -> Awaitable[None]:
        """Serve one connection. No coroutine of ours is held by those that stay for an hour."""
        asked = scope["type"] == "http" and scope["path"] == PATH and scope["method"] == "GET"
        shown = EXPOSED.text() if asked else None
        if shown is None:
            passed_on: Awaitable[None] = self.app(scope, receive, send)
            return passed_on
        return self._show(send, *shown)

    async def _show(self, send: Any, body: bytes, kind: str) -> None:
        headers = [(name.encode(), value.encode()) for name, value in SECURITY.items()]
        headers.append((b"content-type", kind.encode()))
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})
