"""The event log: rows, numbered within the job and across the account."""

from __future__ import annotations

from collections.abc import Collection
from itertools import groupby
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql.dml import ReturningInsert, ReturningUpdate

from staging_core.models import TERMINAL, JobEvent, JobState, Message, message_of
from staging_core.states import ACTIVE

from .folders import folder
from .tables import accounts, events, images, jobs

if TYPE_CHECKING:
    from .engine import Transaction


_QUEUED: tuple[JobState, ...] = ("queued",)


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """An event that has no place among its account's yet; ``seq`` counts those of its job."""

    account_id: str
    job_id: str
    image_id: str
    group_id: str
    seq: int
    type: str
    state: JobState
    data: dict[str, Any] = {}
    was: JobState | None = None
    project_id: str | None = None


def draft(
    job: sa.RowMapping,
    state: JobState,
    type: str = "state",
    *,
    was: JobState | None = None,
    seq: int | None = None,
    **data: Any,
) -> Draft:
    """An event of ``job``, its row as just written, which counts it; ``was``: the state it left.

    What the row says of the progress goes with it, so that whoever reads the event needs no row.
    """
    return Draft(
        account_id=job["account_id"],
        job_id=job["id"],
        image_id=job["image_id"],
        group_id=job["group_id"],
        seq=job["seq"] if seq is None else seq,
        type=type,
        state=state,
        data={name: value for name, value in data.items() if value is not None} | _reached(job),
        was=was,
        project_id=job["project_id"],
    )


def _reached(job: sa.RowMapping) -> dict[str, Any]:
    if not job["progress"]:
        return {}
    return {"progress": round(job["progress"], 3), "phase": job["phase"]}


CHANNEL = "staging_events"
"""Of PostgreSQL's NOTIFY; what it carries names an account only to those who know its id."""


class Told(NamedTuple):
    """Events as they were written, and what the webhook endpoints of their accounts are told."""

    events: list[JobEvent]
    messages: list[Message]


async def append(
    connection: AsyncConnection, drafts: list[Draft], now: float, *, notify: bool = False
) -> Told:
    """Number the drafts and write them. Call it last in the transaction.

    An account's counters change in the statement that takes its positions, so both are exact. A
    transaction's accounts come in the order of their ids, so that no two wait for each other. The
    same statement says whether the account has endpoints, so one without them costs nothing more.
    """
    if len(drafts) == 1 and connection.dialect.name == "postgresql":
        return await _append_one(connection, drafts[0], now, notify=notify)
    told = Told([], [])
    for account_id, mine in groupby(sorted(drafts, key=_account), key=_account):
        numbered = await _number(connection, account_id, list(mine), now, notify=notify)
        told.events.extend(numbered.events)
        told.messages.extend(numbered.messages)
    if told.events:
        rows = [msgspec.structs.asdict(event) for event in told.events]
        await connection.execute(_INSERT, rows if len(rows) > 1 else rows[0])
    return told


# Built once: most of a statement's time here goes into building it.
_INSERT = sa.insert(events)
_COUNT = (
    sa.update(accounts)
    .where(accounts.c.id == sa.bindparam("of_id"))
    .values(
        position=accounts.c.position + sa.bindparam("more"),
        queued=accounts.c.queued + sa.bindparam("more_queued"),
        in_flight=accounts.c.in_flight + sa.bindparam("more_in_flight"),
        served_at=sa.func.coalesce(sa.bindparam("served", type_=sa.Double()), accounts.c.served_at),
    )
    .returning(accounts.c.position, accounts.c.webhook_endpoints)
)
_COUNT_AND_NOTIFY = _COUNT.returning(
    sa.cast(sa.func.pg_notify(CHANNEL, sa.bindparam("folder", type_=sa.Text())), sa.Text)
)


async def _number(
    connection: AsyncConnection,
    account_id: str,
    drafts: list[Draft],
    now: float,
    *,
    notify: bool,
) -> Told:
    values = _counts(account_id, drafts, now, notify=notify)
    counting = _COUNT_AND_NOTIFY if notify else _COUNT
    last, endpoints = (await connection.execute(counting, values)).one()[:2]
    first = last - len(drafts) + 1
    told = [_event(item, position=position, at=now) for position, item in enumerate(drafts, first)]
    return Told(told, _messages(told, drafts) if endpoints else [])


def _messages(told: list[JobEvent], drafts: list[Draft]) -> list[Message]:
    found = (message_of(event, item.project_id) for event, item in zip(told, drafts, strict=True))
    return [message for message in found if message is not None]


def _counts(account_id: str, drafts: list[Draft], now: float, *, notify: bool) -> dict[str, Any]:
    """What the drafts change in their account's row."""
    changes = [item for item in drafts if item.type == "state"]
    served = any(item.was == "queued" and item.state in ACTIVE for item in changes)
    values: dict[str, Any] = {
        "of_id": account_id,
        "more": len(drafts),
        "more_queued": _more(changes, _QUEUED),
        "more_in_flight": _more(changes, ACTIVE),
        "served": now if served else None,
    }
    if notify:
        values["folder"] = folder(account_id)
    return values


def _appending(counting: ReturningUpdate[Any]) -> ReturningInsert[Any]:
    """PostgreSQL counts and appends in one statement."""
    counted = counting.cte("counted")
    columns = [column for column in events.c if column.name != "position"]
    values = [sa.bindparam(f"new_{column.name}", type_=column.type) for column in columns]
    row = sa.select(counted.c.position, *values)
    endpoints = sa.select(counted.c.webhook_endpoints).scalar_subquery()
    inserting = sa.insert(events).from_select(["position", *columns], row)
    return inserting.returning(events.c.position, endpoints)


_APPEND_ONE = _appending(_COUNT)
_APPEND_ONE_AND_NOTIFY = _appending(_COUNT_AND_NOTIFY)


async def _append_one(
    connection: AsyncConnection, item: Draft, now: float, *, notify: bool
) -> Told:
    unplaced = _event(item, position=0, at=now)
    row = msgspec.structs.asdict(unplaced)
    values = _counts(item.account_id, [item], now, notify=notify)
    result = await connection.execute(
        _APPEND_ONE_AND_NOTIFY if notify else _APPEND_ONE,
        {**values, **{f"new_{name}": value for name, value in row.items() if name != "position"}},
    )
    position, endpoints = result.one()
    told = [msgspec.structs.replace(unplaced, position=position)]
    return Told(told, _messages(told, [item]) if endpoints else [])


def _event(item: Draft, **numbers: Any) -> JobEvent:
    values = msgspec.structs.asdict(item)
    del values["was"], values["project_id"]
    return JobEvent(**values, **numbers)


def _account(item: Draft) -> str:
    return item.account_id


def _more(drafts: list[Draft], states: Collection[JobState]) -> int:
    """How many jobs more are in ``states`` than before."""
    return sum((item.state in states) - (item.was in states) for item in drafts)


async def after(
    tx: Transaction,
    account_id: str,
    position: int,
    *,
    group_id: str | None = None,
    deleted: bool = False,
    limit: int = 500,
) -> list[JobEvent]:
    """The account's events after ``position``, in order; of one group when named.

    ``deleted``: also those of images that have been deleted.
    """
    query = (
        sa.select(events)
        .where(events.c.account_id == account_id, events.c.position > position)
        .order_by(events.c.position)
        .limit(limit)
    )
    if group_id is not None:
        query = query.where(events.c.group_id == group_id)
    if not deleted:
        query = query.where(~of_deleted(events.c.image_id))
    return [JobEvent(**row) for row in await tx.rows(query)]


async def of_image(
    tx: Transaction, account_id: str, image_id: str, *, after: int, limit: int
) -> list[JobEvent]:
    """The events of all jobs of an image after a position, in order."""
    its = await tx.rows(sa.select(jobs.c.id).where(jobs.c.image_id == image_id))
    # As an expression, the position is looked at and never looked up: there are few of them.
    position = sa.func.coalesce(events.c.position, 0)
    query = (
        sa.select(events)
        .where(
            events.c.account_id == account_id,
            events.c.job_id.in_([row["id"] for row in its]),
            position > after,
        )
        .order_by(position)
        .limit(limit)
    )
    return [JobEvent(**row) for row in await tx.rows(query)]


async def of_job(tx: Transaction, account_id: str, job_id: str) -> list[JobEvent]:
    """A job's whole history."""
    query = (
        sa.select(events)
        .where(
            events.c.account_id == account_id,
            events.c.job_id == job_id,
            ~of_deleted(events.c.image_id),
        )
        .order_by(events.c.seq)
    )
    return [JobEvent(**row) for row in await tx.rows(query)]


def of_deleted(image_id: sa.ColumnElement[str]) -> sa.ColumnElement[bool]:
    """Whether a row's image has been deleted.

    With a limit, no planner makes a join of it that reads all images.
    """
    deleted = sa.select(images.c.id).where(
        images.c.id == image_id, images.c.deleted_at.is_not(None)
    )
    return deleted.limit(1).scalar_subquery().is_not(None)


async def settled(tx: Transaction, account_id: str, group_id: str) -> bool:
    """Whether every job of the group has ended (a later retry opens it again)."""
    open_job = await tx.row(
        sa.select(jobs.c.id)
        .where(
            jobs.c.account_id == account_id,
            jobs.c.group_id == group_id,
            jobs.c.state.not_in(TERMINAL),
        )
        .limit(1)
    )
    return open_job is None
