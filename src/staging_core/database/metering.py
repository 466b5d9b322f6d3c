"""What accounts had beyond their plans, a minute at a time, and whether it was told.

A row is written before its provider is told, and its key is made of the account and the minute. A
minute is closed when it is over for a while, so that nothing is booked into it any more; if
something is after all, it is a second part of that minute.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles

from .engine import Transaction
from .row import Row
from .tables import balances, customers, ledger, metering
from .tables.billing import OVERAGE_HAD


class whole_minute(sa.sql.functions.GenericFunction[int]):  # noqa: N801 - it is named as in SQL
    """The whole minute of Unix time that a time in seconds is in."""

    type = sa.BigInteger()
    inherit_cache = True


@compiles(whole_minute, "sqlite")
def _on_sqlite(element: Any, compiler: Any, **options: Any) -> str:
    return f"(CAST({compiler.process(element.clauses, **options)} AS INTEGER) / 60)"


@compiles(whole_minute, "postgresql")
def _on_postgresql(element: Any, compiler: Any, **options: Any) -> str:
    return f"CAST(floor({compiler.process(element.clauses, **options)} / 60) AS BIGINT)"


async def close_minutes(
    tx: Transaction, source: str, *, since: float, before: float, limit: int = 500
) -> int:
    """Write what was had in whole minutes from ``since`` up to ``before``; how many rows are new.

    Only of accounts that the provider has a customer of, from when it has.
    """
    minute = whole_minute(ledger.c.at).label("minute")
    had = (
        sa.select(
            ledger.c.account_id,
            sa.func.min(customers.c.customer_id).label("customer_id"),
            minute,
            sa.func.count().label("had"),
            sa.func.max(ledger.c.at).label("had_at"),
        )
        .join(customers, customers.c.account_id == ledger.c.account_id)
        .where(
            sa.text(OVERAGE_HAD),
            customers.c.source == source,
            customers.c.customer_id.is_not(None),
            ledger.c.at >= customers.c.created_at,
            ledger.c.at >= since,
            ledger.c.at < before - before % 60,
        )
        .group_by(ledger.c.account_id, minute)
        .subquery()
    )
    written = (
        sa.select(
            metering.c.account_id,
            metering.c.minute,
            sa.func.sum(metering.c.images).label("images"),
            sa.func.count().label("parts"),
        )
        .where(metering.c.source == source)
        .group_by(metering.c.account_id, metering.c.minute)
        .subquery()
    )
    same = (written.c.account_id == had.c.account_id) & (written.c.minute == had.c.minute)
    images = sa.func.coalesce(written.c.images, 0)
    rows = await tx.rows(
        sa.select(
            had.c.account_id,
            had.c.customer_id,
            had.c.minute,
            had.c.had_at,
            (had.c.had - images).label("images"),
            sa.func.coalesce(written.c.parts, 0).label("part"),
        )
        .outerjoin(written, same)
        .where(had.c.had > images)
        .order_by(had.c.minute)
        .limit(limit)
    )
    new = {"source": source, "created_at": tx.now, "due_at": tx.now}
    if rows:
        await tx.execute(sa.insert(metering), [{**row, **new} for row in rows])
    return len(rows)


async def is_unsettled(tx: Transaction, account_id: str, *, quiet_s: float = 600.0) -> bool:
    """Whether the account had, or may still have, more than its plan that was not told yet.

    What was had in the last ``quiet_s`` seconds may be in no minute that is over.
    """
    lately = sa.select(ledger.c.id).where(
        ledger.c.account_id == account_id, sa.text(OVERAGE_HAD), ledger.c.at > tx.now - quiet_s
    )
    untold = sa.select(metering.c.minute).where(
        metering.c.account_id == account_id, metering.c.told_at.is_(None)
    )
    held = sa.select(balances.c.name).where(
        balances.c.account_id == account_id,
        balances.c.name.like("overage/%"),
        balances.c.reserved > 0,
    )
    for some in (held, lately, untold):
        if await tx.row(some.limit(1)) is not None:
            return True
    return False


async def claim(tx: Transaction, source: str, *, lease_s: float) -> Row | None:
    """The next row that is to be told, ours for ``lease_s`` seconds; its ``asked_at`` as it was."""
    row = await tx.row(
        sa.select(metering)
        .where(metering.c.source == source, metering.c.due_at <= tx.now)
        .order_by(metering.c.due_at, metering.c.minute, metering.c.part)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    if row is not None:
        await _write(tx, row, due_at=tx.now + lease_s, tries=row["tries"] + 1)
    return row


async def asked(tx: Transaction, row: Row) -> None:
    """From now on it may have been told under its key."""
    await _write(tx, row, asked_at=tx.now)


async def told(tx: Transaction, row: Row) -> None:
    """The provider has it."""
    await _write(tx, row, told_at=tx.now, due_at=None)


async def later(tx: Transaction, row: Row, pause_s: float) -> None:
    """Nobody knows whether the provider has it: again after a pause."""
    await _write(tx, row, due_at=tx.now + pause_s)


async def _write(tx: Transaction, row: Row, **values: Any) -> None:
    of_row = [metering.c[name] == row[name] for name in ("account_id", "minute", "part")]
    untold = metering.c.told_at.is_(None)
    await tx.execute(sa.update(metering).where(*of_row, untold).values(**values))


async def up_to(tx: Transaction, row: Row) -> int:
    """How many images the row's minute has by its parts up to this one."""
    found = await tx.row(
        sa.select(sa.func.sum(metering.c.images).label("images")).where(
            metering.c.account_id == row["account_id"],
            metering.c.minute == row["minute"],
            metering.c.source == row["source"],
            metering.c.part <= row["part"],
        )
    )
    assert found is not None
    return int(found["images"])
