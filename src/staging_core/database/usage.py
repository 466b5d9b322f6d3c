"""What accounts have used: a counter for each month, so that nobody ever counts images."""

from __future__ import annotations

from datetime import UTC, datetime

import sqlalchemy as sa

from staging_core.models import Usage

from .engine import Transaction
from .prepared import Prepared, placed, places
from .tables import usage


async def count(tx: Transaction, account_id: str) -> None:
    """One image more is ready; in the transaction that makes it so, and late in it."""
    await tx.also(_COUNT, placed({"account_id": account_id, "month": _month(tx.now)}))


_COUNT = Prepared(
    lambda insert: (
        insert(usage)
        .values(images=1, **places(usage, ["account_id", "month"]))
        .on_conflict_do_update(
            index_elements=["account_id", "month"], set_={"images": usage.c.images + 1}
        )
    )
)


async def of_now(tx: Transaction, account_id: str) -> Usage:
    """What the account has used in this month."""
    row = await tx.row(
        sa.select(usage.c.images).where(
            usage.c.account_id == account_id, usage.c.month == _month(tx.now)
        )
    )
    start, end = _period(tx.now)
    return Usage(used=0 if row is None else row["images"], period_start=start, period_end=end)


async def by_month(tx: Transaction, account_id: str) -> dict[str, int]:
    """How many images became ready, by month (as 2026-01)."""
    its = sa.select(usage.c.month, usage.c.images).where(usage.c.account_id == account_id)
    return {row["month"]: row["images"] for row in await tx.rows(its.order_by(usage.c.month))}


def _month(now: float) -> str:
    return datetime.fromtimestamp(now, UTC).strftime("%Y-%m")


def _period(now: float) -> tuple[float, float]:
    """From when to when (not included) the month of ``now`` goes, in Unix seconds."""
    today = datetime.fromtimestamp(now, UTC)
    first = datetime(today.year, today.month, 1, tzinfo=UTC)
    following = datetime(today.year + today.month // 12, today.month % 12 + 1, 1, tzinfo=UTC)
    return first.timestamp(), following.timestamp()
