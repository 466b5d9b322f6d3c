"""Tickets: kept as hashes until they are used, once, or too old."""

from __future__ import annotations

import sqlalchemy as sa

from .engine import Transaction
from .row import Row
from .tables import tickets


async def add(
    tx: Transaction, digest: str, *, account_id: str, user_id: str, seconds: float
) -> float:
    """Keep a ticket; until when, in Unix seconds."""
    expires_at = tx.now + seconds
    values = {"account_id": account_id, "user_id": user_id, "expires_at": expires_at}
    await tx.execute(sa.insert(tickets).values(digest=digest, **values))
    return expires_at


async def take(tx: Transaction, digest: str) -> Row | None:
    """The ticket with that hash, which is gone with this; None unless it is there and fresh."""
    return await tx.row(
        sa.delete(tickets)
        .where(tickets.c.digest == digest, tickets.c.expires_at > tx.now)
        .returning(tickets.c.account_id, tickets.c.user_id)
    )


async def forget(tx: Transaction) -> None:
    """Drop those whose time is over."""
    await tx.execute(sa.delete(tickets).where(tickets.c.expires_at <= tx.now))
