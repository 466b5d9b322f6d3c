"""The inbox of payments: every event that a provider reported, once, however often it came."""

from __future__ import annotations

import sqlalchemy as sa

from staging_core.models import PaymentNotice

from .engine import Transaction
from .row import Row
from .tables import payment_events
from .upsert import insert_or


async def add(tx: Transaction, source: str, notice: PaymentNotice) -> bool:
    """Keep a verified event; False when it is here already.

    One that is of nothing that we keep is read with that.
    """
    added = insert_or(tx.connection, payment_events).values(
        source=source,
        event_id=notice.event_id,
        type=notice.type,
        kind=notice.kind,
        object_id=notice.object_id,
        customer_id=notice.customer_id,
        subject_id=notice.subject_id,
        created_at=notice.created_at,
        received_at=tx.now,
        read_at=None if notice.object_id else tx.now,
    )
    once = added.on_conflict_do_nothing(index_elements=["source", "event_id"])
    return await tx.row(once.returning(payment_events.c.event_id)) is not None


async def read(tx: Transaction, source: str, object_id: str, *, until: float) -> list[Row]:
    """What was received ``until`` then about the thing was looked at; the oldest first."""
    rows = await tx.rows(
        sa.update(payment_events)
        .where(
            payment_events.c.source == source,
            payment_events.c.object_id == object_id,
            payment_events.c.read_at.is_(None),
            payment_events.c.received_at <= until,
        )
        .values(read_at=tx.now)
        .returning(payment_events)
    )
    return sorted(rows, key=lambda row: (row["created_at"], row["event_id"]))


async def forget(tx: Transaction, *, before: float) -> int:
    """Drop what was read and received ``before``: no provider sends it again after so long."""
    dropped = await tx.execute(
        sa.delete(payment_events).where(
            payment_events.c.read_at.is_not(None), payment_events.c.received_at < before
        )
    )
    return dropped.rowcount
