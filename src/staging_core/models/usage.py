"""What an account has used, and may still have."""

from __future__ import annotations

import msgspec

MOST_QUOTED = 1_000
"""Images of one quote: a whole batch of orders with all their variants."""


class Usage(msgspec.Struct, frozen=True, kw_only=True):
    """Images that became ready from ``period_start`` up to ``period_end`` (Unix seconds).

    A period is a calendar month in UTC, or that of the account's subscription. What is deleted
    stays counted. ``limit``: the plan's images a period; ``remaining``: what may still be had of it
    and of credits; both are None where nothing limits. ``overage``: how many more may be had after
    that, charged afterwards. ``has_subscription``: whether the account has a plan of its own.
    ``features``: names of what it may use beside images, by its plan and by its payment provider.
    """

    used: int
    period_start: float
    period_end: float
    limit: int | None = None
    remaining: int | None = None
    overage: int = 0
    plan_code: str = "free"
    has_subscription: bool = False
    features: tuple[str, ...] = ()
