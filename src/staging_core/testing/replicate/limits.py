"""How often a token may call: a bucket that fills again over a minute."""

from __future__ import annotations

import math
from collections.abc import Callable

from staging_core.testing.double.message import Answer

from .problem import problem

GRANTED = 6


class Limits:
    """``creates``, ``others``: calls a minute and token, 0: no limit."""

    def __init__(self, now: Callable[[], float], creates: int, others: int) -> None:
        self._now = now
        self._rates = {"create": creates, "other": others}
        self._buckets: dict[tuple[str, str], tuple[float, float]] = {}

    def refusal(self, token: str, kind: str) -> Answer | None:
        """A 429, or nothing when the call may go on; it is counted then."""
        wait = self._wait(token, kind)
        return throttled(wait) if wait > 0 else None

    def _wait(self, token: str, kind: str) -> float:
        rate = self._rates[kind]
        if not rate:
            return 0.0
        now = self._now()
        level, since = self._buckets.get((token, kind), (float(rate), now))
        level = min(float(rate), level + (now - since) * rate / 60)
        allowed = level >= 1
        self._buckets[token, kind] = (level - 1 if allowed else level, now)
        return 0.0 if allowed else (1 - level) * 60 / rate


def throttled(wait_s: float) -> Answer:
    """The answer to a call that came too soon."""
    seconds = max(1, math.ceil(wait_s))
    answer = problem(
        429, f"Request was throttled. Your rate limit resets in ~{seconds}s.", retry_after=seconds
    )
    answer.headers = {**answer.headers, "retry-after": str(seconds)}
    return answer
