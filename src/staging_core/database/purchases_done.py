"""What an account began to buy, once its provider says what became of it."""

from __future__ import annotations

from typing import Literal

import sqlalchemy as sa

from .engine import Transaction
from .tables import purchases


async def end(
    tx: Transaction,
    account_id: str,
    purchase_id: str | None,
    state: Literal["done", "over"],
    object_id: str,
) -> None:
    """It has become that thing of the provider's; what is none of the account's is left alone."""
    if purchase_id is None:
        return
    begun = (
        purchases.c.id == purchase_id,
        purchases.c.account_id == account_id,
        purchases.c.state.in_(("begun", "open")),
    )
    ended = {"state": state, "object_id": object_id, "updated_at": tx.now}
    await tx.execute(sa.update(purchases).where(*begun).values(**ended))
