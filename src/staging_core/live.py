"""Live updates: one reader for all who follow, and nothing lost when somebody is slow or cut off.

Rows of the event log are the truth. A hint (see ``watch``) marks an account; the reader reads what
is new of up to a hundred marked accounts in one statement and hands it to the followers. News that
come with a hint were committed; they save the reading where they go on exactly where the reader is,
since an account's positions have no gap. Lost hints are made good by a look at the accounts'
positions every now and then.

Whoever was let in need not be let in for ever: every few seconds all who follow are checked, many
in one statement, and those follow no more whose key, token or account is gone, or what they follow.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from functools import partial
from itertools import islice
from types import TracebackType
from typing import Self

import msgspec

from .admission import admitted
from .database import images, projects, streams
from .database.engine import Database
from .database.events import News
from .database.streams import Scope
from .errors import NotFound
from .follower import Followed, Follower
from .models import Principal, Update
from .watch import Watch

log = logging.getLogger("staging_core")

CHECK_S = 5.0
"""How long those may go on who may follow no more: so often all of them are checked."""

_AT_ONCE = 100
_LOOK_AT_ONCE = 500
_PAUSE_S = 0.5
_IN_A_ROW = 200


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
        loops = (self._read(), self._look(), self._check())
        self._tasks = [asyncio.create_task(each) for each in loops]
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
        self,
        scope: Scope,
        wake: Callable[[], None],
        who: Principal,
        *,
        after: int | None = None,
    ) -> tuple[Follower, list[Update]]:
        """Begin to follow: first where the images stand, then every event since.

        ``who``: checked again while it goes on. ``after``: a position that was told before; then
        every event since that one. ``NotFound`` when the image, the group or the project is not one
        of the account's, ``AccountClosing``.
        """
        async with self._database.read(scope.account_id) as tx:
            if scope.project_id is not None:
                await projects.get(tx, scope.account_id, scope.project_id)
            if scope.group_id is not None:
                await images.of_group(tx, scope.account_id, scope.group_id)
            level, standing = await streams.snapshot(tx, scope)
        if scope.image_id is not None and not standing:
            raise NotFound(f"There is no image {scope.image_id}.")
        position = level or 0
        start = position if after is None else min(after, position)
        follower = Follower(self, scope, start, wake, who)
        self._join(follower, level)
        told = [_resuming(each, start) for each in standing]
        return follower, told

    async def updates(
        self, scope: Scope, who: Principal, *, after: int | None = None
    ) -> AsyncIterator[Update]:
        """The same, as one stream without an end."""
        news = asyncio.Event()
        follower, standing = await self.follow(scope, news.set, who, after=after)
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

    def _join(self, follower: Follower, position: int | None) -> None:
        account_id = follower.scope.account_id
        followed = self._accounts.get(account_id)
        if followed is None:
            stop = self._watch.hear(account_id, partial(self._heard, account_id))
            followed = self._accounts[account_id] = Followed(position, stop)
        followed.add(follower)
        follower.join(followed.position)
        self._mark(account_id)  # something may have been committed before we heard

    # --- the reader -------------------------------------------------------------------------------

    def _heard(self, account_id: str, news: Sequence[News]) -> None:
        followed = self._accounts.get(account_id)
        if followed is not None and not followed.hand_next(account_id, news):
            self._mark(account_id)

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

    # --- who may go on ----------------------------------------------------------------------------

    async def _check(self) -> None:
        """End those who may follow no more; while the database is away nobody reads anyway."""
        while True:
            await asyncio.sleep(CHECK_S)
            names = list(self._accounts)
            try:
                for start in range(0, len(names), _LOOK_AT_ONCE):
                    await self._check_some(names[start : start + _LOOK_AT_ONCE])
            except Exception:  # without this task nobody would be checked again
                log.warning("who follows was not checked; again soon", exc_info=True)

    async def _check_some(self, names: list[str]) -> None:
        """The followers of some accounts: of each kind of thing 500 in a statement."""
        known = {name: self._accounts[name] for name in names if name in self._accounts}
        followers = [each for followed in known.values() for each in followed.followers()]
        found = await admitted(
            self._database,
            account_ids=known,
            key_ids={each.key_id for each in followers if each.key_id is not None},
            scopes=[each.scope for each in followers],
        )
        for number, each in enumerate(followers):
            if number % _IN_A_ROW == _IN_A_ROW - 1:
                await asyncio.sleep(0)  # what is to be told meanwhile is told
            account = known[each.scope.account_id]
            account.there = account.there or each.scope.account_id in found.accounts
            refused = found.refusal(
                each.scope, each.key_id, each.expires_at, was_there=account.there
            )
            if refused is not None:
                each.refuse(refused)


def _resuming(standing: Update, start: int) -> Update:
    """A snapshot told before a replay: whoever is cut off after it resumes from before it."""
    return msgspec.structs.replace(standing, position=start)
