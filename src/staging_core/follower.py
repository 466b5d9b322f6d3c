"""One who follows, and an account that somebody follows: what is handed to whom.

A follower that does not take what it is handed has its buffer dropped, and reads for itself until
it is level again.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from .database import streams
from .database.events import News
from .database.streams import Scope
from .errors import StagingError
from .models import JobEvent, Principal, Update

if TYPE_CHECKING:
    from .live import Live

log = logging.getLogger("staging_core")

MOST_BUFFERED = 200
"""Updates that a follower may leave untaken."""


class Followed:
    """An account that somebody follows. ``position``: what has been handed to its followers.

    ``there``: whether the account has been seen; an account's first submit may come later.
    """

    __slots__ = ("_followers", "position", "stop_hearing", "there")

    def __init__(self, position: int | None, stop_hearing: Callable[[], None]) -> None:
        self.position = position or 0
        self.there = position is not None
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

    def followers(self) -> list[Follower]:
        """All of them."""
        return [each for same in self._followers.values() for each in same]

    def hand_next(self, account_id: str, news: Sequence[News]) -> bool:
        """Events that were brought, in order; False where others, or any, have to be read first."""
        for each in news:
            if each.event.account_id != account_id or each.event.position > self.position + 1:
                return False
            if each.event.position > self.position:
                self.hand(each)
        return bool(news)

    def hand(self, news: News) -> None:
        """An event of the account, next in order."""
        self.position = news.event.position
        for image_id in (None, news.event.image_id):
            for follower in tuple(self._followers.get(image_id, ())):
                follower.hand(news)


class Follower:
    """One who follows an account, or one of its images. Close it.

    ``wake`` is called, from the event loop, when ``take`` has something; it must be quick. What it
    raises is logged.
    ``key_id`` and ``expires_at``: of what was signed in with, as a ``Principal`` has them.
    """

    __slots__ = (
        "_buffer",
        "_live",
        "_refused",
        "expires_at",
        "key_id",
        "position",
        "scope",
        "wake",
    )

    def __init__(
        self, live: Live, scope: Scope, position: int, wake: Callable[[], None], who: Principal
    ) -> None:
        self.scope = scope
        self.position = position
        self.wake = wake
        self.key_id = who.key_id
        self.expires_at = who.expires_at
        self._live = live
        self._refused: type[StagingError] | None = None
        self._buffer: list[Update] | None = None

    def join(self, position: int) -> None:
        """Be handed what comes from now on, unless the reader is further, at ``position``."""
        if position <= self.position:
            self._buffer = []

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
        self._call()

    async def take(self) -> list[Update]:
        """What is new, in order and without a gap; empty when that is nothing.

        What a new attempt would get, as soon as it may follow no more: ``Unauthorized``,
        ``AccountClosing``, ``NotFound``.
        """
        if self._refused is not None:
            raise self._refused()
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

    def refuse(self, error: type[StagingError]) -> None:
        """It may follow no more; for who checks."""
        self._refused = error
        self._call()

    def _call(self) -> None:
        try:
            self.wake()
        except Exception:
            # The news stand, others wait for theirs, and so may the commit that they are of.
            log.exception("one who follows could not be woken")

    def close(self) -> None:
        """Follow no more."""
        self._live.leave(self)


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
