"""Customers of a payment provider: a row before one is asked for, and whose customer is whose.

One customer pays for an account. Its row says so when it was made here, or looked at first.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Literal
from uuid import uuid4

import sqlalchemy as sa

from staging_core.models import Face, PaidCustomer

from . import accounts
from .engine import Transaction
from .row import Row
from .tables import accounts as account_rows
from .tables import customers, payment_objects, users
from .upsert import insert_or

Linked = Literal["linked", "unknown", "refused"]


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


async def account_of(tx: Transaction, source: str, customer_id: str) -> str | None:
    """The account that the customer pays for, or did until it was deleted; None: not known."""
    row = await tx.row(
        sa.select(customers.c.account_id).where(
            customers.c.source == source, customers.c.customer_id == customer_id
        )
    )
    if row is not None:
        return str(row["account_id"])
    row = await tx.row(
        sa.select(payment_objects.c.state).where(
            payment_objects.c.source == source, payment_objects.c.object_id == customer_id
        )
    )
    account_id = (row["state"] or {}).get("account_id") if row is not None else None
    return account_id if account_id and await accounts.is_there(tx, account_id) else None


async def features_of(tx: Transaction, account_id: str, source: str) -> tuple[str, ...]:
    """What the provider says that the account is entitled to, as it was last looked at."""
    row = await find(tx, account_id, source)
    return () if row is None else tuple(row["features"] or ())


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


async def rekey(tx: Transaction, row: Row) -> None:
    """Nothing came of what was asked under its key, and the provider keeps an error by that one."""
    await tx.execute(
        sa.update(customers)
        .where(
            *_of(row["account_id"], row["source"]),
            customers.c.key == row["key"],
            customers.c.customer_id.is_(None),
        )
        .values(key=uuid4().hex)
    )


async def link(tx: Transaction, source: str, account_id: str, customer: PaidCustomer) -> Linked:
    """The customer pays for the account from now on, unless another one does.

    ``unknown``: there is no such account. Hold its row first where there is one.
    """
    if not await accounts.is_there(tx, account_id):
        return "unknown"
    await accounts.hold(tx, account_id)
    taken = await account_of(tx, source, customer.id)
    if taken not in (None, account_id):
        return "refused"
    made = insert_or(tx.connection, customers).values(
        account_id=account_id,
        source=source,
        customer_id=customer.id,
        key=uuid4().hex,
        features=list(customer.features),
        created_at=tx.now,
        made_at=tx.now,
    )
    written = await tx.row(
        made.on_conflict_do_update(
            index_elements=["account_id", "source"],
            set_={
                "customer_id": made.excluded.customer_id,
                "features": made.excluded.features,
                "made_at": sa.func.coalesce(customers.c.made_at, tx.now),
            },
            where=sa.or_(customers.c.customer_id.is_(None), customers.c.customer_id == customer.id),
        ).returning(customers.c.account_id)
    )
    return "refused" if written is None else "linked"


async def unlink(tx: Transaction, source: str, customer_id: str) -> None:
    """The customer is gone: its account may have another one."""
    gone = (customers.c.source == source, customers.c.customer_id == customer_id)
    await tx.execute(sa.delete(customers).where(*gone))


async def of_closed(tx: Transaction, *, before: float, limit: int) -> list[Row]:
    """Customers of accounts that were closed ``before`` then, the longest first."""
    return await tx.rows(
        sa.select(customers)
        .join(account_rows, account_rows.c.id == customers.c.account_id)
        .where(customers.c.customer_id.is_not(None), account_rows.c.closing_at <= before)
        .order_by(account_rows.c.closing_at, customers.c.account_id)
        .limit(limit)
    )


async def any_made(tx: Transaction, account_id: str) -> bool:
    """Whether some customer pays for the account."""
    its = (customers.c.account_id == account_id, customers.c.customer_id.is_not(None))
    return await tx.row(sa.select(customers.c.source).where(*its).limit(1)) is not None


async def unmade(
    tx: Transaction, source: str, *, before: float, limit: int, but: Collection[str] = ()
) -> list[Row]:
    """Rows without a customer that were written ``before``, the oldest first.

    Not those of accounts in ``but``, or of such that are being deleted: they need none.
    """
    return await tx.rows(
        sa.select(customers)
        .join(account_rows, account_rows.c.id == customers.c.account_id)
        .where(
            customers.c.source == source,
            customers.c.customer_id.is_(None),
            customers.c.created_at <= before,
            customers.c.account_id.not_in(but),
            account_rows.c.closing_at.is_(None),
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


async def face(tx: Transaction, account_id: str) -> Face:
    """What the provider is told of the account: what its first user has said."""
    row = await tx.row(
        sa.select(users.c.email, users.c.full_name, users.c.billing_address)
        .where(users.c.account_id == account_id)
        .order_by(users.c.created_at, users.c.id)
        .limit(1)
    )
    if row is None:
        return Face()
    return Face(email=row["email"], name=row["full_name"], address=row["billing_address"])


def _of(account_id: str, source: str) -> tuple[sa.ColumnElement[bool], ...]:
    return (customers.c.account_id == account_id, customers.c.source == source)
