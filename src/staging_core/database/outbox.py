"""The outbox: what must happen outside, written in the transaction that decided it."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any
from uuid import uuid4

import sqlalchemy as sa

from .engine import Transaction
from .row import Row
from .tables import outbox


async def post(tx: Transaction, account_id: str, kind: str, payload: dict[str, Any]) -> None:
    """Add a deed; a sweep does it after the commit, at least once."""
    await tx.execute(
        sa.insert(outbox).values(
            id=uuid4().hex,
            account_id=account_id,
            kind=kind,
            payload=payload,
            due_at=tx.now,
            created_at=tx.now,
        )
    )


async def due(tx: Transaction, kinds: Collection[str], *, limit: int = 100) -> list[Row]:
    """Deeds of ``kinds`` whose time has come, oldest first."""
    its = outbox.c.due_at <= tx.now, outbox.c.kind.in_(list(kinds))
    return await tx.rows(sa.select(outbox).where(*its).order_by(outbox.c.due_at).limit(limit))


async def others(tx: Transaction, kinds: Collection[str]) -> list[str]:
    """The kinds of deeds that are not among ``kinds``."""
    query = sa.select(outbox.c.kind).where(outbox.c.kind.not_in(list(kinds))).distinct()
    return [row["kind"] for row in await tx.rows(query)]


async def any_left(tx: Transaction, account_id: str) -> bool:
    """Whether a deed of the account is still to be done."""
    its = sa.select(outbox.c.id).where(outbox.c.account_id == account_id).limit(1)
    return await tx.row(its) is not None


async def done(tx: Transaction, deed_id: str) -> None:
    """The deed is done."""
    await tx.execute(sa.delete(outbox).where(outbox.c.id == deed_id))


async def later(tx: Transaction, deed_id: str, delay_s: float) -> None:
    """The deed failed this time; try it again after ``delay_s``."""
    await tx.execute(
        sa.update(outbox)
        .where(outbox.c.id == deed_id)
        .values(tries=outbox.c.tries + 1, due_at=tx.now + delay_s)
    )
