"""What is sold at a price: by the configuration, or by what was made for it at the provider."""

from __future__ import annotations

from collections.abc import Mapping

import sqlalchemy as sa

from staging_core.models import OfferKind, Pack, Plan

from .engine import Transaction
from .tables import prices


async def code_of(
    tx: Transaction,
    source: str,
    kind: OfferKind,
    price_id: str,
    sold: Mapping[str, Plan] | Mapping[str, Pack],
) -> str | None:
    """The code of the plan or pack that has the price; None when none of ``sold`` has it."""
    for code, each in sold.items():
        if price_id in each.price_ids:
            return code
    row = await tx.row(
        sa.select(prices.c.code).where(
            prices.c.source == source,
            prices.c.price_id == price_id,
            prices.c.kind == kind,
            prices.c.overage.is_(sa.false()),
        )
    )
    return row["code"] if row is not None and row["code"] in sold else None
