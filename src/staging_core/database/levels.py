"""How high the queue stands, from the accounts' counters; no query counts jobs."""

from __future__ import annotations

from typing import NamedTuple

import sqlalchemy as sa

from .engine import Transaction
from .tables import accounts, jobs


class Levels(NamedTuple):
    """Jobs of all accounts. ``oldest_s``: how long the one that is due longest has been due."""

    queued: int
    in_flight: int
    oldest_s: float


async def read(tx: Transaction) -> Levels:
    """As they are now."""
    row = await tx.row(_LEVELS)
    assert row is not None
    oldest = tx.now if row["oldest"] is None else float(row["oldest"])
    return Levels(int(row["queued"]), int(row["in_flight"]), max(0.0, tx.now - oldest))


_OLDEST = (
    sa.select(jobs.c.due_at)
    .where(jobs.c.state == "queued")
    .order_by(jobs.c.due_at)
    .limit(1)
    .scalar_subquery()
)
_LEVELS = sa.select(
    sa.func.coalesce(sa.func.sum(accounts.c.queued), 0).label("queued"),
    sa.func.coalesce(sa.func.sum(accounts.c.in_flight), 0).label("in_flight"),
    _OLDEST.label("oldest"),
)
