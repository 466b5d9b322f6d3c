"""Customers of a payment provider: a row before one is asked for, and its id when it is there."""

from __future__ import annotations

from uuid import uuid4

import sqlalchemy as sa

from .engine import Transaction
from .row import Row
from .tables import customers, users
from .upsert import insert_or


async def ensure(tx: Transaction, account_id: str, source: str) -> Row:
    """The account's row, made with a key of its own unless it is there. Hold the account first."""
    made = insert_or(tx.connection, customers).values(
        account_id=account_id, source=source, key=uuid4().hex, created_at=tx.now
    )
    await tx.execute(made.on_conflict_do_nothing(index_elements=["account_id", "source"]))
    row = await find(tx, account_id, source)
    assert row is not None  # made above, or by whoever was faster
    return row


async def find(tx: Transaction, account_id: str, source: str) -> Row | None:
    """The account's row; its ``customer_id`` is None until the provider gave one."""
    return await tx.row(sa.select(customers).where(*_of(account_id, source)))


async def customer_of(tx: Transaction, account_id: str, source: str) -> str | None:
    """The customer that pays for the account; None: it has none, or not yet."""
    row = await find(tx, account_id, source)
    return None if row is None else row["customer_id"]


async def made(tx: Transaction, account_id: str, source: str, customer_id: str) -> str | None:
    """The account has this customer unless it has one by now: the one that it has.

    None: its row is gone, with the account or with a customer that was deleted.
    """
    await tx.execute(
        sa.update(customers)
        .where(*_of(account_id, source), customers.c.customer_id.is_(None))
        .values(customer_id=customer_id, made_at=tx.now)
    )
    return await customer_of(tx, account_id, source)


async def renew(tx: Transaction, row: Row) -> None:
    """Nothing came of what was asked under its key, and the provider has forgotten that one."""
    await tx.execute(
        sa.update(customers)
        .where(
            *_of(row["account_id"], row["source"]),
            customers.c.key == row["key"],
            customers.c.customer_id.is_(None),
        )
        .values(key=uuid4().hex, created_at=tx.now)
    )


async def unmade(tx: Transaction, source: str, *, before: float, limit: int) -> list[Row]:
    """Rows without a customer that were written ``before``, the oldest first."""
    return await tx.rows(
        sa.select(customers)
        .where(
            customers.c.source == source,
            customers.c.customer_id.is_(None),
            customers.c.created_at <= before,
        )
        .order_by(customers.c.created_at)
        .limit(limit)
    )


async def drop_unmade(tx: Transaction, row: Row) -> None:
    """Nobody needs the row: no customer came of it."""
    await tx.execute(
        sa.delete(customers).where(
            *_of(row["account_id"], row["source"]),
            customers.c.key == row["key"],
            customers.c.customer_id.is_(None),
        )
    )


async def face(tx: Transaction, account_id: str) -> tuple[str | None, str | None]:
    """E-mail address and name that the provider is told: of the account's first user."""
    row = await tx.row(
        sa.select(users.c.email, users.c.full_name)
        .where(users.c.account_id == account_id)
        .order_by(users.c.created_at, users.c.id)
        .limit(1)
    )
    return (None, None) if row is None else (row["email"], row["full_name"])


def _of(account_id: str, source: str) -> tuple[sa.ColumnElement[bool], ...]:
    return (customers.c.account_id == account_id, customers.c.source == source)
