"""Plans that accounts have: sold by a payment provider, or given by an operator."""

from __future__ import annotations

from uuid import uuid4

import sqlalchemy as sa

from staging_core.models import Subscription

from . import billing_events
from .engine import Transaction
from .row import Row
from .tables import subscriptions

OPERATOR = "operator"
"""The source of plans that were given."""

GIVE = ("active", "trialing", "past_due")
"""Of a subscription that gives its plan: a payment that failed is tried again by its provider."""


async def give(tx: Transaction, account_id: str, plan: str | None) -> None:
    """Give the account a plan from now on, in place of one it was given; None takes that back.

    It goes by calendar months. Hold the account's row first.
    """
    given = (
        subscriptions.c.account_id == account_id,
        subscriptions.c.source == OPERATOR,
        subscriptions.c.status.in_(GIVE),
    )
    ended = {"status": "canceled", "canceled_at": tx.now, "updated_at": tx.now}
    before = await tx.row(
        sa.update(subscriptions).where(*given).values(**ended).returning(subscriptions.c.plan)
    )
    was = None if before is None else before["plan"]
    if plan is not None:
        await tx.execute(
            sa.insert(subscriptions).values(
                id=str(uuid4()),
                account_id=account_id,
                source=OPERATOR,
                plan=plan,
                status="active",
                created_at=tx.now,
                updated_at=tx.now,
            )
        )
        told = {"plan": plan, "was": was, "source": OPERATOR}
        await billing_events.tell(tx, account_id, "plan.given", told)
    elif was is not None:
        told = {"plan": was, "source": OPERATOR}
        await billing_events.tell(tx, account_id, "plan.ended", told)


async def giving(tx: Transaction, account_id: str) -> list[Row]:
    """Those of the account that give their plan now."""
    return await tx.rows(
        sa.select(subscriptions).where(
            subscriptions.c.account_id == account_id,
            subscriptions.c.status.in_(GIVE),
            sa.or_(subscriptions.c.period_end.is_(None), subscriptions.c.period_end > tx.now),
        )
    )


async def page(
    tx: Transaction, account_id: str, *, limit: int = 50, offset: int = 0
) -> list[Subscription]:
    """The account's, the newest first; there are never many."""
    rows = await tx.rows(
        sa.select(subscriptions)
        .where(subscriptions.c.account_id == account_id)
        .order_by(subscriptions.c.created_at.desc(), subscriptions.c.id.desc())
        .limit(limit)
        .offset(offset)
    )
    return [_told(row) for row in rows]


def _told(row: Row) -> Subscription:
    names = [name for name in Subscription.__struct_fields__ if name != "plan_code"]
    return Subscription(plan_code=row["plan"], **{name: row[name] for name in names})
