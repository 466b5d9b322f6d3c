"""Webhook endpoints: an account's addresses, and whose turn it is to be sent to."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import sqlalchemy as sa

from staging_core.errors import NotFound
from staging_core.models import Place, WebhookEndpoint

from .engine import Transaction
from .pages import newest
from .row import Row
from .tables import accounts, webhook_attempts, webhook_deliveries, webhook_endpoints

_FIELDS = WebhookEndpoint.__struct_fields__


async def count(tx: Transaction, account_id: str) -> int:
    """How many the account has. Who holds the account's row may rely on it until the commit."""
    row = await tx.row(sa.select(accounts.c.webhook_endpoints).where(accounts.c.id == account_id))
    return 0 if row is None else int(row["webhook_endpoints"])


async def add(tx: Transaction, account_id: str, **values: Any) -> WebhookEndpoint:
    """Keep an endpoint. The caller holds the account: no job ends between the count and this."""
    row = await tx.row(
        sa.insert(webhook_endpoints)
        .values(account_id=account_id, created_at=tx.now, updated_at=tx.now, **values)
        .returning(*webhook_endpoints.c)
    )
    assert row is not None
    await _count(tx, account_id, 1)
    return as_endpoint(row)


async def get(tx: Transaction, account_id: str, endpoint_id: str) -> WebhookEndpoint:
    """The account's endpoint; ``NotFound``."""
    return as_endpoint(await held(tx, account_id, endpoint_id, lock=False))


async def held(tx: Transaction, account_id: str, endpoint_id: str, *, lock: bool = True) -> Row:
    """Its whole row, sealed secrets too, locked until the commit; ``NotFound``."""
    query = sa.select(webhook_endpoints).where(*_is(account_id, endpoint_id))
    return _found(await tx.row(query.with_for_update() if lock else query), endpoint_id)


async def page(
    tx: Transaction, account_id: str, *, before: Place | None, limit: int
) -> list[WebhookEndpoint]:
    """The account's endpoints, newest first."""
    mine = sa.select(webhook_endpoints).where(webhook_endpoints.c.account_id == account_id)
    rows = await tx.rows(newest(mine, webhook_endpoints, before, limit))
    return [as_endpoint(row) for row in rows]


async def change(
    tx: Transaction, account_id: str, endpoint_id: str, **values: Any
) -> WebhookEndpoint:
    """Write ``values`` into its row; ``NotFound``."""
    changing = sa.update(webhook_endpoints).where(*_is(account_id, endpoint_id))
    changed = changing.values(updated_at=tx.now, **values).returning(*webhook_endpoints.c)
    return as_endpoint(_found(await tx.row(changed), endpoint_id))


async def disable(
    tx: Transaction, account_id: str, endpoint_id: str, reason: str
) -> WebhookEndpoint:
    """Nothing is sent to it any more, and what waited to be has failed.

    The caller holds the account, so that a job which ends meanwhile finds it disabled.
    """
    await tx.execute(
        sa.update(webhook_deliveries)
        .where(
            webhook_deliveries.c.account_id == account_id,
            webhook_deliveries.c.endpoint_id == endpoint_id,
            webhook_deliveries.c.due_at.is_not(None),
        )
        .values(state="failed", due_at=None, finished_at=tx.now)
    )
    return await change(tx, account_id, endpoint_id, disabled_at=tx.now, disabled_reason=reason)


async def delete(tx: Transaction, account_id: str, endpoint_id: str) -> None:
    """It is gone with its deliveries; ``NotFound``. The caller holds the account."""
    await held(tx, account_id, endpoint_id)
    its = sa.select(webhook_deliveries.c.id).where(webhook_deliveries.c.endpoint_id == endpoint_id)
    attempts = webhook_attempts.c.delivery_id.in_(its)
    await tx.execute(sa.delete(webhook_attempts).where(attempts))
    of_it = webhook_deliveries.c.endpoint_id == endpoint_id
    await tx.execute(sa.delete(webhook_deliveries).where(of_it))
    await tx.execute(sa.delete(webhook_endpoints).where(*_is(account_id, endpoint_id)))
    await _count(tx, account_id, -1)


async def claim(
    tx: Transaction,
    *,
    lease_s: float,
    only_sound: bool = False,
    passing: Collection[str] = (),
) -> Row | None:
    """Take the endpoint that has waited longest for its turn and has something due; None: none.

    It is ours for ``lease_s``: nobody else sends to it meanwhile. ``only_sound``: pass over those
    that are failing. ``passing``: over all of these accounts.
    """
    due = (
        sa.select(webhook_deliveries.c.id)
        .where(
            webhook_deliveries.c.endpoint_id == webhook_endpoints.c.id,
            webhook_deliveries.c.due_at <= tx.now,
        )
        .limit(1)
        .scalar_subquery()
    )
    free = (
        sa.select(webhook_endpoints.c.id)
        .where(
            webhook_endpoints.c.disabled_at.is_(None),
            webhook_endpoints.c.lease_until <= tx.now,
            due.is_not(None),
        )
        .order_by(webhook_endpoints.c.served_at)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    if only_sound:
        free = free.where(webhook_endpoints.c.failing_since.is_(None))
    if passing:
        free = free.where(webhook_endpoints.c.account_id.not_in(passing))
    found = await tx.row(free)
    if found is None:
        return None
    return await tx.row(
        sa.update(webhook_endpoints)
        .where(webhook_endpoints.c.id == found["id"])
        .values(fence=webhook_endpoints.c.fence + 1, lease_until=tx.now + lease_s, served_at=tx.now)
        .returning(*webhook_endpoints.c)
    )


async def give_back(tx: Transaction, endpoint: Row) -> None:
    """Its lane is free, unless somebody has taken it over."""
    await tx.execute(
        sa.update(webhook_endpoints)
        .where(
            webhook_endpoints.c.id == endpoint["id"],
            webhook_endpoints.c.fence == endpoint["fence"],
        )
        .values(lease_until=0)
    )


async def came_through(tx: Transaction, endpoint_id: str) -> None:
    """It took a delivery: it is sound."""
    await tx.execute(
        sa.update(webhook_endpoints)
        .where(
            webhook_endpoints.c.id == endpoint_id, webhook_endpoints.c.failing_since.is_not(None)
        )
        .values(failing_since=None)
    )


async def failed(tx: Transaction, endpoint_id: str, at: float) -> float:
    """It did not take one; since when it has been failing."""
    row = await tx.row(
        sa.update(webhook_endpoints)
        .where(webhook_endpoints.c.id == endpoint_id)
        .values(failing_since=sa.func.coalesce(webhook_endpoints.c.failing_since, at))
        .returning(webhook_endpoints.c.failing_since)
    )
    return at if row is None else float(row["failing_since"])


def as_endpoint(row: Row) -> WebhookEndpoint:
    """The row as its account sees it: without secrets."""
    values = {name: row[name] for name in _FIELDS}
    return WebhookEndpoint(**{**values, "types": tuple(row["types"])})


async def _count(tx: Transaction, account_id: str, by: int) -> None:
    await tx.execute(
        sa.update(accounts)
        .where(accounts.c.id == account_id)
        .values(webhook_endpoints=accounts.c.webhook_endpoints + by)
    )


def _is(account_id: str, endpoint_id: str) -> tuple[sa.ColumnElement[bool], ...]:
    return (
        webhook_endpoints.c.account_id == account_id,
        webhook_endpoints.c.id == endpoint_id,
    )


def _found(row: Row | None, endpoint_id: str) -> Row:
    if row is None:
        raise NotFound(f"There is no webhook endpoint {endpoint_id}.")
    return row


async def disable_all(tx: Transaction, account_id: str) -> None:
    """The same for all endpoints of an account; the caller holds it."""
    await tx.execute(
        sa.update(webhook_deliveries)
        .where(
            webhook_deliveries.c.account_id == account_id,
            webhook_deliveries.c.due_at.is_not(None),
        )
        .values(state="failed", due_at=None, finished_at=tx.now)
    )
    await tx.execute(
        sa.update(webhook_endpoints)
        .where(
            webhook_endpoints.c.account_id == account_id,
            webhook_endpoints.c.disabled_at.is_(None),
        )
        .values(disabled_at=tx.now, disabled_reason="by_hand")
    )
