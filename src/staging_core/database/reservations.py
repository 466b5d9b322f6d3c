"""Reservations at a credit service outside, one for each job; see the table for their states.

A row is written before the service is asked, kept by the transaction that accepts its job, settled
by the one that ends it, and there until the service has said that it knows. Who writes one holds
its account's row, or writes after all else in the transaction, or writes nothing else.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import sqlalchemy as sa

from staging_core.models import Reservation

from .engine import Transaction
from .prepared import Prepared
from .row import Row
from .tables import jobs, reservations
from .unsettled import settle_each


async def begin(
    tx: Transaction, source: str, begun: Collection[Reservation], *, good_s: float
) -> None:
    """Note what the service is going to be asked for; an order keeps it within ``good_s``."""
    rows = [
        {
            "id": each.id,
            "account_id": each.account_id,
            "source": source,
            "images": each.images,
            "state": "begun",
            "created_at": tx.now,
            "due_at": tx.now + good_s,
        }
        for each in begun
    ]
    await tx.execute(sa.insert(reservations), rows)


async def keep(tx: Transaction, ids: Collection[str]) -> bool:
    """The order that they are for is accepted; False when it took too long, and is not to be."""
    kept = await tx.execute(_begun(sa.update(reservations), ids).values(state="kept", due_at=None))
    return kept.rowcount == len(ids)


async def give_up(tx: Transaction, ids: Collection[str], *, refused: str | None) -> None:
    """No order keeps those that none has kept: they are to be released.

    ``refused``: one that the service certainly does not hold, which is forgotten.
    """
    if refused is not None:
        await tx.execute(_begun(sa.delete(reservations), [refused]))
    await tx.execute(_begun(sa.update(reservations), ids).values(state="void", due_at=tx.now))


def _begun(statement: Any, ids: Collection[str]) -> Any:
    return statement.where(reservations.c.id.in_(ids), reservations.c.state == "begun")


# --- the ends of jobs -----------------------------------------------------------------------------


def settle(tx: Transaction, job: Row, *, captured: bool) -> None:
    """Settle what is held for a job that ends in this transaction; the service is told later."""
    state = "captured" if captured else "released"
    tx.at_last(_SETTLE, {"of_id": job["reservation_id"], "to_state": state, "at": tx.now})


async def settle_late(tx: Transaction, *, limit: int = 100) -> int:
    """Settle jobs that a worker of an earlier version has ended; how many."""
    return await settle_each(tx, jobs.c.reservation_id, settle, limit=limit)


async def was_captured(tx: Transaction, image_id: str) -> bool:
    """Whether a service was paid for the image, which has another job: its picture was lost."""
    paid = sa.select(jobs.c.id).where(
        jobs.c.image_id == image_id, jobs.c.state == "ready", jobs.c.reservation_id.is_not(None)
    )
    return await tx.row(paid.limit(1)) is not None


_AT: sa.BindParameter[float] = sa.bindparam("at", type_=sa.Double())
_SETTLE = Prepared(
    sa.update(reservations)
    .where(reservations.c.id == sa.bindparam("of_id"), reservations.c.state == "kept")
    .values(
        state=sa.bindparam("to_state", type_=sa.String()),
        settled_at=_AT,
        due_at=_AT,
    )
)


# --- telling the service --------------------------------------------------------------------------


async def claim(tx: Transaction, source: str, *, lease_s: float, limit: int) -> list[Row]:
    """What the service is to be told, ours for ``lease_s`` seconds.

    What nobody has kept in time is void from now on: its order can no longer be accepted.
    """
    due = (
        sa.select(reservations.c.id)
        .where(reservations.c.source == source, reservations.c.due_at <= tx.now)
        .order_by(reservations.c.due_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    state = reservations.c.state
    return await tx.rows(
        sa.update(reservations)
        .where(reservations.c.id.in_(due))
        .values(
            state=sa.case((state == "begun", "void"), else_=state),
            due_at=tx.now + lease_s,
            tries=reservations.c.tries + 1,
        )
        .returning(*reservations.c)
    )


async def told(tx: Transaction, row: Row) -> None:
    """The service knows; what came to nothing leaves no row."""
    this = reservations.c.id == row["id"]
    if row["state"] == "void":
        await tx.execute(sa.delete(reservations).where(this))
    else:
        values = {"told_at": tx.now, "due_at": None}
        await tx.execute(sa.update(reservations).where(this).values(**values))


async def later(tx: Transaction, row: Row, pause_s: float) -> None:
    """Nobody knows whether the service does: again after a pause."""
    await tx.execute(
        sa.update(reservations)
        .where(reservations.c.id == row["id"], reservations.c.told_at.is_(None))
        .values(due_at=tx.now + pause_s)
    )


async def any_untold(tx: Transaction, account_id: str, source: str) -> bool:
    """Whether the service is still to be told something of the account."""
    untold = sa.select(reservations.c.id).where(
        reservations.c.account_id == account_id,
        reservations.c.source == source,
        reservations.c.told_at.is_(None),
    )
    return await tx.row(untold.limit(1)) is not None
