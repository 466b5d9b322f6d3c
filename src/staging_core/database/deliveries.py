"""Webhook deliveries: written with the event that they tell of, and the log of their tries."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import sqlalchemy as sa
from msgspec.structs import replace
from sqlalchemy.ext.asyncio import AsyncConnection

from staging_core.errors import NotFound
from staging_core.models import (
    DeliveryState,
    Message,
    Place,
    WebhookAttempt,
    WebhookDelivery,
)

from .pages import newest
from .row import Row
from .tables import webhook_attempts, webhook_deliveries, webhook_endpoints

if TYPE_CHECKING:
    from .engine import Transaction

_FIELDS = tuple(
    name for name in WebhookDelivery.__struct_fields__ if name not in ("attempts", "replayed")
)
_ATTEMPT_FIELDS = WebhookAttempt.__struct_fields__

# Built once: they are part of the commit that ends a job.
_LISTENING = sa.select(webhook_endpoints.c.id, webhook_endpoints.c.types).where(
    webhook_endpoints.c.account_id == sa.bindparam("account_id"),
    webhook_endpoints.c.disabled_at.is_(None),
)
_INSERT = sa.insert(webhook_deliveries)


async def add(connection: AsyncConnection, messages: Collection[Message], now: float) -> bool:
    """A delivery of every message to each endpoint that wants it; whether there are any.

    The transaction has written the accounts' rows, so no endpoint comes or goes meanwhile.
    """
    rows = []
    for account_id in {message.account_id for message in messages}:
        mine = [message for message in messages if message.account_id == account_id]
        for endpoint in await connection.execute(_LISTENING, {"account_id": account_id}):
            wanted = [each for each in mine if not endpoint.types or each.type in endpoint.types]
            rows += [_row(message, endpoint.id, now) for message in wanted]
    if rows:
        await connection.execute(_INSERT, rows if len(rows) > 1 else rows[0])
    return bool(rows)


async def add_one(tx: Transaction, message: Message, endpoint_id: str) -> str:
    """A delivery of the message to that endpoint; its id."""
    row = _row(message, endpoint_id, tx.now)
    await tx.execute(_INSERT, row)
    tx.delivers = True
    return str(row["id"])


def _row(message: Message, endpoint_id: str, now: float) -> dict[str, Any]:
    return {
        "id": f"msg_{uuid4().hex}",
        "account_id": message.account_id,
        "endpoint_id": endpoint_id,
        "type": message.type,
        "payload": message.payload,
        "image_id": message.image_id,
        "due_at": now,
        "created_at": now,
    }


async def get(
    tx: Transaction, account_id: str, endpoint_id: str, delivery_id: str
) -> WebhookDelivery:
    """One delivery with its tries; ``NotFound`` unless it is that endpoint's."""
    row = await tx.row(_of(account_id, endpoint_id).where(webhook_deliveries.c.id == delivery_id))
    if row is None:
        raise NotFound(f"There is no webhook delivery {delivery_id}.")
    return (await _with_attempts(tx, [row]))[0]


async def page(
    tx: Transaction,
    account_id: str,
    endpoint_id: str,
    *,
    state: DeliveryState | None,
    before: Place | None,
    limit: int,
) -> list[WebhookDelivery]:
    """The endpoint's deliveries with their tries, newest first."""
    query = _of(account_id, endpoint_id)
    if state is not None:
        query = query.where(webhook_deliveries.c.state == state)
    return await _with_attempts(tx, await tx.rows(newest(query, webhook_deliveries, before, limit)))


async def again(tx: Transaction, delivery_id: str) -> None:
    """Deliver it from now on as if it were new, under the same id; its tries stay in the log."""
    await tx.execute(
        sa.update(webhook_deliveries)
        .where(webhook_deliveries.c.id == delivery_id)
        .values(state="pending", failures=0, failed_since=None, due_at=tx.now, finished_at=None)
    )
    tx.delivers = True


async def next_due(tx: Transaction) -> float | None:
    """When the next one is due, Unix seconds; None when none waits."""
    row = await tx.row(_NEXT_DUE)
    return None if row is None else float(row["due_at"])


async def due(tx: Transaction, endpoint_id: str, *, limit: int) -> list[Row]:
    """What is to be sent to an endpoint now, what has waited longest first."""
    return await tx.rows(
        sa.select(webhook_deliveries)
        .where(
            webhook_deliveries.c.endpoint_id == endpoint_id, webhook_deliveries.c.due_at <= tx.now
        )
        .order_by(webhook_deliveries.c.due_at)
        .limit(limit)
    )


async def taken(tx: Transaction, delivery: Row, attempt: WebhookAttempt) -> bool:
    """The endpoint took it; False when somebody else has tried meanwhile."""
    values = {"state": "delivered", "due_at": None, "finished_at": tx.now}
    return await _note(tx, delivery, attempt, values)


async def failed(
    tx: Transaction,
    delivery: Row,
    attempt: WebhookAttempt,
    *,
    since: float,
    pause_s: float | None,
) -> bool:
    """The try failed, as all have ``since``; it is tried again after ``pause_s``, None: never.

    What its account has ended meanwhile stays so. False when somebody else has tried meanwhile.
    """
    values: dict[str, Any] = {"failures": delivery["failures"] + 1, "failed_since": since}
    if pause_s is None:
        values |= {"state": "failed", "due_at": None, "finished_at": tx.now}
    else:
        due_at = webhook_deliveries.c.due_at
        values["due_at"] = sa.case((due_at.is_not(None), tx.now + pause_s), else_=due_at)
    return await _note(tx, delivery, attempt, values)


async def _note(
    tx: Transaction, delivery: Row, attempt: WebhookAttempt, values: dict[str, Any]
) -> bool:
    noted = await tx.row(
        sa.update(webhook_deliveries)
        .where(
            webhook_deliveries.c.id == delivery["id"],
            webhook_deliveries.c.tries == delivery["tries"],
        )
        .values(tries=delivery["tries"] + 1, **values)
        .returning(webhook_deliveries.c.id)
    )
    if noted is None:
        return False
    told = {name: getattr(attempt, name) for name in _ATTEMPT_FIELDS}
    await tx.execute(
        sa.insert(webhook_attempts).values(
            delivery_id=delivery["id"], account_id=delivery["account_id"], **told
        )
    )
    return True


async def forget(tx: Transaction, *, before: float, limit: int = 1000) -> int:
    """Drop some that were made ``before`` and do not wait any more; how many."""
    old = (
        sa.select(webhook_deliveries.c.id)
        .where(webhook_deliveries.c.created_at < before, webhook_deliveries.c.due_at.is_(None))
        .order_by(webhook_deliveries.c.created_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    ids = [row["id"] for row in await tx.rows(old)]
    if ids:
        attempts = webhook_attempts.c.delivery_id.in_(ids)
        await tx.execute(sa.delete(webhook_attempts).where(attempts))
        await tx.execute(sa.delete(webhook_deliveries).where(webhook_deliveries.c.id.in_(ids)))
    return len(ids)


async def _with_attempts(tx: Transaction, rows: Iterable[Row]) -> list[WebhookDelivery]:
    found = [WebhookDelivery(**{name: row[name] for name in _FIELDS}) for row in rows]
    tries = await tx.rows(
        sa.select(webhook_attempts)
        .where(webhook_attempts.c.delivery_id.in_([delivery.id for delivery in found]))
        .order_by(webhook_attempts.c.number)
    )
    of: dict[str, list[WebhookAttempt]] = {}
    for row in tries:
        attempt = WebhookAttempt(**{name: row[name] for name in _ATTEMPT_FIELDS})
        of.setdefault(row["delivery_id"], []).append(attempt)
    return [replace(each, attempts=tuple(of.get(each.id, ()))) for each in found]


def _of(account_id: str, endpoint_id: str) -> sa.Select[Any]:
    return sa.select(webhook_deliveries).where(
        webhook_deliveries.c.account_id == account_id,
        webhook_deliveries.c.endpoint_id == endpoint_id,
    )


_NEXT_DUE = (
    sa.select(webhook_deliveries.c.due_at)
    .where(webhook_deliveries.c.due_at.is_not(None))
    .order_by(webhook_deliveries.c.due_at)
    .limit(1)
)
