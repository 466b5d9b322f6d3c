"""Following events: rows are read in order; everything else only makes us look sooner.

A commit of this process wakes the streams of its account, with what it wrote. Those of other
processes are heard of through the queue's signals (see ``relay``) or, without them, PostgreSQL's
NOTIFY. All of it may be lost: every stream also looks on its own.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextvars import Context
from functools import partial
from types import TracebackType
from typing import Self

from .database import events
from .database.engine import Database
from .database.events import News
from .database.folders import folder
from .models import JobEvent
from .relay import Relay

log = logging.getLogger("staging_core")

_POLL_S = 0.5
_HINTED_POLL_S = 2.0
_MOST_UNTOLD = 1_000

Hint = Callable[[Sequence[News]], None]
"""Is told that an account may have news; which ones, where that is known."""


class Watch:
    """Streams of an installation's events; open while the block runs.

    ``relay``: what tells other processes, and us of them; None where the queue has no signals that
    leave the process.
    """

    def __init__(self, database: Database, relay: Relay | None = None) -> None:
        self._database = database
        self._relay = relay
        database.notifies = relay is None and database.dialect == "postgresql"
        self.poll_s = _HINTED_POLL_S if relay or database.notifies else _POLL_S
        self._waiting: dict[str, set[Hint]] = {}
        self._stops: dict[str, Callable[[], None]] = {}
        self._untold: dict[str, list[News]] = {}
        self._telling: asyncio.Task[None] | None = None
        self._hearing: asyncio.Task[None] | None = None
        database.on_commit(self._news)

    async def __aenter__(self) -> Self:
        if self._database.notifies:
            self._hearing = asyncio.create_task(self._database.place.hear(self._wake))
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for stop in self._stops.values():
            stop()
        running = [task for task in (self._telling, self._hearing) if task is not None]
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        if self._relay is not None:
            await self._relay.close()

    async def follow(
        self, account_id: str, *, group_id: str | None = None, after: int = 0
    ) -> AsyncIterator[JobEvent]:
        """The account's events after a position, in order, without a gap.

        Of one group: ends when all its jobs have ended. Else it goes on until closed.
        """
        with self._woken(folder(account_id)) as look:
            while True:
                look.clear()
                news, over = await self.read(account_id, group_id, after)
                for event in news:
                    after = event.position
                    yield event
                if over and not news:
                    return
                if not news:
                    await self._wait(look)

    async def read(
        self, account_id: str, group_id: str | None, after: int
    ) -> tuple[list[JobEvent], bool]:
        """What there is of that now, up to 500 events, and whether all jobs of the group ended."""
        async with self._database.read(account_id) as tx:
            news = await events.after(tx, account_id, after, group_id=group_id)
            over = group_id is not None and await events.settled(tx, account_id, group_id)
        return news, over

    async def _wait(self, look: asyncio.Event) -> None:
        """Until a hint, or for those that are lost, a while."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self.poll_s):
                await look.wait()

    # --- hints ----------------------------------------------------------------------------------

    @contextlib.contextmanager
    def _woken(self, topic: str) -> Iterator[asyncio.Event]:
        """An event that is set at every hint on ``topic`` meanwhile."""
        look = asyncio.Event()
        stop = self._hear(topic, lambda _: look.set())
        try:
            yield look
        finally:
            stop()

    def hear(self, account_id: str, hint: Hint) -> Callable[[], None]:
        """Call ``hint`` whenever the account may have news, until what this gives is called.

        With the news where they came along: committed, but some may be missing, or come twice or
        late. With none when one has to look.
        """
        return self._hear(folder(account_id), hint)

    def _hear(self, topic: str, hint: Hint) -> Callable[[], None]:
        hints = self._waiting.setdefault(topic, set())
        hints.add(hint)
        if self._relay is not None and topic not in self._stops:
            self._stops[topic] = self._relay.hear(topic, partial(self._wake, topic))

        def stop() -> None:
            hints.discard(hint)
            if not hints and self._waiting.get(topic) is hints:
                del self._waiting[topic]
                if stop_hearing := self._stops.pop(topic, None):
                    stop_hearing()

        return stop

    def _wake(self, topic: str | None, news: Sequence[News] = ()) -> None:
        """Look again; None: some hints were lost, so everybody had better look."""
        topics = list(self._waiting) if topic is None else [topic]
        for each in topics:
            for hint in tuple(self._waiting.get(each, ())):
                hint(news)

    def _news(self, told: list[News]) -> None:
        for account_id, mine in _by_account(told).items():
            topic = folder(account_id)
            # Who waits for news is no part of the commit's trace.
            Context().run(self._wake, topic, mine)
            if self._relay is not None:
                self._untold.setdefault(topic, []).extend(mine)
        if self._relay is not None:
            self._hold_little()
            if self._telling is None or self._telling.done():
                self._telling = asyncio.create_task(self._tell(self._relay))

    def _hold_little(self) -> None:
        """Of too much that waits to be told, only that there is something."""
        if sum(map(len, self._untold.values())) > _MOST_UNTOLD:
            self._untold = {topic: [] for topic in self._untold}

    async def _tell(self, relay: Relay) -> None:
        """One signal for all commits of an account that came while the last one was sent."""
        while self._untold:
            topic = next(iter(self._untold))
            news = self._untold.pop(topic)
            try:
                await relay.tell(topic, sorted(news, key=_position))
            except Exception:
                # Only a hint: streams elsewhere look on their own soon.
                log.info("a signal was not passed on", exc_info=True)


def _by_account(told: list[News]) -> dict[str, list[News]]:
    found: dict[str, list[News]] = {}
    for each in told:
        found.setdefault(each.event.account_id, []).append(each)
    return found


def _position(news: News) -> int:
    return news.event.position
