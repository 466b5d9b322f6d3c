"""Uses counted within this process, where there is nobody who counts for all."""

from __future__ import annotations

import time
from collections.abc import Callable

from .models import Allowance

_MANY = 10_000


class Uses:
    """Implements ``LimitsRates`` for one process; windows that are over are forgotten."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._windows: dict[str, tuple[float, int]] = {}
        self._most = _MANY

    async def take(self, key: str, *, limit: int, window_s: float) -> Allowance:
        """See ``LimitsRates.take``."""
        now = self._clock()
        ends, used = self._windows.get(key, (now, 0))
        if ends <= now:
            ends, used = now + window_s, 0
            self._forget(now)
        if allowed := used < limit:
            self._windows[key] = (ends, used + 1)
        remaining = max(0, limit - used - allowed)
        return Allowance(allowed=allowed, remaining=remaining, reset_s=ends - now)

    def _forget(self, now: float) -> None:
        if len(self._windows) >= self._most:
            self._windows = {key: kept for key, kept in self._windows.items() if kept[0] > now}
            self._most = max(_MANY, 2 * len(self._windows))
