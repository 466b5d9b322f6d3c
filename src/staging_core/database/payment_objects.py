"""Things of a payment provider that were told of, and who looks at them now.

An event only raises ``told``. Whoever has the row's lease fetches the thing's latest state, outside
any transaction, and writes it while ``lease_no`` is still the one it was given: so what was read
earlier never overwrites what was read later. ``seen`` becomes what ``told`` was before the fetch;
when more was told meanwhile, the thing is due again.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import sqlalchemy as sa

from staging_core.models import PaidKind

from .engine import Transaction
from .row import Row
from .tables import payment_objects
from .upsert import insert_or

_PAGE = 1_000


async def mark(
    tx: Transaction, source: str, kind: PaidKind, object_id: str, customer_id: str | None
) -> None:
    """The thing has to be looked at, soon. ``customer_id``: whose it is, as far as that is told."""
    table = payment_objects
    made = insert_or(tx.connection, table).values(
        source=source,
        object_id=object_id,
        kind=kind,
        customer_id=customer_id,
        told=1,
        due_at=tx.now,
        created_at=tx.now,
    )
    await tx.execute(
        made.on_conflict_do_update(
            index_elements=["source", "object_id"],
            set_={
                "told": table.c.told + 1,
                "due_at": tx.now,
                "customer_id": sa.func.coalesce(made.excluded.customer_id, table.c.customer_id),
            },
        )
    )


async def mark_of_customer(tx: Transaction, source: str, customer_id: str) -> None:
    """All that a customer has has to be looked at: now it is known whose it is, or it is gone."""
    its = (
        payment_objects.c.source == source,
        payment_objects.c.customer_id == customer_id,
        payment_objects.c.kind != "customer",
    )
    told = {"told": payment_objects.c.told + 1, "due_at": tx.now}
    await tx.execute(sa.update(payment_objects).where(*its).values(**told))


async def forget_owner(tx: Transaction, source: str, customer_id: str) -> None:
    """The customer and all that it has are nobody's of ours any more, whatever it says."""
    its = (payment_objects.c.source == source, payment_objects.c.customer_id == customer_id)
    await tx.execute(sa.update(payment_objects).where(*its).values(state={"left": True}))


async def claim(tx: Transaction, source: str, *, lease_s: float, limit: int) -> list[Row]:
    """Due things that nobody looks at, ours for ``lease_s`` seconds, customers first."""
    table = payment_objects
    free = sa.or_(table.c.lease_until.is_(None), table.c.lease_until <= tx.now)
    due = await tx.rows(
        sa.select(table.c.object_id)
        .where(table.c.source == source, table.c.due_at <= tx.now, free)
        .order_by(sa.case((table.c.kind == "customer", 0), else_=1), table.c.due_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    if not due:
        return []
    named = table.c.object_id.in_([row["object_id"] for row in due])
    return await tx.rows(
        sa.update(table)
        .where(table.c.source == source, named)
        .values(lease_until=tx.now + lease_s, lease_no=table.c.lease_no + 1)
        .returning(table)
    )


async def hold(tx: Transaction, claimed: Row) -> Row | None:
    """The row, locked, while it is ours; None when somebody else has taken it."""
    ours = sa.select(payment_objects).where(*_ours(claimed), payment_objects.c.lease_until > tx.now)
    return await tx.row(ours.with_for_update())


async def done(
    tx: Transaction,
    claimed: Row,
    state: dict[str, Any] | None,
    customer_id: str | None,
    *,
    again_s: float | None = None,
) -> None:
    """It was looked at, and ``state`` was written. Hold its row first.

    ``again_s``: something about it is left to do, after such a pause.
    """
    seen = claimed["told"]
    next_at = sa.null() if again_s is None else sa.literal(tx.now + again_s)
    await tx.execute(
        sa.update(payment_objects)
        .where(*_ours(claimed))
        .values(
            seen=seen,
            due_at=sa.case((payment_objects.c.told > seen, tx.now), else_=next_at),
            tries=0 if again_s is None else payment_objects.c.tries + 1,
            lease_until=None,
            state=state,
            looked_at=tx.now,
            customer_id=sa.func.coalesce(customer_id, payment_objects.c.customer_id),
        )
    )


async def later(
    tx: Transaction,
    claimed: Row,
    pause_s: float,
    *,
    state: dict[str, Any] | None = None,
    customer_id: str | None = None,
) -> None:
    """It could not be looked at, or not be written yet: again after a pause, or when told more."""
    kept = {} if state is None else {"state": state}
    more = payment_objects.c.told > claimed["told"]
    await tx.execute(
        sa.update(payment_objects)
        .where(*_ours(claimed))
        .values(
            due_at=sa.case((more, tx.now), else_=tx.now + pause_s),
            tries=payment_objects.c.tries + 1,
            lease_until=None,
            customer_id=sa.func.coalesce(customer_id, payment_objects.c.customer_id),
            **kept,
        )
    )


def _ours(claimed: Row) -> tuple[sa.ColumnElement[bool], ...]:
    return (
        payment_objects.c.source == claimed["source"],
        payment_objects.c.object_id == claimed["object_id"],
        payment_objects.c.lease_no == claimed["lease_no"],
    )


async def known(tx: Transaction, source: str, object_ids: Collection[str]) -> dict[str, Row]:
    """Those of the things that were ever told of, by their ids."""
    rows = await tx.rows(
        sa.select(payment_objects).where(
            payment_objects.c.source == source, payment_objects.c.object_id.in_(object_ids)
        )
    )
    return {row["object_id"]: row for row in rows}


async def page(tx: Transaction, source: str, kind: PaidKind, after: str) -> list[Row]:
    """Things of a kind in the order of their ids, from the one after ``after`` on."""
    return await tx.rows(
        sa.select(payment_objects)
        .where(
            payment_objects.c.source == source,
            payment_objects.c.kind == kind,
            payment_objects.c.object_id > after,
        )
        .order_by(payment_objects.c.object_id)
        .limit(_PAGE)
    )
