"""The audit log."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta, Struct

from staging_core.models import AuditAction, AuditEntry, Place
from staging_embed.call import Call
from staging_embed.fields import Cursor, Limit
from staging_embed.paging import new_page
from staging_embed.refusal import invalid
from staging_embed.times import rfc3339, seconds_of

from .group import admin, operators

Name = Annotated[str, Meta(max_length=512)]
Instant = Annotated[str, Meta(max_length=40, extra_json_schema={"format": "date-time"})]
Action = Annotated[AuditAction, Meta(description="What was done.")]


class AuditAnswer(Struct, frozen=True, kw_only=True):
    """One act. `account_id`: whose thing `target` is; null for the installation's own.

    `actor_account_id`: whose user `actor` is; null for who sat at the machine itself.
    """

    id: str
    created_at: str
    action: AuditAction
    actor: str
    actor_account_id: str | None
    account_id: str | None
    target: str
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    request_id: str | None


class AuditList(Struct, frozen=True, kw_only=True):
    """Acts, newest first."""

    entries: list[AuditAnswer]
    next_cursor: str | None


class AuditPage(Struct, frozen=True, kw_only=True):
    """Which acts: those for which all that is given holds."""

    action: Action | None = None
    actor: Annotated[Name, Meta(description="Who did it.")] | None = None
    account_id: Annotated[Name, Meta(description="Whose thing it was done to.")] | None = None
    target: Annotated[Name, Meta(description="What it was done to.")] | None = None
    since: Annotated[Instant, Meta(description="From then on.")] | None = None
    until: Annotated[Instant, Meta(description="Before then.")] | None = None
    limit: Limit | None = None
    cursor: Cursor | None = None


@admin.get("/admin/audit", operators)
async def list_audit_log(call: Call, query: AuditPage) -> AuditList:
    """Who did what to what, newest first."""
    which: dict[str, Any] = {
        "action": query.action,
        "actor": query.actor,
        "account_id": query.account_id,
        "target": query.target,
        "since": _seconds("since", query.since),
        "until": _seconds("until", query.until),
    }
    before = call.place("audit", query.cursor, Place)
    rows, more = await new_page(
        lambda limit: call.operating.audit_log.page(**which, before=before, limit=limit),
        query.limit,
    )
    return AuditList(
        entries=[_answer(row) for row in rows],
        next_cursor=call.next("audit", rows[-1].place if more else None),
    )


def _seconds(name: str, time: str | None) -> float | None:
    try:
        return None if time is None else seconds_of(time)
    except ValueError as wrong:
        raise invalid(name, "Write a time as 2026-03-01T12:00:00Z.") from wrong


def _answer(entry: AuditEntry) -> AuditAnswer:
    return AuditAnswer(
        id=entry.id,
        created_at=rfc3339(entry.created_at),
        action=entry.action,
        actor=entry.actor,
        actor_account_id=entry.actor_account_id,
        account_id=entry.account_id,
        target=entry.target,
        before=entry.before,
        after=entry.after,
        request_id=entry.request_id,
    )
