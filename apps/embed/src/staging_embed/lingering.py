"""The end of an answer that came before the end of its request.

A connection that is closed while its client still sends is reset, and the client never sees why it
was refused. So what it sends is read on for a moment, and dropped.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

_LONGEST_S = 2.0
_MOST_BYTES = 4 << 20

Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]


class Lingering:
    """The body of one request; ``receive`` and ``send`` are for whoever answers it."""

    def __init__(self, receive: Receive, send: Send) -> None:
        self._receive = receive
        self._send = send
        self._more = True

    async def receive(self) -> Any:
        """What comes next."""
        message = await self._receive()
        self._more = message["type"] == "http.request" and message.get("more_body", False)
        return message

    async def send(self, message: Any) -> None:
        """Send it; before the last of it, hear the client out."""
        if message["type"] != "http.response.body" or message.get("more_body", False):
            await self._send(message)
            return
        if self._more:
            await self._send({**message, "more_body": True})
            await self._hear_out()
            message = {"type": "http.response.body", "body": b"", "more_body": False}
        await self._send(message)

    async def _hear_out(self) -> None:
        size = 0
        try:
            async with asyncio.timeout(_LONGEST_S):
                while self._more and size < _MOST_BYTES:
                    size += len((await self.receive()).get("body", b""))
        except TimeoutError:
            pass  # long enough


def sends_a_body(headers: dict[str, str]) -> bool:
    """Whether a request with these headers has a body."""
    return "transfer-encoding" in headers or headers.get("content-length", "0") != "0"
