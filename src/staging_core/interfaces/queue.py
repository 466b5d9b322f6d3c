"""Queues: they only nudge. The job's row is the truth."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Protocol

from staging_core.models import Allowance, Wake

Handler = Callable[[Wake], Awaitable[None]]


class Queue(Protocol):
    """Carries wakes from whoever made work to whoever does it."""

    async def poke(self, wake: Wake) -> None:
        """Pass the wake on. It may be lost, doubled or late; a caller never relies on it."""
        ...


class Consumes(Protocol):
    """Hands wakes to a handler in this process."""

    async def consume(self, handler: Handler, *, lanes: frozenset[str], concurrency: int) -> None:
        """Call ``handler`` for wakes of ``lanes``, ``concurrency`` at a time, until cancelled.

        A wake is not handed out before its ``not_before``. It is not handed out again while its
        handler runs. A handler that raises does not end the loop. Cancelling stops taking new
        wakes, lets running handlers finish, then returns. A server that dies and comes back, or
        forgets everything, does not end the loop either. Where wakes outlive the process, one
        whose process was killed is handed out again, though nobody poked.
        """
        ...


class Signals(Protocol):
    """Wakes those who wait for something to change (event streams). Only ever a hint."""

    async def signal(self, topic: str) -> None:
        """Tell all who listen to ``topic`` to look now."""
        ...

    def listen(self, topic: str) -> AsyncIterator[None]:
        """Yields once per signal; several in a row may be one."""
        ...


class Carries(Protocol):
    """Signals that bring something along; a queue has them beside ``Signals``."""

    async def carry(self, topic: str, content: bytes) -> None:
        """Signal ``topic``, which has no line break, with ``content``: 1 to 65,536 bytes of text.

        To those who only listen it is a signal like any other.
        """
        ...

    def carried(self, topic: str, take: Callable[[bytes], None]) -> Callable[[], None]:
        """Call ``take`` with what each signal of ``topic`` brings, until what this gives is called.

        With nothing (``b""``) for a plain signal, and after some may have been missed. ``take`` is
        quick and does not raise. As signals are, what is carried may be lost, doubled or late; who
        can reach the server may forge it.
        """
        ...


class LimitsRates(Protocol):
    """Counts uses for rate limits, for all processes that share the queue."""

    async def take(self, key: str, *, limit: int, window_s: float) -> Allowance:
        """Take one of the ``limit`` uses that ``key`` has in ``window_s`` seconds.

        Of many at once exactly ``limit`` are allowed. The window begins with the first use, and
        later ones do not make it longer. Each key is counted by itself.
        """
        ...
