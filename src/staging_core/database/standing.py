"""Where an account stands: which plan, which period, what is left."""

from __future__ import annotations

from collections.abc import Mapping

import sqlalchemy as sa

from staging_core.models import Plan, Standing

from . import periods, subscriptions, usage
from .engine import Transaction
from .ledger import CREDITS
from .periods import allowance_of, overage_of
from .row import Row
from .tables import balances


async def read(
    tx: Transaction,
    account_id: str,
    plans: Mapping[str, Plan],
    usual: str,
    *,
    charged_by: str | None = None,
) -> Standing:
    """The account's; ``plans`` by their code, ``usual``: that of accounts without a subscription.

    ``charged_by``: the provider that charges what is beyond a plan; None: that is charged
    elsewhere. By a provider nobody has more than their plan whom it would not charge for that.
    An account that is not there yet has the whole allowance of the usual plan.
    """
    subscription = _best(await subscriptions.giving(tx, account_id), plans, tx.now)
    code = usual if subscription is None else subscription["plan"]
    plan, period = plans[code], periods.period_of(subscription, tx.now)
    waits = periods.awaits(subscription, tx.now)
    allowance, overage = allowance_of(period), overage_of(period, plan)
    left = await _balances(tx, account_id, [allowance, overage, CREDITS])
    return Standing(
        account_id=account_id,
        plan_code=code,
        plan=plan,
        period=period,
        used=await usage.in_period(tx, account_id, period),
        allowance=_left(left.get(allowance), 0 if waits else plan.images),
        credits=_left(left.get(CREDITS), 0),
        overage=(
            _left(left.get(overage), 0 if waits else plan.overage_images)
            if charged_by is None or _charges(charged_by, plan, subscription, waits=waits)
            else 0
        ),
        subscribed=subscription is not None,
        awaits_payment=waits,
        larger_plans=_larger(plan, plans),
    )


def _charges(source: str, plan: Plan, subscription: Row | None, *, waits: bool) -> bool:
    """Whether the provider would charge what is beyond the plan, with what is quoted.

    Not in a trial, of which it charges no usage; and not while the last bill is not paid, or
    nobody knows of one.
    """
    if not plan.charges_overage:
        return True
    return (
        subscription is not None
        and (subscription["source"], subscription["status"]) == (source, "active")
        and not waits
        and subscription["overage_cents"] == plan.overage_cents
        and plan.overage_price_id in (None, subscription["overage_price_id"])
    )


def _larger(than: Plan, plans: Mapping[str, Plan]) -> tuple[str, ...]:
    larger = [code for code, plan in plans.items() if plan.images > than.images]
    return tuple(sorted(larger, key=lambda code: (plans[code].images, code)))


def _best(rows: list[Row], plans: Mapping[str, Plan], now: float) -> Row | None:
    """The one that counts: of those whose plan is known here, and first of those that are paid for,
    the one that gives most.
    """
    known = [row for row in rows if row["plan"] in plans]
    return max(known, key=lambda row: _counts(row, plans[row["plan"]], now), default=None)


def _counts(row: Row, plan: Plan, now: float) -> tuple[bool, int, str]:
    return not periods.awaits(row, now), plan.images, row["id"]


async def _balances(tx: Transaction, account_id: str, names: list[str]) -> dict[str, Row]:
    rows = await tx.rows(
        sa.select(balances).where(balances.c.account_id == account_id, balances.c.name.in_(names))
    )
    return {row["name"]: row for row in rows}


def _left(row: Row | None, granted: int) -> int:
    """What may be had, with what the first order of the period is given."""
    if row is None:
        return granted
    return int(row["available"] + max(0, granted - row["granted"]))
