"""The audit log: entries are added in the transaction of what they tell of, and never changed."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import sqlalchemy as sa

from staging_core.models import Actor, AuditAction, AuditEntry, Place

from . import pages
from .engine import Transaction
from .tables import audit_log

_COLUMNS = [audit_log.c[name] for name in AuditEntry.__struct_fields__]
_FORGOTTEN_AT_ONCE = 10_000


async def add(
    tx: Transaction,
    action: AuditAction,
    actor: Actor,
    *,
    target: str = "",
    account_id: str | None = None,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
) -> None:
    """``actor`` does this in ``tx``; what is told of it holds no secret."""
    await tx.execute(
        sa.insert(audit_log).values(
            id=str(uuid4()),
            account_id=account_id,
            action=action,
            actor=actor.user_id,
            actor_account_id=actor.account_id,
            target=target,
            before=before,
            after=after,
            request_id=actor.request_id,
            created_at=tx.now,
        )
    )


async def page(
    tx: Transaction,
    *,
    action: AuditAction | None = None,
    actor: str | None = None,
    account_id: str | None = None,
    target: str | None = None,
    since: float | None = None,
    until: float | None = None,
    before: Place | None = None,
    limit: int = 50,
) -> list[AuditEntry]:
    """Entries for which all that is given holds, newest first; times in Unix seconds."""
    equal = {
        audit_log.c.action: action,
        audit_log.c.actor: actor,
        audit_log.c.account_id: account_id,
        audit_log.c.target: target,
    }
    query = sa.select(*_COLUMNS).where(
        *(column == value for column, value in equal.items() if value is not None)
    )
    if since is not None:
        query = query.where(audit_log.c.created_at >= since)
    if until is not None:
        query = query.where(audit_log.c.created_at < until)
    rows = await tx.rows(pages.newest(query, audit_log, before, limit))
    return [AuditEntry(**row) for row in rows]


async def forget(tx: Transaction, *, keep_s: float) -> int:
    """Drop entries that are older than that; how many."""
    old = (
        sa.select(audit_log.c.id)
        .where(audit_log.c.created_at < tx.now - keep_s)
        .limit(_FORGOTTEN_AT_ONCE)
    )
    gone = await tx.execute(sa.delete(audit_log).where(audit_log.c.id.in_(old)))
    return gone.rowcount
