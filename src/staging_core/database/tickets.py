"""Tickets: kept as hashes until they are used, once, or too old."""

from __future__ import annotations

import sqlalchemy as sa

from staging_core.models import Principal

from .engine import Transaction
from .row import Row
from .tables import tickets

_TOLD = ("account_id", "user_id", "key_id", "sign_in_expires_at")


async def add(tx: Transaction, digest: str, principal: Principal, *, seconds: float) -> float:
    """Keep a ticket of that user; until when, in Unix seconds."""
    expires_at = tx.now + seconds
    if principal.expires_at is not None:
        expires_at = min(expires_at, principal.expires_at)
    await tx.execute(
        sa.insert(tickets).values(
            digest=digest,
            account_id=principal.account_id,
            user_id=principal.user_id,
            expires_at=expires_at,
            key_id=principal.key_id,
            sign_in_expires_at=principal.expires_at,
        )
    )
    return expires_at


async def take(tx: Transaction, digest: str) -> Row | None:
    """The ticket with that hash, which is gone with this; None unless it is there and fresh."""
    return await tx.row(
        sa.delete(tickets)
        .where(tickets.c.digest == digest, tickets.c.expires_at > tx.now)
        .returning(*(tickets.c[name] for name in _TOLD))
    )


async def forget(tx: Transaction) -> None:
    """Drop those whose time is over."""
    await tx.execute(sa.delete(tickets).where(tickets.c.expires_at <= tx.now))
