"""What accounts have used: a counter for each period, so that nobody ever counts images."""

from __future__ import annotations

import sqlalchemy as sa

from staging_core.models import Period, Usage

from .engine import Transaction
from .prepared import Prepared, placed, places
from .tables import usage


async def count(tx: Transaction, account_id: str, period: str | None = None) -> None:
    """One image more is ready; in the transaction that makes it so, and late in it.

    ``period``: the name of the one that it counts in, by default this month.
    """
    counted_in = period or Period.month_of(tx.now).name
    await tx.also(_COUNT, placed({"account_id": account_id, "month": counted_in}))


_COUNT = Prepared(
    lambda insert: (
        insert(usage)
        .values(images=1, **places(usage, ["account_id", "month"]))
        .on_conflict_do_update(
            index_elements=["account_id", "month"], set_={"images": usage.c.images + 1}
        )
    )
)


async def in_period(tx: Transaction, account_id: str, period: Period) -> int:
    """How many images of the period became ready."""
    row = await tx.row(
        sa.select(usage.c.images).where(
            usage.c.account_id == account_id, usage.c.month == period.name
        )
    )
    return 0 if row is None else int(row["images"])


async def of_now(tx: Transaction, account_id: str) -> Usage:
    """What the account has used in this month."""
    now = Period.month_of(tx.now)
    used = await in_period(tx, account_id, now)
    return Usage(used=used, period_start=now.start, period_end=now.end)


async def by_month(tx: Transaction, account_id: str) -> dict[str, int]:
    """How many images became ready, by period (as 2026-01, or its first day)."""
    its = sa.select(usage.c.month, usage.c.images).where(usage.c.account_id == account_id)
    return {row["month"]: row["images"] for row in await tx.rows(its.order_by(usage.c.month))}
