"""When a delivery that failed is tried again: sooner at first, then over three days."""

from __future__ import annotations

import random

_MINUTE, _HOUR = 60.0, 3600.0
PAUSES_S = (
    5.0,
    5 * _MINUTE,
    30 * _MINUTE,
    2 * _HOUR,
    5 * _HOUR,
    10 * _HOUR,
    14 * _HOUR,
    20 * _HOUR,
    24 * _HOUR,
)
"""After each failure but the last, as the Standard Webhooks specification suggests: 75 hours."""

JITTER = 0.2
"""A pause is up to so much shorter or longer: what failed together does not come back together."""

_LONGEST_WISH_S = 24 * _HOUR


def pause_s(failures: int, *, retry_after_s: float | None = None) -> float | None:
    """Seconds until the next try after so many failures; None when there were enough.

    ``retry_after_s``: what the receiver asked for; it may make a pause longer, by a day at most.
    """
    if failures > len(PAUSES_S):
        return None
    pause = PAUSES_S[failures - 1] * random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311
    return max(pause, min(retry_after_s or 0.0, _LONGEST_WISH_S))
