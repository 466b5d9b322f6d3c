"""Accounts: the tenants. A first sight makes one."""

from __future__ import annotations

import re
from collections.abc import Collection

import sqlalchemy as sa

from staging_core.errors import AccountClosing, BadInput

from .engine import Transaction
from .prepared import Prepared
from .row import Row
from .tables import accounts
from .upsert import insert_or

_NAME = re.compile(r"[\x21-\x7e]{1,255}")


def check(account_id: str) -> str:
    """The id itself; ``BadInput`` unless it is 1..255 visible ASCII characters."""
    if not _NAME.fullmatch(account_id):
        raise BadInput("An account id is 1 to 255 visible ASCII characters without spaces.")
    return account_id


async def ensure(tx: Transaction, account_id: str) -> int:
    """Make the account unless it is there, and hold its row: an account's submits take turns.

    How many of its jobs wait in the queue. ``AccountClosing`` when it is being deleted.
    """
    row = await _held(tx, account_id)
    if row["closing_at"] is not None:
        raise AccountClosing()
    return int(row["queued"])


async def hold(tx: Transaction, account_id: str) -> float | None:
    """The same for work on what is there already; since when it is being deleted."""
    closing_at: float | None = (await _held(tx, account_id))["closing_at"]
    return closing_at


async def _held(tx: Transaction, account_id: str) -> Row:
    row = await tx.row(_HELD, {"of_id": account_id})
    if row is None:
        statement = insert_or(tx.connection, accounts)
        made = statement.values(id=account_id, position=0, created_at=tx.now)
        await tx.execute(made.on_conflict_do_nothing(index_elements=["id"]))
        row = await tx.row(_HELD, {"of_id": account_id})
    assert row is not None
    return row


_HELD = Prepared(
    sa.select(accounts.c.closing_at, accounts.c.queued)
    .where(accounts.c.id == sa.bindparam("of_id"))
    # Who only refers to the account is not kept waiting, and does not keep us waiting.
    .with_for_update(key_share=True)
)


async def weigh(tx: Transaction, account_id: str, weight: int) -> None:
    """Its turns go by this weight (1 or more) from now on. Hold the account's row first."""
    await tx.execute(_WEIGH, {"of_id": account_id, "to_weight": weight})


_WEIGH = (
    sa.update(accounts)
    .where(accounts.c.id == sa.bindparam("of_id"), accounts.c.weight != sa.bindparam("to_weight"))
    .values(weight=sa.bindparam("to_weight", type_=sa.Integer()))
)


async def is_there(tx: Transaction, account_id: str) -> bool:
    """Whether there is such an account."""
    return await tx.row(sa.select(accounts.c.id).where(accounts.c.id == account_id)) is not None


async def close(tx: Transaction, account_id: str) -> None:
    """The account is being deleted from this commit on."""
    closing = sa.update(accounts).where(accounts.c.id == account_id)
    await tx.execute(closing.values(closing_at=tx.now))


async def closing_at(tx: Transaction, account_id: str) -> float | None:
    """Since when the account is being deleted; None when it is not, or is gone."""
    row = await tx.row(sa.select(accounts.c.closing_at).where(accounts.c.id == account_id))
    return None if row is None else row["closing_at"]


async def closing_among(tx: Transaction, ids: Collection[str]) -> dict[str, float | None]:
    """Those of the accounts that are there, and since when each is being deleted, if it is."""
    query = sa.select(accounts.c.id, accounts.c.closing_at).where(accounts.c.id.in_(list(ids)))
    return {row["id"]: row["closing_at"] for row in await tx.rows(query)}


async def closed(tx: Transaction, *, limit: int = 200) -> list[str]:
    """Accounts that are being deleted, the longest first."""
    rows = await tx.rows(
        sa.select(accounts.c.id)
        .where(accounts.c.closing_at.is_not(None))
        .order_by(accounts.c.closing_at)
        .limit(limit)
    )
    return [row["id"] for row in rows]


async def keep(tx: Transaction, account_id: str) -> None:
    """Nobody else holds the account until the commit, though others may keep it too.

    For writers, before they touch what its holders change.
    """
    kept = sa.select(accounts.c.id).where(accounts.c.id == account_id)
    await tx.row(kept.with_for_update(read=True))


async def position(tx: Transaction, account_id: str) -> int:
    """The position of the account's newest event; 0 when there is none."""
    row = await tx.row(sa.select(accounts.c.position).where(accounts.c.id == account_id))
    return 0 if row is None else int(row["position"])
