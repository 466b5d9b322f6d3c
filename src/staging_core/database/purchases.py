"""What accounts began to buy or to change: a row before the provider is asked."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Literal
from uuid import uuid4

import sqlalchemy as sa

from staging_core.models import Offer, OfferKind

from .engine import Transaction
from .row import Row
from .tables import accounts, purchases

Deed = Literal["checkout", "subscribe", "switch"]
State = Literal["begun", "open", "unwanted", "done", "refused", "over"]
UNFINISHED = ("begun", "open")
"""States in which somebody may still pay, or the outcome is not known."""

_UNSETTLED = ("begun", "unwanted")


async def begin(
    tx: Transaction,
    account_id: str,
    source: str,
    deed: Deed,
    offer: Offer,
    *,
    object_id: str | None = None,
) -> Row:
    """A new one, whose outcome is not known yet. Hold the account first."""
    row: dict[str, Any] = {
        "id": uuid4().hex,
        "key": None,
        "account_id": account_id,
        "source": source,
        "deed": deed,
        "kind": offer.kind,
        "code": offer.code,
        "price_id": offer.price_id,
        "state": "begun",
        "object_id": object_id,
        "created_at": tx.now,
        "updated_at": tx.now,
    }
    await tx.execute(sa.insert(purchases), row)
    return row


async def get(tx: Transaction, account_id: str, purchase_id: str) -> Row | None:
    """One of the account's."""
    return await tx.row(
        sa.select(purchases).where(
            purchases.c.account_id == account_id, purchases.c.id == purchase_id
        )
    )


async def lately(
    tx: Transaction, account_id: str, source: str, kind: OfferKind, *, since: float, limit: int = 20
) -> list[Row]:
    """Those of a kind, of the account since then, from which something came, or still may."""
    return await tx.rows(
        sa.select(purchases)
        .where(
            purchases.c.account_id == account_id,
            purchases.c.source == source,
            purchases.c.kind == kind,
            purchases.c.state.in_((*UNFINISHED, "unwanted", "done")),
            purchases.c.created_at > since,
        )
        .order_by(purchases.c.created_at.desc(), purchases.c.id)
        .limit(limit)
    )


async def tell(
    tx: Transaction,
    account_id: str,
    purchase_id: str,
    state: State,
    *,
    object_id: str | None = None,
) -> None:
    """What became of it, unless that is settled already; what is unwanted is not opened again."""
    known = {} if object_id is None else {"object_id": object_id}
    before = UNFINISHED if state in UNFINISHED else (*UNFINISHED, "unwanted")
    await tx.execute(
        sa.update(purchases)
        .where(
            purchases.c.account_id == account_id,
            purchases.c.id == purchase_id,
            purchases.c.state.in_(before),
        )
        .values(state=state, updated_at=tx.now, **known)
    )


async def supersede(
    tx: Transaction, account_id: str, source: str, *, but: str | None = None
) -> None:
    """The account has chosen otherwise than what it began of plans, and nobody has paid yet.

    ``but``: what it wants now. A change that waits for its payment stays: the provider drops it
    with the next one. Hold the account first.
    """
    open_ = sa.and_(purchases.c.state == "open", purchases.c.deed != "switch")
    await tx.execute(
        sa.update(purchases)
        .where(
            purchases.c.account_id == account_id,
            purchases.c.source == source,
            purchases.c.kind == "plan",
            purchases.c.id != (but or ""),
            sa.or_(purchases.c.state == "begun", open_),
        )
        .values(state="unwanted", updated_at=tx.now)
    )


async def unwanted(tx: Transaction, account_id: str, source: str) -> list[Row]:
    """What the account does not want any more, and of which nobody knows what there is."""
    return await tx.rows(
        sa.select(purchases)
        .where(
            purchases.c.account_id == account_id,
            purchases.c.source == source,
            purchases.c.state == "unwanted",
        )
        .order_by(purchases.c.created_at, purchases.c.id)
    )


async def switched(
    tx: Transaction, account_id: str, source: str, object_id: str, *, price_id: str, ended: bool
) -> None:
    """Changes of the subscription to the price that it has now are done.

    ``ended``: the others never will be.
    """
    waiting = (
        purchases.c.account_id == account_id,
        purchases.c.source == source,
        purchases.c.deed == "switch",
        purchases.c.object_id == object_id,
        purchases.c.state.in_((*UNFINISHED, "unwanted")),
    )
    update = sa.update(purchases).where(*waiting)
    done = update.where(purchases.c.price_id == price_id)
    await tx.execute(done.values(state="done", updated_at=tx.now))
    if ended:
        await tx.execute(update.values(state="over", updated_at=tx.now))


async def reopen(tx: Transaction, row: Row) -> Row:
    """What was refused is asked for once more: nothing came of it. Hold the account first.

    Under a key of its own, since a provider may keep what it has refused by the old one; where
    somebody else was faster, under theirs.
    """
    again = {"state": "begun", "key": uuid4().hex, "updated_at": tx.now}
    await tx.execute(
        sa.update(purchases).where(*_it(row), purchases.c.state == "refused").values(**again)
    )
    return await get(tx, row["account_id"], row["id"]) or row


async def renew(tx: Transaction, row: Row) -> None:
    """Nothing came of the call under its key, and under that one nothing will."""
    await tx.execute(
        sa.update(purchases)
        .where(
            *_it(row),
            purchases.c.state == "begun",
            purchases.c.key.is_not_distinct_from(row["key"]),
        )
        .values(key=uuid4().hex)
    )


async def unsettled(
    tx: Transaction, source: str, *, before: float, limit: int, but: Collection[str] = ()
) -> list[Row]:
    """Those whose outcome nobody has found out since ``before``, the longest first.

    Not those whose id is in ``but``, nor those of accounts that are being deleted: all that they
    pay for ends.
    """
    return await tx.rows(
        sa.select(purchases)
        .join(accounts, accounts.c.id == purchases.c.account_id)
        .where(
            purchases.c.state.in_(_UNSETTLED),
            purchases.c.source == source,
            purchases.c.updated_at <= before,
            purchases.c.id.not_in(but),
            accounts.c.closing_at.is_(None),
        )
        .order_by(purchases.c.updated_at)
        .limit(limit)
    )


def _it(row: Row) -> tuple[sa.ColumnElement[bool], ...]:
    return purchases.c.account_id == row["account_id"], purchases.c.id == row["id"]
