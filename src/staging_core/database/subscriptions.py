"""Plans that accounts have: sold by a payment provider, or given by an operator."""

from __future__ import annotations

from uuid import uuid4

import sqlalchemy as sa

from staging_core.models import PaidSubscription, Subscription

from . import billing_events, periods
from .engine import Transaction
from .row import Row
from .tables import payment_objects, subscriptions
from .upsert import insert_or

OPERATOR = "operator"
"""The source of plans that were given."""

OWED = ("past_due", "unpaid")
"""Of a subscription whose last bill was not paid when it should have been."""

GIVE = ("active", "trialing", "past_due")
"""Of a subscription that gives its plan: a payment that failed is tried again by its provider."""


_WAITS_S = 3600.0


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
    """Those of the account that give their plan now.

    Also for a while after their period: until it is known what came then, unless they were to end.
    """
    end, cancel_at = subscriptions.c.period_end, subscriptions.c.cancel_at
    goes_on = sa.or_(cancel_at.is_(None), cancel_at > tx.now)
    unknown_yet = sa.and_(end > tx.now - periods.KEPT_S, goes_on)
    return await tx.rows(
        sa.select(subscriptions).where(
            subscriptions.c.account_id == account_id,
            subscriptions.c.status.in_(GIVE),
            sa.or_(end.is_(None), end > tx.now, unknown_yet),
        )
    )


async def had(tx: Transaction, account_id: str, source: str, *, but: str | None = None) -> bool:
    """Whether the account ever had a plan from there, if only on trial; ``but``: not this one."""
    began = subscriptions.c.status.not_in(("incomplete", "incomplete_expired"))
    its = sa.select(subscriptions.c.id).where(
        subscriptions.c.account_id == account_id,
        subscriptions.c.source == source,
        subscriptions.c.id != (but or ""),
        began,
    )
    return await tx.row(its.limit(1)) is not None


async def sold(tx: Transaction, account_id: str) -> list[str]:
    """Ids of those that the account pays for now, in the order in which they began."""
    rows = await tx.rows(
        sa.select(subscriptions.c.id)
        .where(
            subscriptions.c.account_id == account_id,
            subscriptions.c.source != OPERATOR,
            subscriptions.c.status.in_(GIVE),
        )
        .order_by(subscriptions.c.created_at, subscriptions.c.id)
    )
    return [row["id"] for row in rows]


async def sold_twice(tx: Transaction, *, limit: int = 100) -> list[str]:
    """Accounts that pay for more than one plan now, in the order of their ids."""
    rows = await tx.rows(
        sa.select(subscriptions.c.account_id)
        .where(subscriptions.c.source != OPERATOR, subscriptions.c.status.in_(GIVE))
        .group_by(subscriptions.c.account_id)
        .having(sa.func.count() > 1)
        .order_by(subscriptions.c.account_id)
        .limit(limit)
    )
    return [row["account_id"] for row in rows]


FINAL = ("canceled", "incomplete_expired")
"""What a subscription that was sold never leaves again."""


async def put(
    tx: Transaction,
    source: str,
    account_id: str,
    plan: str | None,
    paid: PaidSubscription,
    *,
    began_with: str | None = None,
    overage: tuple[str | None, int | None] = (None, None),
) -> bool:
    """What the provider says of a subscription now; False when it is another account's.

    ``plan``: None for a price that is none of ours, which gives no plan. ``began_with``: the plan
    of its trial, where another was chosen before anybody looked. ``overage``: its metered price,
    and what it charges an image beyond the plan with. What has ended stays ended. Hold the
    account's row first.
    """
    same = (subscriptions.c.account_id == account_id, subscriptions.c.source == source)
    before = await tx.row(sa.select(subscriptions).where(subscriptions.c.id == paid.id, *same))
    given_start = _given_start(before, plan, paid, changed=began_with is not None)
    its = {
        "given_start": given_start,
        "apart_start": await periods.apart_start(tx, account_id, before, given_start, paid),
        "plan": plan or "",
        "price_id": paid.price_id,
        "status": paid.status,
        "period_start": paid.period_start,
        "period_end": paid.period_end,
        "cancel_at": paid.cancel_at,
        "canceled_at": paid.canceled_at,
        "overage_price_id": overage[0],
        "overage_cents": _cents(before, *overage),
        "updated_at": tx.now,
    }
    its |= {"metered_at": tx.now} if paid.overage_price_ids else {}
    made = insert_or(tx.connection, subscriptions).values(
        id=paid.id, account_id=account_id, source=source, created_at=paid.created_at, **its
    )
    open_ = subscriptions.c.status.not_in(FINAL)
    await tx.execute(
        made.on_conflict_do_update(index_elements=["id"], set_=its, where=sa.and_(*same, open_))
    )
    there = sa.select(subscriptions.c.id).where(subscriptions.c.id == paid.id, *same)
    return await tx.row(there) is not None


def _cents(before: Row | None, price_id: str | None, cents: int | None) -> int | None:
    """What the metered price charges: where the plan does not say it any more, what it said."""
    if cents is None and before is not None and before["overage_price_id"] == price_id:
        return int(before["overage_cents"]) if before["overage_cents"] is not None else None
    return cents


def _given_start(
    before: Row | None, plan: str | None, paid: PaidSubscription, *, changed: bool
) -> float | None:
    """The start of the period whose rest the account has, where the present one is not paid.

    In a trial it has what the trial began with, also when it goes to a larger plan.
    """
    if before is None:
        return paid.period_start if changed or _owes(paid) else None
    kept: float = before["given_start"] or before["period_start"]
    if _owes(paid):
        return kept
    if paid.status == before["status"] == "trialing" and paid.period_start == kept:
        changed = changed or before["plan"] not in ("", plan)
        return kept if changed or before["given_start"] is not None else None
    return None


def _owes(paid: PaidSubscription) -> bool:
    return paid.owes or paid.status in OWED


async def sold_beyond(tx: Transaction, id: str) -> str | None:
    """The metered price at which the subscription charged what is beyond a plan of ours."""
    row = await tx.row(
        sa.select(subscriptions.c.overage_price_id).where(
            subscriptions.c.id == id, subscriptions.c.overage_cents.is_not(None)
        )
    )
    return None if row is None else row["overage_price_id"]


async def is_metered(tx: Transaction, id: str) -> None:
    """Until now the subscription has charged what is beyond its plan."""
    its = sa.update(subscriptions).where(subscriptions.c.id == id)
    await tx.execute(its.values(metered_at=tx.now))


async def over(
    tx: Transaction, source: str, *, quiet_s: float, limit: int = 100
) -> list[Subscription]:
    """Those that gave their plan until their period was over, and what came then is not known.

    Not those that were looked at in the last ``quiet_s`` seconds. Those that wait for a payment are
    looked at once an hour.
    """
    looked_at = (payment_objects.c.source == source) & (
        payment_objects.c.object_id == subscriptions.c.id
    )
    looked = sa.func.coalesce(payment_objects.c.looked_at, 0.0)
    rows = await tx.rows(
        sa.select(subscriptions)
        .outerjoin(payment_objects, looked_at)
        .where(
            subscriptions.c.source == source,
            subscriptions.c.status.in_(GIVE),
            sa.or_(
                sa.and_(subscriptions.c.period_end <= tx.now, looked <= tx.now - quiet_s),
                sa.and_(subscriptions.c.given_start.is_not(None), looked <= tx.now - _WAITS_S),
            ),
        )
        .order_by(subscriptions.c.period_end.desc())
        .limit(limit)
    )
    return [_told(row) for row in rows]


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
