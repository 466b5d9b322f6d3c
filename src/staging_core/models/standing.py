"""Where an account stands: its plan, its period, and what it has left."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec

from .plan import Plan


class Period(msgspec.Struct, frozen=True, kw_only=True):
    """From ``start`` up to ``end``, which is not in it (Unix seconds).

    ``name``: its month (``2026-01``) where it is a calendar month in UTC, else its first day
    (``2026-01-15``), or its first second (``1768435200``) where another had that day's name.
    """

    name: str
    start: float
    end: float

    @classmethod
    def month_of(cls, now: float) -> Period:
        """The calendar month (UTC) that ``now`` is in."""
        today = datetime.fromtimestamp(now, UTC)
        first = datetime(today.year, today.month, 1, tzinfo=UTC)
        following = datetime(today.year + today.month // 12, today.month % 12 + 1, 1, tzinfo=UTC)
        return cls(name=first.strftime("%Y-%m"), start=first.timestamp(), end=following.timestamp())


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """What the account may still have, in images.

    ``used``: images that became ready in the period, however they were paid. ``allowance``: what is
    left of the plan's; ``credits``: what is left of those bought or given, which do not end;
    ``overage``: how many more may be charged afterwards. What running jobs hold is in none of them.
    ``subscribed``: whether it has a plan of its own, and not that of everybody. ``larger_plans``:
    codes of the plans that have more images, the smallest first. ``awaits_payment``: its plan gives
    no more images before a bill is paid, or before the next period is known; what is left of the
    period that was paid last stays.
    """

    account_id: str
    plan_code: str
    plan: Plan
    period: Period
    used: int = 0
    allowance: int = 0
    credits: int = 0
    overage: int = 0
    subscribed: bool = False
    awaits_payment: bool = False
    larger_plans: tuple[str, ...] = ()
