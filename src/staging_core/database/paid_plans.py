"""The plan that an account pays a provider for."""

from __future__ import annotations

import sqlalchemy as sa

from .engine import Transaction
from .row import Row
from .tables import subscriptions

NOT_PAYING = ("incomplete", "incomplete_expired", "canceled")
"""Of a subscription that nobody pays for: it never began, or it has ended."""


async def find(tx: Transaction, account_id: str, source: str) -> Row | None:
    """The subscription that the account pays, or owes, the provider for; the newest one."""
    return await tx.row(
        sa.select(subscriptions)
        .where(
            subscriptions.c.account_id == account_id,
            subscriptions.c.source == source,
            subscriptions.c.status.not_in(NOT_PAYING),
        )
        .order_by(subscriptions.c.created_at.desc(), subscriptions.c.id)
        .limit(1)
    )
