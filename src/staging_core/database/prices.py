"""Prices that were made at a payment provider for plans and packs of the configuration."""

from __future__ import annotations

from staging_core.models import Listing

from .engine import Transaction
from .tables import prices
from .upsert import insert_or


async def keep(tx: Transaction, source: str, price_id: str, listing: Listing) -> bool:
    """Keep what the provider calls the price of that listing; False when it is kept already."""
    added = insert_or(tx.connection, prices).values(
        source=source,
        price_id=price_id,
        kind=listing.kind,
        code=listing.code,
        overage=listing.overage,
        amount_cents=listing.amount_cents,
        currency=listing.currency,
        created_at=tx.now,
    )
    kept = added.on_conflict_do_nothing(index_elements=["source", "price_id"])
    return await tx.row(kept.returning(prices.c.price_id)) is not None
