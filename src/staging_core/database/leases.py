"""Named leases: one process at a time sweeps, one shows events to a plugin; models are heard of.

What is done now and then is not due again before its lease is over.
"""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from .engine import Transaction
from .tables import leases
from .upsert import insert_or

_NOBODY = "nobody"


async def take(tx: Transaction, name: str, *, owner: str, seconds: float) -> bool:
    """Take or renew the lease; False while another owner has it."""
    free = (leases.c.lease_until <= tx.now) | (leases.c.owner == owner)
    return await _write(tx, name, owner, seconds, free)


async def hear(tx: Transaction, name: str, *, seconds: float) -> None:
    """Somebody is there, for so long at least; it takes no turns."""
    await _write(tx, name, "somebody", seconds, sa.true())


async def rest(tx: Transaction, name: str, *, seconds: float) -> None:
    """What the name stands for has been done, and is not due for so long."""
    await _write(tx, name, _NOBODY, seconds, sa.true())


async def held(tx: Transaction, names: Sequence[str]) -> set[str]:
    """Those of ``names`` whose time is not over."""
    running = leases.c.name.in_(names), leases.c.lease_until > tx.now
    return {row["name"] for row in await tx.rows(sa.select(leases.c.name).where(*running))}


async def unheard(tx: Transaction, name: str, *, seconds: float) -> bool:
    """Whether nobody was there for ``seconds``, counted from the first time we asked."""
    row = await tx.row(sa.select(leases).where(leases.c.name == name))
    if row is not None and row["lease_until"] > tx.now:
        return False
    if row is not None and row["owner"] == _NOBODY:
        return True
    await _write(tx, name, _NOBODY, seconds, sa.true())
    return False


async def _write(
    tx: Transaction, name: str, owner: str, seconds: float, only_if: sa.ColumnElement[bool]
) -> bool:
    statement = insert_or(tx.connection, leases).values(
        name=name, owner=owner, lease_until=tx.now + seconds
    )
    written = await tx.row(
        statement.on_conflict_do_update(
            index_elements=["name"],
            set_={"owner": owner, "lease_until": tx.now + seconds},
            where=only_if,
        ).returning(leases.c.owner)
    )
    return written is not None


async def give_back(tx: Transaction, name: str, *, owner: str) -> None:
    """End the lease if ``owner`` still has it."""
    await tx.execute(leases.delete().where(leases.c.name == name, leases.c.owner == owner))
