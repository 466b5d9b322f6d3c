"""The inbox: what providers reported on their own, each event once."""

from __future__ import annotations

import sqlalchemy as sa

from staging_core.models import Notice

from .engine import Transaction
from .prepared import Prepared, placed, places
from .row import Row
from .tables import attempts, inbox

_NEW = places(inbox, ["source", "event_id", "handle", "attempt_id", "received_at"])
_ADD = Prepared(
    lambda insert: (
        insert(inbox)
        .values(_NEW)
        .on_conflict_do_nothing(index_elements=["source", "event_id"])
        .returning(inbox.c.event_id)
    )
)
_READ = Prepared(
    sa.update(inbox)
    .where(
        inbox.c.source == sa.bindparam("of_source"), inbox.c.event_id == sa.bindparam("of_event")
    )
    .values(places(inbox, ["read_at"]))
)


async def add(tx: Transaction, source: str, notice: Notice, attempt_id: str | None) -> bool:
    """Keep a verified report, unread; False when it is here already."""
    values = {"source": source, "event_id": notice.event_id, "handle": notice.handle}
    times = {"attempt_id": attempt_id, "received_at": tx.now}
    return await tx.row(_ADD, placed(values | times)) is not None


async def unread(
    tx: Transaction, sources: list[str], *, before: float, limit: int = 100
) -> list[Row]:
    """Reports of ``sources`` whose prediction was not known when they came, oldest first.

    Those of which it is known by now, and all that came ``before``: others keep none of these
    from being read.
    """
    by_now = sa.exists().where(attempts.c.handle == inbox.c.handle)
    worth_it = by_now | inbox.c.attempt_id.is_not(None) | (inbox.c.received_at < before)
    return await tx.rows(
        sa.select(inbox)
        .where(inbox.c.read_at.is_(None), inbox.c.source.in_(sources), worth_it)
        .order_by(inbox.c.received_at)
        .limit(limit)
    )


async def read(tx: Transaction, source: str, event_id: str) -> None:
    """The report has had its effect, or never will."""
    await tx.also(_READ, {"of_source": source, "of_event": event_id, "to_read_at": tx.now})


async def forget(tx: Transaction, *, before: float) -> int:
    """Drop what was read and received ``before``: no provider sends it again after so long."""
    dropped = await tx.execute(
        sa.delete(inbox).where(inbox.c.read_at.is_not(None), inbox.c.received_at < before)
    )
    return dropped.rowcount
