"""Load shedding: under too much load new work is turned away, and everything else goes on.

What takes long has rooms of its own, so that it keeps nobody from what is done in a moment; and no
account can fill a room.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from time import monotonic

from staging_core.errors import Overloaded, RateLimited

_SOON_S = 2.0


class Room:
    """Counts requests of one kind in this process.

    ``most``: at one time. ``each``: of one account, so that others always get in. ``wait_s``: how
    long a request may wait for its turn; where the room ``sheds``, only for its account's share.
    """

    def __init__(self, most: int, *, each: int, wait_s: float = 0.0, sheds: bool = False) -> None:
        self.most = most
        self.each = each
        self.running = 0
        self._wait_s = wait_s
        self._sheds = sheds
        self._of: Counter[str] = Counter()
        self._freed = asyncio.Event()

    @asynccontextmanager
    async def one(self, account_id: str) -> AsyncIterator[None]:
        """Room for one; ``Overloaded`` when there is none, ``RateLimited`` when its share is."""
        await self._turn(account_id)
        self.running += 1
        self._of[account_id] += 1
        try:
            yield
        finally:
            self.running -= 1
            self._of[account_id] -= 1
            if not self._of[account_id]:
                del self._of[account_id]
            self._freed.set()

    async def _turn(self, account_id: str) -> None:
        until = monotonic() + self._wait_s
        while (error := self._full(account_id)) is not None:
            left_s = until - monotonic()
            if left_s <= 0 or (self._sheds and isinstance(error, Overloaded)):
                raise error
            self._freed.clear()
            try:
                async with asyncio.timeout(left_s):
                    await self._freed.wait()
            except TimeoutError:
                continue

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

    ``transfers``: photos on their way in. ``pictures``: read from the storage while they are sent,
    fewer than it has connections. ``archives`` and ``exports``: much of it, for long.
    """

    def __init__(self, creates_at_once: int) -> None:
        share = max(1, creates_at_once // 4)
        self.creates = Room(creates_at_once, each=share, wait_s=5.0, sheds=True)
        self.transfers = Room(creates_at_once, each=share, sheds=True)
        self.pictures = Room(32, each=8, wait_s=10.0)
        self.archives = Room(6, each=2)
        self.exports = Room(2, each=1)
