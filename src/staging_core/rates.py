"""Rate limits: how often one principal, or one address, may ask in a minute.

Counted by the queue, for all processes that share it. A queue that cannot count, or is away, limits
nobody: what an account may spend is held by other rules, in the database.
"""

from __future__ import annotations

import logging
import time
from typing import Literal

from .errors import DatabaseFailed, RateLimited
from .interfaces import LimitsRates
from .models import Allowance, Principal
from .ports import Ports
from .runtime_settings import current

log = logging.getLogger("staging_core")

WINDOW_S = 60.0
_MOST_TURNED_AWAY = 10_000

Use = Literal["requests", "creates"]


class Rates:
    """Counts uses. ``counter``: what counts them; None where the queue cannot."""

    def __init__(self, ports: Ports, counter: LimitsRates | None) -> None:
        settings = ports.settings
        self._ports = ports
        self._limits: dict[Use, int] = {
            "requests": settings.rate_limit_requests,
            "creates": settings.rate_limit_creates,
        }
        self._failures = settings.rate_limit_failures
        self._counter = counter
        self._turned_away: dict[str, float] = {}

    async def take(self, principal: Principal, use: Use) -> tuple[int, Allowance | None]:
        """Count one use; the limit and what is left of it, None where nobody counts.

        ``RateLimited`` when none was left. A request that creates counts as both.
        """
        limit = await self._limit(use)
        allowance = await self._take(f"{use}:{_name(principal)}", limit)
        if allowance is not None and not allowance.allowed:
            raise RateLimited(limit=limit, retry_after_s=allowance.reset_s)
        return limit, allowance

    async def failed(self, address: str) -> None:
        """Count a sign-in that failed, by where it came from; ``RateLimited`` after too many."""
        allowance = await self._take(f"failures:{address}", self._failures)
        if allowance is not None and not allowance.allowed:
            self._remember(address, time.monotonic() + allowance.reset_s)
            raise RateLimited(limit=self._failures, retry_after_s=allowance.reset_s)

    def check(self, address: str) -> None:
        """``RateLimited`` while an address that failed too often is turned away unheard."""
        until = self._turned_away.get(address)
        if until is None:
            return
        left = until - time.monotonic()
        if left <= 0:
            del self._turned_away[address]
            return
        raise RateLimited(limit=self._failures, retry_after_s=left)

    async def _limit(self, use: Use) -> int:
        """As it was chosen; while the database is away, as it was last known."""
        if self._counter is not None:
            try:
                self._limits[use] = await current(self._ports, f"rate_limit_{use}")
            except DatabaseFailed:
                log.warning("the limit of %s is not known anew", use, exc_info=True)
        return self._limits[use]

    def _remember(self, address: str, until: float) -> None:
        if len(self._turned_away) >= _MOST_TURNED_AWAY:
            self._turned_away.clear()  # they fail again first
        self._turned_away[address] = until

    async def _take(self, key: str, limit: int) -> Allowance | None:
        if self._counter is None:
            return None
        try:
            return await self._counter.take(key, limit=limit, window_s=WINDOW_S)
        except Exception:
            log.warning("uses are not counted: the queue did not answer", exc_info=True)
            return None


def _name(principal: Principal) -> str:
    return f"{principal.account_id}/{principal.user_id}"
