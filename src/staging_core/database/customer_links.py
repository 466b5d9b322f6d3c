"""Whose customer is whose: the one customer of a payment provider that pays for an account."""

from __future__ import annotations

from typing import Literal
from uuid import uuid4

import sqlalchemy as sa

from staging_core.models import PaidCustomer

from . import accounts
from .engine import Transaction
from .tables import customers, payment_objects
from .upsert import insert_or

Linked = Literal["linked", "unknown", "refused"]


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


async def customer_of(tx: Transaction, source: str, account_id: str) -> str | None:
    """The customer that pays for the account; None: it has none, or not yet."""
    row = await tx.row(
        sa.select(customers.c.customer_id).where(
            customers.c.source == source, customers.c.account_id == account_id
        )
    )
    return None if row is None else row["customer_id"]


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
