"""Rate limits: how often one API key, one principal, or one address, may ask in a minute.

Counted by the queue, for all processes that share it. Where a queue cannot count, or is away, each
process counts for itself; one that is away is asked again after a while.
"""

from __future__ import annotations

import logging
import time
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Literal, NamedTuple

from .errors import DatabaseFailed, RateLimited
from .interfaces import LimitsRates
from .lockout import Lockout
from .models import Allowance, Principal
from .ports import Ports
from .runtime_settings import current
from .uses import Uses

log = logging.getLogger("staging_core")

WINDOW_S = 60.0
_ALONE_S = 10.0
"""For how long the queue is not asked after it failed: one that hangs takes two seconds each time,
and a request is counted up to five times."""

_MOST_TURNED_AWAY = 10_000
_TURNED_AWAY = (
    "%s made more than %d %s in a minute and is turned away for a while. If it is a proxy, name "
    "it in the setting `trusted_proxies`."
)

Use = Literal["requests", "creates"]


class Left(NamedTuple):
    """A limit, and what is left of it."""

    limit: int
    allowance: Allowance


class Rates:
    """Counts uses. ``counter``: what counts them; None where the queue cannot."""

    def __init__(self, ports: Ports, counter: LimitsRates | None) -> None:
        settings = ports.settings
        self._ports = ports
        self._limits: dict[Use, int] = {
            "requests": settings.rate_limit_requests,
            "creates": settings.rate_limit_creates,
        }
        self._key_share = settings.rate_limit_key_share
        self._of_an_address = settings.rate_limit_address
        self._failures = settings.rate_limit_failures
        self._lockout = Lockout(tries=max(1, round(self._failures / WINDOW_S)))
        self._uses = Uses()
        self._counter = counter or self._uses
        self._alone_until = 0.0
        self._turned_away: dict[str, tuple[float, int]] = {}

    async def take(self, principal: Principal, use: Use) -> Left:
        """Count one use by its key, if it has one, and its principal; the one with less left.

        ``RateLimited`` when there was none. A request that creates counts as both. What a key may
        not, is not counted for its principal, whose other keys and pages go on.
        """
        limit = await self._limit(use)
        name = f"{principal.account_id}/{principal.user_id}"
        if principal.key_id is None:
            return await self._counted(f"{use}:{name}", limit)
        share = max(1, int(limit * self._key_share))
        of_key = await self._counted(f"{use}:key:{principal.key_id}", share)
        of_all = await self._counted(f"{use}:{name}", limit)
        return min(of_key, of_all, key=lambda left: left.allowance.remaining)

    async def arrived(self, address: str) -> None:
        """Count a request of anybody by where it comes from; ``RateLimited`` after too many."""
        place = _place(address)
        try:
            await self._counted(f"requests:from:{place}", self._of_an_address)
        except RateLimited as wrong:
            log.warning(_TURNED_AWAY, place, self._of_an_address, "requests")
            if len(self._turned_away) >= _MOST_TURNED_AWAY:
                self._turned_away.clear()  # they are too many again first
            self._turned_away[place] = (time.monotonic() + wrong.retry_after_s, wrong.limit)
            raise

    async def check_sign_in(self, address: str, shown: str | None) -> None:
        """``RateLimited`` while sign-ins of the address fail too often, for what looks like more.

        ``shown``: the token, the key or the ticket; None: nothing, which costs nothing to look at.
        What was good here within the hour is never refused, and of the rest a few in a second are
        not: whoever shares an address with somebody who guesses is not kept out.
        """
        await self._lockout.check(_place(address), shown)

    def signed_in(self, shown: str | None) -> None:
        """Somebody has signed in with it."""
        if shown is not None:
            self._lockout.was_good(shown)

    async def failed(self, address: str, shown: str | None = None) -> None:
        """Count a sign-in that failed, by where it came from; ``RateLimited`` after too many."""
        place = _place(address)
        if shown is not None:
            self._lockout.was_wrong(shown)
        if (refusal := self._lockout.refusal(place)) is not None:
            raise refusal
        try:
            await self._counted(f"failures:from:{place}", self._failures)
        except RateLimited as wrong:
            log.warning(_TURNED_AWAY, place, self._failures, "sign-ins that failed")
            self._lockout.lock(place, wrong.limit, wrong.retry_after_s)
            raise

    def check(self, address: str) -> None:
        """``RateLimited`` while an address that asks too often is turned away unheard."""
        place = _place(address)
        until, limit = self._turned_away.get(place, (0.0, 0))
        if not limit:
            return
        left_s = until - time.monotonic()
        if left_s <= 0:
            del self._turned_away[place]
            return
        raise RateLimited(limit=limit, retry_after_s=left_s)

    async def _limit(self, use: Use) -> int:
        """As it was chosen; while the database is away, as it was last known."""
        try:
            self._limits[use] = await current(self._ports, f"rate_limit_{use}")
        except DatabaseFailed:
            log.warning("the limit of %s is not known anew", use, exc_info=True)
        return self._limits[use]

    async def _counted(self, key: str, limit: int) -> Left:
        """Count one; ``RateLimited`` when it was one too many."""
        allowance = None if self._is_alone() else await self._counted_for_all(key, limit)
        if allowance is None:
            allowance = await self._uses.take(key, limit=limit, window_s=WINDOW_S)
        if not allowance.allowed:
            raise RateLimited(limit=limit, retry_after_s=allowance.reset_s)
        return Left(limit, allowance)

    def _is_alone(self) -> bool:
        """Whether the queue is left alone; when that is over, the first who comes asks it."""
        now = time.monotonic()
        if now < self._alone_until:
            return True
        if self._alone_until:
            self._alone_until = now + _ALONE_S  # whoever comes meanwhile does not wait too
        return False

    async def _counted_for_all(self, key: str, limit: int) -> Allowance | None:
        """By the queue; None where that failed. The log is told of an outage once."""
        try:
            allowance = await self._counter.take(key, limit=limit, window_s=WINDOW_S)
        except Exception:
            # Whatever the queue's driver raises: a limit that cannot be shared refuses nobody.
            if not self._alone_until:
                log.warning(
                    "uses are counted by this process alone: the queue is away", exc_info=True
                )
            self._alone_until = time.monotonic() + _ALONE_S
            return None
        if self._alone_until:
            log.info("uses are counted for all processes again")
        self._alone_until = 0.0
        return allowance


def _place(address: str) -> str:
    """One name for all addresses that one caller has: a subscriber gets a /64 of IPv6 at least."""
    try:
        ip = ip_address(address.partition("%")[0])
    except ValueError:
        return address[:64]
    if not isinstance(ip, IPv6Address):
        return str(ip)
    return str(ip.ipv4_mapped or ip_network((ip, 64), strict=False))
