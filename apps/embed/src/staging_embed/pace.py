"""How slowly a body may come or go: whoever sends or reads a few bytes a minute holds nothing.

One law for both: after ``GRACE_S`` there have to be ``LEAST_BYTES_S`` on average. Only the time
that is waited for the client counts, and not what is done with the bytes.
"""

from __future__ import annotations

from asyncio import timeout
from collections.abc import Awaitable, Callable
from math import inf
from time import monotonic
from typing import Any

from .refusal import Refusal

GRACE_S = 20.0
LEAST_BYTES_S = 16 * 1024
_FIRST_S = 2.0

Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]


class Pace:
    """One body on its way, in either direction."""

    def __init__(self) -> None:
        self._waited_s = 0.0
        self._size = 0
        self._began: float | None = None

    async def wait_for(self, step: Awaitable[Any], size: int = 0) -> Any:
        """What ``step`` gives; ``TimeoutError`` when all steps have taken too long for their bytes.

        ``size``: bytes that it sends.
        """
        self._size += size
        self._began = began = monotonic()
        try:
            async with timeout(GRACE_S + self._size / LEAST_BYTES_S - self._waited_s):
                return await step
        finally:
            self._waited_s += monotonic() - began
            self._began = None

    @property
    def speed(self) -> float:
        """Bytes a second, as far as it was waited for; infinite as long as that is not long."""
        now_s = 0.0 if self._began is None else monotonic() - self._began
        waited_s = self._waited_s + now_s
        return inf if waited_s < _FIRST_S else self._size / waited_s

    def came(self, size: int) -> None:
        """So many bytes have been received."""
        self._size += size


class PacedBody:
    """The body of a request; ``receive`` is for whoever reads it."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._pace = Pace()
        self._more = True

    async def receive(self) -> Any:
        """What comes next; a ``Refusal`` when it comes too slowly."""
        if not self._more:
            return await self._receive()
        try:
            message = await self._pace.wait_for(self._receive())
        except TimeoutError:
            raise Refusal(
                408,
                "request_timeout",
                "The request came too slowly.",
                headers={"Connection": "close"},
            ) from None
        self._pace.came(len(message.get("body", b"")))
        self._more = message["type"] == "http.request" and message.get("more_body", False)
        return message
