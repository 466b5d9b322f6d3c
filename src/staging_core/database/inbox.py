"""The inbox: what providers reported on their own, each event once."""

from __future__ import annotations

import sqlalchemy as sa

from staging_core.models import Notice

from .engine import Transaction
from .tables import inbox
from .upsert import insert_or


async def add(tx: Transaction, source: str, notice: Notice, attempt_id: str | None) -> bool:
    """Keep a verified report, unread; False when it is here already."""
    statement = insert_or(tx.connection, inbox).values(
        source=source,
        event_id=notice.event_id,
        handle=notice.handle,
        attempt_id=attempt_id,
        received_at=tx.now,
    )
    added = await tx.row(
        statement.on_conflict_do_nothing(index_elements=["source", "event_id"]).returning(
            inbox.c.event_id
        )
    )
    return added is not None


async def unread(tx: Transaction, sources: list[str], *, limit: int = 100) -> list[sa.RowMapping]:
    """Reports of ``sources`` whose prediction was not known yet, oldest first."""
    return await tx.rows(
        sa.select(inbox)
        .where(inbox.c.read_at.is_(None), inbox.c.source.in_(sources))
        .order_by(inbox.c.received_at)
        .limit(limit)
    )


async def read(tx: Transaction, source: str, event_id: str) -> None:
    """The report has had its effect, or never will."""
    await tx.execute(
        sa.update(inbox)
        .where(inbox.c.source == source, inbox.c.event_id == event_id)
        .values(read_at=tx.now)
    )


async def forget(tx: Transaction, *, before: float) -> int:
    """Drop what was read and received ``before``: no provider sends it again after so long."""
    dropped = await tx.execute(
        sa.delete(inbox).where(inbox.c.read_at.is_not(None), inbox.c.received_at < before)
    )
    return dropped.rowcount
