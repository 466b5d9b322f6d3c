"""Named leases: one process at a time sweeps, and one shows events to a plugin."""

from __future__ import annotations

from sqlalchemy.dialects.sqlite import insert as insert_or

from .engine import Transaction
from .tables import leases


async def take(tx: Transaction, name: str, *, owner: str, seconds: float) -> bool:
    """Take or renew the lease; False while another owner has it."""
    statement = insert_or(leases).values(name=name, owner=owner, lease_until=tx.now + seconds)
    taken = await tx.row(
        statement.on_conflict_do_update(
            index_elements=["name"],
            set_={"owner": owner, "lease_until": tx.now + seconds},
            where=(leases.c.lease_until <= tx.now) | (leases.c.owner == owner),
        ).returning(leases.c.owner)
    )
    return taken is not None


async def give_back(tx: Transaction, name: str, *, owner: str) -> None:
    """End the lease if ``owner`` still has it."""
    await tx.execute(leases.delete().where(leases.c.name == name, leases.c.owner == owner))
