"""The issuer's keys, kept: asked for seldom, once for all who wait, and not lost in an outage."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress

from staging_core.errors import SignInUnavailable

from .published_key import PublishedKey

log = logging.getLogger("staging_core.jwt_auth")

FRESH_S = 600.0
"""How long keys are used without asking again."""

BESIDE_S = 60.0
"""For how much longer they are used while the answer is waited for."""

COOLDOWN_S = 10.0
"""After a question that failed or brought nothing new, none follows for so many seconds."""

OUTAGE_S = 3600.0 + 60.0
"""How long old keys are used while the issuer is away; the minute is for noticing its return."""

OLDEST_S = 86_400.0
"""Keys that are older are not used at all."""

TIMEOUT_S = 5.0
"""For everything that one question takes."""

Keys = tuple[PublishedKey, ...]


class KeySet:
    """``ask``: fetches the keys as they are published; ``clock``: Unix seconds.

    Keys that are known are used at once; they are renewed beside that when they are no longer
    fresh. A key that is not known is asked for: a rotation is noticed with its first token, and a
    flood of made-up keys costs one question in a cooldown.
    """

    def __init__(
        self,
        ask: Callable[[float], Awaitable[Keys]],
        clock: Callable[[], float],
        *,
        timeout_s: float = TIMEOUT_S,
    ) -> None:
        self._ask = ask
        self._clock = clock
        self._timeout_s = timeout_s
        self._keys: Keys | None = None
        self._keys_at = 0.0  # when they were asked for
        self._failed_at: float | None = None  # the first of the failures since
        self._quiet_from: float | None = None
        self._asking: asyncio.Task[None] | None = None

    async def find(self, kid: str | None, algorithm: str, *, tried: Keys = ()) -> Keys:
        """The keys that a token may be signed with: of its ``kid`` and algorithm, not ``tried``.

        Empty: there is none, as the issuer said just now. ``SignInUnavailable`` when that cannot be
        told, because the issuer is away, and what is known of it is too old or not enough.
        """
        age = self._clock() - self._keys_at
        if self._keys is not None and not 0 <= age <= FRESH_S:
            self._start()
            if self._failed_at is None and age > FRESH_S + BESIDE_S:  # after a quiet time
                await self._answered()
        if found := self._known(kid, algorithm, tried):
            return found
        for _ in range(2):  # a question that was open already may be older than the key
            ours = self._start()
            await self._answered()
            if found := self._known(kid, algorithm, tried):
                return found
            if ours:
                self._quiet_from = self._clock()
                break
        if self._failed_at is not None or self._usable() is None:
            raise SignInUnavailable(
                "The issuer's keys cannot be fetched now.", retry_after_s=COOLDOWN_S
            )
        return ()

    async def aclose(self) -> None:
        """Stop asking."""
        asking = self._asking
        if asking is not None:
            asking.cancel()
            with suppress(asyncio.CancelledError):
                await asking

    def _known(self, kid: str | None, algorithm: str, tried: Keys) -> Keys:
        return tuple(
            key
            for key in self._usable() or ()
            if algorithm in key.algorithms and kid in (None, key.kid) and key not in tried
        )

    def _usable(self) -> Keys | None:
        """The keys, unless they are too old or the issuer has been away for too long."""
        now = self._clock()
        away_since = max(self._keys_at + FRESH_S, self._failed_at or 0.0)
        usable = now - away_since <= OUTAGE_S and now - self._keys_at <= OLDEST_S
        return self._keys if usable else None

    def _start(self) -> bool:
        """Ask, unless that is going on or brought nothing a moment ago; whether this asks."""
        now = self._clock()
        quiet = self._quiet_from is not None and 0 <= now - self._quiet_from < COOLDOWN_S
        if quiet or self._asking is not None:
            return False
        self._asking = asyncio.create_task(self._renew(now))
        return True

    async def _answered(self) -> None:
        """Wait for the question that is open; whoever else waits for it goes on waiting."""
        if self._asking is not None:
            await asyncio.shield(self._asking)

    async def _renew(self, now: float) -> None:
        try:
            async with asyncio.timeout(self._timeout_s):
                self._keys = await self._ask(now)
            self._keys_at, self._failed_at = now, None
        except Exception as error:  # whatever it is, the keys that are known stay
            self._quiet_from = now
            self._failed_at = now if self._failed_at is None else self._failed_at
            told = str(error) or f"no answer within {self._timeout_s:g} s"
            log.warning("the issuer's keys were not fetched: %s", told)
        finally:
            self._asking = None
