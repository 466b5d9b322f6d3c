"""Prices that were made at a payment provider for plans and packs of the configuration."""

from __future__ import annotations

from collections.abc import Collection

import sqlalchemy as sa

from staging_core.models import Listing, Plan

from .engine import Transaction
from .row import Row
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


async def find(tx: Transaction, source: str, price_id: str) -> Row | None:
    """The price of a plan or a pack; None for another one, and for one of what is metered."""
    return await tx.row(
        sa.select(prices).where(
            prices.c.source == source,
            prices.c.price_id == price_id,
            prices.c.overage.is_(sa.false()),
        )
    )


async def overage(tx: Transaction, source: str, code: str, plan: Plan) -> str | None:
    """The metered price of one image beyond that plan, at what it costs now.

    None: nothing is charged beyond it, or nobody has said or published at which price.
    """
    if not plan.charges_overage or plan.overage_price_id is not None:
        return plan.overage_price_id if plan.charges_overage else None
    row = await tx.row(
        sa.select(prices.c.price_id)
        .where(
            prices.c.source == source,
            prices.c.kind == "plan",
            prices.c.code == code,
            prices.c.overage.is_(sa.true()),
            prices.c.amount_cents == plan.overage_cents,
            prices.c.currency == plan.currency,
        )
        .order_by(prices.c.created_at.desc())
        .limit(1)
    )
    return None if row is None else str(row["price_id"])


async def published_overage(
    tx: Transaction, source: str, price_ids: Collection[str]
) -> frozenset[str]:
    """Those of them that were made for what is beyond some plan, at whatever amount."""
    rows = await tx.rows(
        sa.select(prices.c.price_id).where(
            prices.c.source == source,
            prices.c.price_id.in_(price_ids),
            prices.c.overage.is_(sa.true()),
        )
    )
    return frozenset(row["price_id"] for row in rows)
