"""Periods of subscriptions: which one gives, what it is called, and how long its rest is kept."""

from __future__ import annotations

from datetime import UTC, datetime

import sqlalchemy as sa

from staging_core.models import PaidSubscription, Period, Plan

from .engine import Transaction
from .row import Row
from .tables import balances

KEPT_S = 86_400.0
"""So long after its end the rest of a period is kept: until then it is known what came then."""


def allowance_of(period: Period) -> str:
    """The balance of a period's allowance."""
    return f"allowance/{period.name}"


def overage_of(period: Period, plan: Plan) -> str:
    """The balance of what may be had beyond the plan in a period.

    What costs nothing is another one than what is charged afterwards: providers are told of the
    latter, and bill whatever they are told.
    """
    return _charged(period) if plan.charges_overage else _free(period)


def balances_of(period: Period) -> tuple[str, ...]:
    """All that a period may have, whatever the plan."""
    return allowance_of(period), _charged(period), _free(period)


def period_of(subscription: Row | None, now: float) -> Period:
    """The one that counts at ``now``: a subscription's, where it has periods, or the month.

    While the present one is not paid it is the one before, which then lasts as long.
    """
    if subscription is None or subscription["period_start"] is None:
        return Period.month_of(now)
    start = subscription["given_start"] or subscription["period_start"]
    name = _second(start) if subscription["apart_start"] == start else _day(start)
    return Period(name=name, start=start, end=subscription["period_end"])


def awaits(subscription: Row | None, now: float) -> bool:
    """Whether there is only the rest of the period that was paid last.

    The present one is not paid, or nobody has told of it yet.
    """
    if subscription is None:
        return False
    end = subscription["period_end"]
    return subscription["given_start"] is not None or (end is not None and end <= now)


def kept_until(period: Period) -> float:
    """When what is left of it goes; a month's with the month."""
    return period.end if period == Period.month_of(period.start) else period.end + KEPT_S


async def apart_start(
    tx: Transaction,
    account_id: str,
    before: Row | None,
    given_start: float | None,
    paid: PaidSubscription,
) -> float | None:
    """The start of the period that gives now, where it is not to be called by its day.

    Another one of the account's was: an earlier subscription, or a trial that has ended on its
    first day. What a period is called stays. ``before``: the subscription as it was.
    """
    start = paid.period_start if given_start is None else given_start
    same = before is not None and start == (before["given_start"] or before["period_start"])
    if before is not None and same and before["status"] != "incomplete":
        known: float | None = before["apart_start"]
        return known
    day = Period(name=_day(start), start=start, end=paid.period_end)
    taken = sa.select(balances.c.name).where(
        balances.c.account_id == account_id, balances.c.name.in_(balances_of(day))
    )
    return start if await tx.row(taken.limit(1)) is not None else None


def _charged(period: Period) -> str:
    return f"overage/{period.name}"


def _free(period: Period) -> str:
    return f"free-overage/{period.name}"


def _day(start: float) -> str:
    return datetime.fromtimestamp(start, UTC).strftime("%Y-%m-%d")


def _second(start: float) -> str:
    return str(int(start))
