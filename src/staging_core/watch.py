"""Following events: rows are read in order; commits in this process only make it look sooner."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

from .database import events
from .database.engine import Database
from .models import JobEvent

_POLL_S = 0.5


class Watch:
    """Streams of an installation's events."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._waiting: set[asyncio.Event] = set()
        database.on_commit(self._news)

    def _news(self, _told: list[JobEvent]) -> None:
        for waiting in self._waiting:
            waiting.set()

    async def follow(
        self, account_id: str, *, group_id: str | None = None, after: int = 0
    ) -> AsyncIterator[JobEvent]:
        """The account's events after a position, in order, without a gap.

        Of one group: ends when all its jobs have ended. Else it goes on until closed.
        """
        look = asyncio.Event()
        self._waiting.add(look)
        try:
            while True:
                look.clear()
                news, over = await self._read(account_id, group_id, after)
                for event in news:
                    after = event.position
                    yield event
                if over and not news:
                    return
                if not news:
                    await _wait(look)
        finally:
            self._waiting.discard(look)

    async def _read(
        self, account_id: str, group_id: str | None, after: int
    ) -> tuple[list[JobEvent], bool]:
        async with self._database.read(account_id) as tx:
            news = await events.after(tx, account_id, after, group_id=group_id)
            over = group_id is not None and await events.settled(tx, account_id, group_id)
        return news, over


async def _wait(look: asyncio.Event) -> None:
    """Until a commit of this process, or, for those of others, a short while."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_POLL_S):
            await look.wait()
