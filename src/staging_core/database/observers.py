"""How far each observing plugin has seen each account's events, those of jobs and of money."""

from __future__ import annotations

from typing import Any, NamedTuple

import sqlalchemy as sa

from .engine import Transaction
from .row import Row
from .tables import accounts, observers
from .upsert import insert_or


class Kind(NamedTuple):
    """A kind of events. Names of columns: what an account counts, and what a plugin has seen."""

    counted: str
    seen: str
    due_at: str


OF_JOBS = Kind("position", "position", "due_at")
OF_BILLING = Kind("billing_position", "billing_position", "billing_due_at")


async def behind(tx: Transaction, plugin: str, kind: Kind, *, limit: int = 50) -> list[Row]:
    """Accounts (``account_id``, ``position`` seen) with events that the plugin has not seen."""
    mine = observers.alias("mine")
    seen = sa.func.coalesce(mine.c[kind.seen], 0)
    query = (
        sa.select(accounts.c.id.label("account_id"), seen.label("position"))
        .select_from(
            accounts.outerjoin(
                mine, (mine.c.account_id == accounts.c.id) & (mine.c.plugin == plugin)
            )
        )
        .where(
            accounts.c[kind.counted] > seen,
            sa.func.coalesce(mine.c[kind.due_at], 0) <= tx.now,
        )
        .limit(limit)
    )
    return await tx.rows(query)


async def seen(
    tx: Transaction,
    plugin: str,
    kind: Kind,
    account_id: str,
    position: int,
    *,
    due_at: float = 0,
) -> None:
    """The plugin has seen the account up to ``position``; show it more from ``due_at`` on."""
    values: dict[str, Any] = {kind.seen: position, kind.due_at: due_at}
    statement = insert_or(tx.connection, observers).values(
        **{"position": 0, **values}, plugin=plugin, account_id=account_id
    )
    await tx.execute(
        statement.on_conflict_do_update(index_elements=["plugin", "account_id"], set_=values)
    )
