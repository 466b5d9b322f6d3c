"""Load shedding: under too much load new work is turned away, and everything else goes on.

What takes long has rooms of its own, so that it keeps nobody from what is done in a moment; and no
account can fill a room.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from math import inf
from time import monotonic
from typing import Protocol

from staging_core.errors import Overloaded, RateLimited

_SOON_S = 2.0
_FAIR_BYTES_S = 128 * 1024


class Reader(Protocol):
    """Somebody who is sent something, as slowly as they like."""

    @property
    def speed(self) -> float:
        """Bytes a second."""
        ...

    def cut(self) -> None:
        """Send them no more."""
        ...


class Room:
    """Counts requests of one kind in this process.

    ``most``: at one time. ``each``: of one account, so that others always get in. ``wait_s``: how
    long a request may wait for its turn; where the room ``sheds``, only for its account's share.
    Of readers in a full room the slowest of the account that has most makes way for who comes, if
    it takes at most ``spares`` bytes a second.
    """

    def __init__(
        self,
        most: int,
        *,
        each: int,
        wait_s: float = 0.0,
        sheds: bool = False,
        spares: float = inf,
    ) -> None:
        self.most = most
        self.each = each
        self.running = 0
        self._wait_s = wait_s
        self._sheds = sheds
        self._spares = spares
        self._of: Counter[str] = Counter()
        self._freed = asyncio.Event()
        self._readers: dict[Reader, str] = {}

    @asynccontextmanager
    async def one(
        self, account_id: str, *, reader: Reader | None = None, patient: bool = False
    ) -> AsyncIterator[None]:
        """Room for one; ``Overloaded`` when there is none, ``RateLimited`` when its share is.

        ``reader``: whom it is for, where they may be cut. ``patient``: wait as long as it takes.
        """
        await self._turn(account_id, None if patient else self._wait_s)
        self.running += 1
        self._of[account_id] += 1
        if reader is not None:
            self._readers[reader] = account_id
        try:
            yield
        finally:
            if reader is not None:
                self._readers.pop(reader, None)
            self.running -= 1
            self._of[account_id] -= 1
            if not self._of[account_id]:
                del self._of[account_id]
            self._freed.set()

    async def _turn(self, account_id: str, wait_s: float | None) -> None:
        until = None if wait_s is None else monotonic() + wait_s
        while (error := self._full(account_id)) is not None:
            left_s = None if until is None else until - monotonic()
            if left_s is not None and left_s <= 0:
                raise error
            if isinstance(error, Overloaded):
                if self._sheds:
                    raise error
                self._make_way()
            self._freed.clear()
            try:
                async with asyncio.timeout(left_s):
                    await self._freed.wait()
            except TimeoutError:
                continue

    def _make_way(self) -> None:
        """Cut one reader, unless one is on the way out already, or none is slow."""
        if len(self._readers) < self.running:
            return
        speeds = {each: each.speed for each in self._readers}
        slow = [each for each, speed in speeds.items() if speed <= self._spares]
        if not slow:
            return
        slowest = min(slow, key=lambda each: (-self._of[self._readers[each]], speeds[each]))
        del self._readers[slowest]
        slowest.cut()

    def _full(self, account_id: str) -> Overloaded | RateLimited | None:
        if self.running >= self.most:
            return Overloaded()
        if self._of[account_id] < self.each:
            return None
        return RateLimited(
            f"The account has {self.each} such requests open here; wait for one to end.",
            retry_after_s=_SOON_S,
        )


class Rooms:
    """The rooms of one application. ``creates_at_once``: of those that create in a moment.

    ``transfers``: photos on their way in. ``pictures``: on their way out, each with a piece in
    memory; ``objects``: the same at signed addresses, which others may have been given. ``reads``:
    pieces that are read from the storage, fewer than it has connections; nobody who is sent one
    holds it. ``archives`` and ``exports``: much of it, for long, and nobody can resume one: who
    reads at a fair pace is let finish.
    """

    def __init__(self, creates_at_once: int) -> None:
        share = max(1, creates_at_once // 4)
        self.creates = Room(creates_at_once, each=share, wait_s=5.0, sheds=True)
        self.transfers = Room(creates_at_once, each=share, sheds=True)
        self.pictures = Room(256, each=8, wait_s=10.0)
        self.objects = Room(256, each=64, wait_s=10.0)
        self.reads = Room(32, each=8, wait_s=10.0)
        self.archives = Room(32, each=2, wait_s=2.0, spares=_FAIR_BYTES_S)
        self.exports = Room(8, each=1, wait_s=2.0, spares=_FAIR_BYTES_S)
