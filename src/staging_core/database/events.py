"""The event log: rows, numbered within the job and across the account."""

from __future__ import annotations

from collections.abc import Collection
from functools import lru_cache
from itertools import groupby
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
import sqlalchemy as sa

from staging_core.models import MOST_EVENTS, TERMINAL, JobEvent, JobState, Message, message_of
from staging_core.states import ACTIVE

from . import turns
from .folders import folder
from .prepared import Prepared
from .row import Row
from .tables import accounts, events, images, jobs

if TYPE_CHECKING:
    from .engine import Transaction


_QUEUED: tuple[JobState, ...] = ("queued",)


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """An event that has no place among its account's yet; ``seq`` counts those of its job.

    ``turn_from``: of one that begins a job, where its account's turn stands at least.
    """

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
    turn_from: int = 0
    trace: str | None = None


class News(msgspec.Struct, frozen=True):
    """An event, and the project and the trace of its job."""

    event: JobEvent
    project_id: str | None
    trace: str | None = None


def draft(
    job: Row,
    state: JobState,
    type: str = "state",
    *,
    was: JobState | None = None,
    seq: int | None = None,
    turn_from: int = 0,
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
        turn_from=turn_from,
        trace=job["trace"],
    )


def _reached(job: Row) -> dict[str, Any]:
    if not job["progress"]:
        return {}
    return {"progress": round(job["progress"], 3), "phase": job["phase"]}


CHANNEL = "staging_events"
"""Of PostgreSQL's NOTIFY; what it carries names an account only to those who know its id."""


class Told(NamedTuple):
    """Events as they were written, and what the webhook endpoints of their accounts are told."""

    news: list[News]
    messages: list[Message]


async def append(tx: Transaction, drafts: list[Draft], *, notify: bool = False) -> Told:
    """Number the drafts and write them. Call it last in the transaction.

    An account's counters change in the statement that takes its positions, so both are exact. A
    transaction's accounts come in the order of their ids, so that no two wait for each other. The
    same statement says whether the account has endpoints, so one without them costs nothing more.
    """
    alone = 0 < len(drafts) <= _TOGETHER and len({_account(item) for item in drafts}) == 1
    if alone and tx.connection.dialect.name == "postgresql":
        return await _append(tx, drafts, notify=notify)
    told = Told([], [])
    for account_id, mine in groupby(sorted(drafts, key=_account), key=_account):
        numbered = await _number(tx, account_id, list(mine), notify=notify)
        told.news.extend(numbered.news)
        told.messages.extend(numbered.messages)
    if told.news:
        rows = [msgspec.structs.asdict(each.event) for each in told.news]
        await tx.connection.execute(_INSERT, rows if len(rows) > 1 else rows[0])
    return told


# Built once: most of a statement's time here goes into building it.
_TOGETHER = 2
_INSERT = sa.insert(events)
_COUNT = (
    sa.update(accounts)
    .where(accounts.c.id == sa.bindparam("of_id"))
    .values(
        position=accounts.c.position + sa.bindparam("more"),
        queued=accounts.c.queued + sa.bindparam("more_queued"),
        in_flight=accounts.c.in_flight + sa.bindparam("more_in_flight", type_=sa.Integer()),
        turn=turns.taken(sa.bindparam("turn_from", type_=sa.BigInteger())),
    )
    .returning(accounts.c.position, accounts.c.webhook_endpoints)
)
_COUNT_AND_NOTIFY = _COUNT.returning(
    sa.cast(sa.func.pg_notify(CHANNEL, sa.bindparam("folder", type_=sa.Text())), sa.Text)
)
_COUNTING = {False: Prepared(_COUNT), True: Prepared(_COUNT_AND_NOTIFY)}


async def _number(tx: Transaction, account_id: str, drafts: list[Draft], *, notify: bool) -> Told:
    counted = await tx.row(_COUNTING[notify], _counts(account_id, drafts, notify=notify))
    assert counted is not None
    return _told(drafts, counted["position"], tx.now, endpoints=counted["webhook_endpoints"])


def _counts(account_id: str, drafts: list[Draft], *, notify: bool) -> dict[str, Any]:
    """What the drafts change in their account's row."""
    changes = [item for item in drafts if item.type == "state"]
    begun = [item.turn_from for item in changes if item.was == "queued" and item.state in ACTIVE]
    values: dict[str, Any] = {
        "of_id": account_id,
        "more": len(drafts),
        "more_queued": _more(changes, _QUEUED),
        "more_in_flight": _more(changes, ACTIVE),
        "turn_from": max(begun, default=None),
    }
    if notify:
        values["folder"] = folder(account_id)
    return values


@lru_cache(maxsize=2 * _TOGETHER)
def _appending(number: int, *, notify: bool) -> Prepared:
    """PostgreSQL counts and appends in one statement."""
    counted = (_COUNT_AND_NOTIFY if notify else _COUNT).cte("counted")
    columns = [column for column in events.c if column.name != "position"]
    rows = [
        sa.select(
            (counted.c.position - sa.literal_column(str(number - 1 - place))).label("position"),
            *(sa.bindparam(f"{column.name}_{place}", type_=column.type) for column in columns),
        )
        for place in range(number)
    ]
    endpoints = sa.select(counted.c.webhook_endpoints).scalar_subquery()
    added = sa.insert(events).from_select(["position", *columns], sa.union_all(*rows))
    return Prepared(added.returning(events.c.position, endpoints.label("webhook_endpoints")))


async def _append(tx: Transaction, drafts: list[Draft], *, notify: bool) -> Told:
    values = _counts(drafts[0].account_id, drafts, notify=notify)
    for place, event in enumerate(_events(drafts, 0, tx.now)):
        named = msgspec.structs.asdict(event).items()
        values |= {f"{name}_{place}": value for name, value in named if name != "position"}
    appended = await tx.rows(_appending(len(drafts), notify=notify), values)
    last = max(row["position"] for row in appended)
    return _told(drafts, last, tx.now, endpoints=appended[0]["webhook_endpoints"])


def _events(drafts: list[Draft], last: int, now: float) -> list[JobEvent]:
    """The drafts as events, whose positions go up to ``last``."""
    found = []
    for position, item in enumerate(drafts, last - len(drafts) + 1):
        values = msgspec.structs.asdict(item)
        del values["was"], values["project_id"], values["trace"], values["turn_from"]
        found.append(JobEvent(**values, position=position, at=now))
    return found


def _told(drafts: list[Draft], last: int, now: float, *, endpoints: int) -> Told:
    """``endpoints``: how many the account has."""
    told = [
        News(event, item.project_id, item.trace)
        for event, item in zip(_events(drafts, last, now), drafts, strict=True)
    ]
    if not endpoints:
        return Told(told, [])
    found = (message_of(each.event, each.project_id) for each in told)
    return Told(told, [message for message in found if message is not None])


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
    limit: int = MOST_EVENTS,
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
