"""Following events: rows are read in order; everything else only makes us look sooner.

A commit of this process wakes the streams of its account. Those of other processes are heard of
through the queue's signals or, without them, PostgreSQL's NOTIFY. Hints may be lost: every stream
also looks on its own.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable, Iterator
from contextvars import Context
from types import TracebackType
from typing import Self

from .database import events
from .database.engine import Database
from .database.folders import folder
from .interfaces import Signals
from .models import JobEvent

log = logging.getLogger("staging_core")

_POLL_S = 0.5
_HINTED_POLL_S = 2.0


class Watch:
    """Streams of an installation's events; open while the block runs.

    ``signals``: what tells other processes, and us of them; None where the queue has none that
    leave the process.
    """

    def __init__(self, database: Database, signals: Signals | None = None) -> None:
        self._database = database
        self._signals = signals
        database.notifies = signals is None and database.dialect == "postgresql"
        self.poll_s = _HINTED_POLL_S if signals or database.notifies else _POLL_S
        self._waiting: dict[str, set[Callable[[], None]]] = {}
        self._listening: dict[str, asyncio.Task[None]] = {}
        self._untold: set[str] = set()
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
        tasks = [*self._listening.values(), self._telling, self._hearing]
        running = [task for task in tasks if task is not None]
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

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
        stop = self._hear(topic, look.set)
        try:
            yield look
        finally:
            stop()

    def hear(self, account_id: str, hint: Callable[[], None]) -> Callable[[], None]:
        """Call ``hint`` whenever the account may have news, until what this gives is called."""
        return self._hear(folder(account_id), hint)

    def _hear(self, topic: str, hint: Callable[[], None]) -> Callable[[], None]:
        hints = self._waiting.setdefault(topic, set())
        hints.add(hint)
        if self._signals is not None and topic not in self._listening:
            # It outlives whoever asked first, and is no part of that one's trace.
            self._listening[topic] = asyncio.create_task(
                self._listen(self._signals, topic), context=Context()
            )

        def stop() -> None:
            hints.discard(hint)
            if not hints and self._waiting.get(topic) is hints:
                del self._waiting[topic]
                if listening := self._listening.pop(topic, None):
                    listening.cancel()

        return stop

    def _wake(self, topic: str | None) -> None:
        """Look again; None: some hints were lost, so everybody had better look."""
        topics = list(self._waiting) if topic is None else [topic]
        for each in topics:
            for hint in tuple(self._waiting.get(each, ())):
                hint()

    def _news(self, told: list[JobEvent]) -> None:
        topics = {folder(event.account_id) for event in told}
        for topic in topics:
            self._wake(topic)
        if self._signals is not None:
            self._untold |= topics
            if self._telling is None or self._telling.done():
                self._telling = asyncio.create_task(self._tell(self._signals))

    async def _tell(self, signals: Signals) -> None:
        """One signal for all commits of an account that came while the last one was sent."""
        while self._untold:
            topic = self._untold.pop()
            try:
                await signals.signal(topic)
            except Exception:
                # Only a hint: streams elsewhere look on their own soon.
                log.info("a signal was not passed on", exc_info=True)

    async def _listen(self, signals: Signals, topic: str) -> None:
        try:
            async for _ in signals.listen(topic):
                self._wake(topic)
        except Exception:
            # As above; a backend's listener that breaks costs speed, not events.
            log.warning("no signals are heard any more", exc_info=True)
