"""Live updates: one reader for all who follow, and nothing lost when somebody is slow or cut off.

Rows of the event log are the truth. A hint (see ``watch``) marks an account; the reader reads what
is new of up to a hundred marked accounts in one statement and hands it to the followers. Lost hints
are made good by a look at the accounts' positions every now and then. A follower that does not take
what it is handed has its buffer dropped, and reads for itself until it is level again.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable
from itertools import islice
from types import TracebackType
from typing import Self

import msgspec

from .database import images, projects, streams
from .database.engine import Database
from .database.streams import News, Scope
from .errors import NotFound
from .models import JobEvent, Update
from .watch import Watch

log = logging.getLogger("staging_core")

MOST_BUFFERED = 200
"""Updates that a follower may leave untaken."""

_AT_ONCE = 100
_LOOK_AT_ONCE = 500
_PAUSE_S = 0.5


class Followed:
    """An account that somebody follows. ``position``: what has been handed to its followers."""

    __slots__ = ("_followers", "position", "stop_hearing")

    def __init__(self, position: int, stop_hearing: Callable[[], None]) -> None:
        self.position = position
        self.stop_hearing = stop_hearing
        # By the image that they follow: an event is not shown to thousands that follow others.
        self._followers: dict[str | None, set[Follower]] = {}

    def add(self, follower: Follower) -> None:
        """One more."""
        self._followers.setdefault(follower.scope.image_id, set()).add(follower)

    def discard(self, follower: Follower) -> bool:
        """One less; False when that was the last one."""
        image_id = follower.scope.image_id
        same = self._followers.get(image_id, set())
        same.discard(follower)
        if not same:
            self._followers.pop(image_id, None)
        return bool(self._followers)

    def hand(self, news: News) -> None:
        """An event of the account, next in order."""
        self.position = news.event.position
        for image_id in (None, news.event.image_id):
            for follower in tuple(self._followers.get(image_id, ())):
                follower.hand(news)


class Follower:
    """One who follows an account, or one of its images. Close it.

    ``wake`` is called, from the event loop, when ``take`` has something; it must be quick.
    """

    __slots__ = ("_buffer", "_live", "position", "scope", "wake")

    def __init__(self, live: Live, scope: Scope, position: int, wake: Callable[[], None]) -> None:
        self.scope = scope
        self.position = position
        self.wake = wake
        self._live = live
        self._buffer: list[Update] | None = None

    def hand(self, news: News) -> None:
        """An event of the account, next in order; for the reader."""
        if self._buffer is None or news.event.position <= self.position:
            return
        if not self.scope.covers(news):
            return
        if len(self._buffer) >= MOST_BUFFERED:
            self._buffer = None  # it reads for itself from where it is
        else:
            self._buffer.append(update(news.event, news.trace))
        self.wake()

    async def take(self) -> list[Update]:
        """What is new, in order and without a gap; empty when that is nothing."""
        if self._buffer is not None:
            taken, self._buffer = self._buffer, []
            if taken:
                self.position = taken[-1].position
            return taken
        return await self._catch_up()

    async def _catch_up(self) -> list[Update]:
        """Read on; once level with the reader, be handed what comes."""
        while (until := self._live.position(self.scope.account_id)) > self.position:
            found = await self._live.since(self.scope, self.position, until)
            # Where that was all, what lies between is not of this scope.
            self.position = until if streams.is_all(found) else found[-1].event.position
            if found:
                return [update(each.event, each.trace) for each in found]
        self._buffer = []
        return []

    def close(self) -> None:
        """Follow no more."""
        self._live.leave(self)


class Live:
    """All who follow in this process; open while the block runs."""

    def __init__(self, database: Database, watch: Watch) -> None:
        self._database = database
        self._watch = watch
        self._accounts: dict[str, Followed] = {}
        self._marked: dict[str, None] = {}
        self._any_marked = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        self._tasks = [asyncio.create_task(self._read()), asyncio.create_task(self._look())]
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    # --- for followers ----------------------------------------------------------------------------

    async def follow(
        self, scope: Scope, wake: Callable[[], None], *, after: int | None = None
    ) -> tuple[Follower, list[Update]]:
        """Begin to follow: first where the images stand, then every event since.

        ``after``: a position that was told before; then every event since that one. ``NotFound``
        when the image, the group or the project is not one of the account's.
        """
        async with self._database.read(scope.account_id) as tx:
            if scope.project_id is not None:
                await projects.get(tx, scope.account_id, scope.project_id)
            if scope.group_id is not None:
                await images.of_group(tx, scope.account_id, scope.group_id)
            position, standing = await streams.snapshot(tx, scope)
        if scope.image_id is not None and not standing:
            raise NotFound(f"There is no image {scope.image_id}.")
        start = position if after is None else min(after, position)
        follower = Follower(self, scope, start, wake)
        self._join(follower, position)
        told = [_resuming(each, start) for each in standing]
        return follower, told

    async def updates(self, scope: Scope, *, after: int | None = None) -> AsyncIterator[Update]:
        """The same, as one stream without an end."""
        news = asyncio.Event()
        follower, standing = await self.follow(scope, news.set, after=after)
        with contextlib.closing(follower):
            for each in standing:
                yield each
            while True:
                news.clear()
                taken = await follower.take()
                for each in taken:
                    yield each
                if not taken:
                    await news.wait()

    def position(self, account_id: str) -> int:
        """How far the reader is, for a follower; 0 for one that has left."""
        followed = self._accounts.get(account_id)
        return 0 if followed is None else followed.position

    async def since(self, scope: Scope, after: int, until: int) -> list[News]:
        """For a follower that reads for itself."""
        async with self._database.read(scope.account_id) as tx:
            return await streams.since(tx, scope, after, until)

    def leave(self, follower: Follower) -> None:
        """The follower is gone; leaving twice is leaving."""
        account_id = follower.scope.account_id
        followed = self._accounts.get(account_id)
        if followed is None:
            return
        if not followed.discard(follower):
            followed.stop_hearing()
            del self._accounts[account_id]
            self._marked.pop(account_id, None)

    def _join(self, follower: Follower, position: int) -> None:
        account_id = follower.scope.account_id
        followed = self._accounts.get(account_id)
        if followed is None:
            stop = self._watch.hear(account_id, lambda: self._mark(account_id))
            followed = self._accounts[account_id] = Followed(position, stop)
        followed.add(follower)
        self._mark(account_id)  # something may have been committed before we heard

    # --- the reader -------------------------------------------------------------------------------

    def _mark(self, account_id: str) -> None:
        if account_id in self._accounts:
            self._marked[account_id] = None
            self._any_marked.set()

    async def _read(self) -> None:
        """Read what is new of marked accounts, for ever; a database that is away is waited for."""
        while True:
            await self._any_marked.wait()
            batch = [name for name in islice(self._marked, _AT_ONCE) if name in self._accounts]
            for name in list(islice(self._marked, _AT_ONCE)):
                del self._marked[name]
            if not self._marked:
                self._any_marked.clear()
            try:
                await self._read_batch(batch)
            except Exception:
                log.warning("events were not read; again soon", exc_info=True)
                for name in batch:
                    self._mark(name)
                await asyncio.sleep(_PAUSE_S)

    async def _read_batch(self, batch: list[str]) -> None:
        known = {name: self._accounts[name].position for name in batch}
        if not known:
            return
        async with self._database.read() as tx:
            found = await streams.news(tx, known)
        for each in found:
            followed = self._accounts.get(each.event.account_id)
            if followed is not None and each.event.position > followed.position:
                followed.hand(each)
        if not streams.is_all(found):
            for name in batch:
                self._mark(name)

    async def _look(self) -> None:
        """Make good for lost hints."""
        while True:
            await asyncio.sleep(self._watch.poll_s)
            names = list(self._accounts)
            try:
                for start in range(0, len(names), _LOOK_AT_ONCE):
                    await self._look_at(names[start : start + _LOOK_AT_ONCE])
            except Exception:
                log.warning("positions were not read; again soon", exc_info=True)

    async def _look_at(self, names: list[str]) -> None:
        known = {name: self._accounts[name].position for name in names if name in self._accounts}
        if not known:
            return
        async with self._database.read() as tx:
            for name in await streams.moved_on(tx, known):
                self._mark(name)


def update(event: JobEvent, trace: str | None = None) -> Update:
    """What a follower is told of an event. ``trace``: of its job."""
    data = event.data
    return Update(
        position=event.position,
        image_id=event.image_id,
        seq=event.seq,
        state=event.state,
        progress=data.get("progress", 1.0 if event.state == "ready" else 0.0),
        phase=data.get("phase", ""),
        error=data.get("error"),
        message=data.get("message"),
        trace=trace,
    )


def _resuming(standing: Update, start: int) -> Update:
    """A snapshot told before a replay: whoever is cut off after it resumes from before it."""
    return msgspec.structs.replace(standing, position=start)
