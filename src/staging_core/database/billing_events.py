"""What plugins are told of money: written with what it tells of, in one transaction."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import sqlalchemy as sa

from staging_core.models import BillingEvent

from .engine import Transaction
from .tables import accounts, billing_events


async def tell(
    tx: Transaction, account_id: str, type: str, data: dict[str, Any] | None = None
) -> None:
    """Tell plugins of it after the commit, after all that the account was told before.

    ``data``: plain JSON, no secrets. Holds the account's row until the commit, so that no lower
    position appears later; lock what comes before it in order first.
    """
    counted = await tx.row(
        sa.update(accounts)
        .where(accounts.c.id == account_id)
        .values(billing_position=accounts.c.billing_position + 1)
        .returning(accounts.c.billing_position)
    )
    assert counted is not None, "there is no such account"
    await tx.execute(
        sa.insert(billing_events).values(
            account_id=account_id,
            position=counted["billing_position"],
            id=uuid4().hex,
            type=type,
            data=data or {},
            at=tx.now,
        )
    )


async def after(
    tx: Transaction, account_id: str, position: int, *, limit: int = 100
) -> list[BillingEvent]:
    """The account's events after ``position``, in order."""
    query = (
        sa.select(billing_events)
        .where(billing_events.c.account_id == account_id, billing_events.c.position > position)
        .order_by(billing_events.c.position)
        .limit(limit)
    )
    return [BillingEvent(**row) for row in await tx.rows(query)]
