"""What calls under idempotency keys have created, kept for a day.

Orders are kept in their groups, for ever: an order that is repeated late would be paid twice. A key
is for one call of either kind.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from staging_core.errors import IdempotencyMismatch, StillRunning

from . import images
from .engine import Transaction
from .row import Row
from .tables import creations
from .upsert import insert_or

KEPT_S = 86_400.0
_SOON_S = 2.0
UNTOLD = ""
"""A fingerprint that is only known at the end, as that of a stream."""


async def begin(
    tx: Transaction, account_id: str, key: str, *, route: str, fingerprint: str, lease_s: float
) -> Row | float:
    """Take the key, or give the row of what was created under it; the lease by which it is taken.

    The caller holds the account. ``IdempotencyMismatch`` when it was another call,
    ``StillRunning`` while that is at it.
    """
    row = await _row(tx, account_id, key)
    if row is None or row["expires_at"] <= tx.now:
        if await images.find_group(tx, account_id, key) is not None:
            raise IdempotencyMismatch()  # it was an order
    else:
        if row["route"] != route or differ(row["fingerprint"], fingerprint):
            raise IdempotencyMismatch()
        if row["created"] is not None:
            return row
        if row["running_until"] > tx.now:
            # Most calls end within moments; one whose process died is overtaken after its lease.
            raise StillRunning(retry_after_s=min(_SOON_S, row["running_until"] - tx.now))
    taken = {
        "route": route,
        "fingerprint": fingerprint,
        "created": sa.null(),
        "running_until": tx.now + lease_s,
        "expires_at": tx.now + KEPT_S,
    }
    statement = insert_or(tx.connection, creations).values(account_id=account_id, key=key, **taken)
    await tx.execute(
        statement.on_conflict_do_update(index_elements=["account_id", "key"], set_=taken)
    )
    lease: float = tx.now + lease_s
    return lease


async def check_free(tx: Transaction, account_id: str, key: str) -> None:
    """``IdempotencyMismatch`` when another call than an order has the key."""
    row = await tx.row(sa.select(creations.c.expires_at).where(*_is(account_id, key)))
    if row is not None and row["expires_at"] > tx.now:
        raise IdempotencyMismatch()


def differ(one: str, other: str) -> bool:
    """Whether two calls certainly were not the same."""
    return UNTOLD not in (one, other) and one != other


async def finish(
    tx: Transaction,
    account_id: str,
    key: str,
    *,
    lease: float,
    fingerprint: str,
    created: Sequence[Any],
) -> None:
    """In the transaction that creates; ``StillRunning`` when the key was taken over meanwhile."""
    done = await tx.execute(
        sa.update(creations)
        .where(*_held(account_id, key, lease))
        .values(created=list(created), fingerprint=fingerprint, expires_at=tx.now + KEPT_S)
    )
    if done.rowcount != 1:
        raise StillRunning("Another call under the same key has overtaken this one.")


async def replace(tx: Transaction, account_id: str, key: str, created: Sequence[Any]) -> None:
    """What was created under the key is gone, and this is there instead."""
    update = sa.update(creations).where(*_is(account_id, key), creations.c.created.is_not(None))
    await tx.execute(update.values(created=list(created)))


async def abandon(tx: Transaction, account_id: str, key: str, *, lease: float) -> None:
    """Nothing was created, so the key is free again."""
    await tx.execute(sa.delete(creations).where(*_held(account_id, key, lease)))


def _held(account_id: str, key: str, lease: float) -> tuple[sa.ColumnElement[bool], ...]:
    return (
        *_is(account_id, key),
        creations.c.running_until == lease,
        creations.c.created.is_(None),
    )


def _is(account_id: str, key: str) -> tuple[sa.ColumnElement[bool], ...]:
    return creations.c.account_id == account_id, creations.c.key == key


async def expire(tx: Transaction, *, limit: int = 500) -> None:
    """Forget what is older than a day."""
    old = sa.select(creations.c.account_id, creations.c.key).where(creations.c.expires_at <= tx.now)
    for row in await tx.rows(old.limit(limit)):
        await tx.execute(
            sa.delete(creations).where(
                creations.c.account_id == row["account_id"],
                creations.c.key == row["key"],
                creations.c.expires_at <= tx.now,
            )
        )


async def _row(tx: Transaction, account_id: str, key: str) -> Row | None:
    return await tx.row(sa.select(creations).where(*_is(account_id, key)).with_for_update())
