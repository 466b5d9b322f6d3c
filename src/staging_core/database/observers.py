"""How far each observing plugin has seen each account's events."""

from __future__ import annotations

import sqlalchemy as sa

from .engine import Transaction
from .row import Row
from .tables import accounts, observers
from .upsert import insert_or


async def behind(tx: Transaction, plugin: str, *, limit: int = 50) -> list[Row]:
    """Accounts (``account_id``, ``position`` seen) with events that the plugin has not seen."""
    mine = observers.alias("mine")
    query = (
        sa.select(
            accounts.c.id.label("account_id"),
            sa.func.coalesce(mine.c.position, 0).label("position"),
        )
        .select_from(
            accounts.outerjoin(
                mine, (mine.c.account_id == accounts.c.id) & (mine.c.plugin == plugin)
            )
        )
        .where(
            accounts.c.position > sa.func.coalesce(mine.c.position, 0),
            sa.func.coalesce(mine.c.due_at, 0) <= tx.now,
        )
        .limit(limit)
    )
    return await tx.rows(query)


async def seen(
    tx: Transaction, plugin: str, account_id: str, position: int, *, due_at: float = 0
) -> None:
    """The plugin has seen the account up to ``position``; show it more from ``due_at`` on."""
    values = {"position": position, "due_at": due_at}
    statement = insert_or(tx.connection, observers).values(
        plugin=plugin, account_id=account_id, **values
    )
    await tx.execute(
        statement.on_conflict_do_update(index_elements=["plugin", "account_id"], set_=values)
    )
