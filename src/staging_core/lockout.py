"""Addresses whose sign-ins fail too often: only wrong ones are turned away, and cheaply.

Many people may share an address, behind a proxy for one. So whoever signs in with what was good
here a moment ago is let through to be verified as always, and of what is shown for the first time
a few are verified each second, however many are shown. The rest is turned away unheard. So is what
was wrong a moment ago: a client that goes on with an old token takes no place of others.
"""

from __future__ import annotations

import hashlib
import time
from collections import OrderedDict
from collections.abc import Callable

from .errors import RateLimited
from .models.secret_token import KEY_PREFIX, TICKET_PREFIX, is_whole
from .uses import Uses

KNOWN_S = 3600.0
"""How long something that was good is known to have been."""

WRONG_S = 60.0
"""How long something that was wrong is."""

_MOST_KNOWN = 10_000
_MOST_LOCKED = 10_000


class Lockout:
    """The locked addresses of this process. ``tries``: that each has in a second.

    What is shown is a token, a key or a ticket; of those that were good a hash is held.
    """

    def __init__(self, tries: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._tries = tries
        self._uses = Uses(clock)
        self._locked: dict[str, tuple[float, int]] = {}
        # Apart: whoever shows many wrong ones makes no good one forgotten.
        self._good = _Digests(KNOWN_S, clock)
        self._wrong = _Digests(WRONG_S, clock)

    def lock(self, place: str, limit: int, seconds: float) -> None:
        """``limit`` sign-ins from there have failed; for so long not all are heard."""
        if len(self._locked) >= _MOST_LOCKED:
            self._locked.clear()  # they fail too often again first
        self._locked[place] = (self._clock() + seconds, limit)

    def refusal(self, place: str) -> RateLimited | None:
        """What is said to those who are not heard; None where all are."""
        until, limit = self._locked.get(place, (0.0, 0))
        if not limit:
            return None
        left_s = until - self._clock()
        if left_s > 0:
            return RateLimited(limit=limit, retry_after_s=left_s)
        del self._locked[place]
        return None

    async def check(self, place: str, shown: str | None) -> None:
        """``RateLimited`` unless what is shown there is to be verified."""
        refusal = self.refusal(place)
        if refusal is None or shown is None or shown in self._good:
            return
        if shown in self._wrong or _is_broken(shown):
            raise refusal
        allowance = await self._uses.take(place, limit=self._tries, window_s=1.0)
        if not allowance.allowed:
            raise refusal

    def was_good(self, shown: str) -> None:
        """Somebody has signed in with it."""
        self._good.add(shown)
        self._wrong.discard(shown)

    def was_wrong(self, shown: str) -> None:
        """Nobody has; also what was good before may have been revoked."""
        self._good.discard(shown)
        self._wrong.add(shown)


class _Digests:
    """What has been shown lately, as hashes; the oldest go first."""

    def __init__(self, kept_s: float, clock: Callable[[], float]) -> None:
        self._kept_s = kept_s
        self._clock = clock
        self._until: OrderedDict[bytes, float] = OrderedDict()

    def __contains__(self, shown: str) -> bool:
        return self._until.get(_digest(shown), float("-inf")) > self._clock()

    def add(self, shown: str) -> None:
        digest = _digest(shown)
        self._until[digest] = self._clock() + self._kept_s
        self._until.move_to_end(digest)
        if len(self._until) > _MOST_KNOWN:
            self._until.popitem(last=False)

    def discard(self, shown: str) -> None:
        if self._until:
            self._until.pop(_digest(shown), None)


def _is_broken(shown: str) -> bool:
    """Whether it begins as a key or a ticket of ours does, and cannot be one."""
    return any(
        shown.startswith(prefix) and not is_whole(shown, prefix)
        for prefix in (KEY_PREFIX, TICKET_PREFIX)
    )


def _digest(shown: str) -> bytes:
    return hashlib.sha256(shown.encode("utf-8", "surrogatepass")).digest()
