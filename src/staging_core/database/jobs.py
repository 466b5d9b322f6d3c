"""Jobs: claimed by lease and fence, moved only through ``move``."""

from __future__ import annotations

from collections.abc import Collection
from functools import lru_cache
from typing import Any, NamedTuple
from uuid import uuid4

import msgspec
import sqlalchemy as sa

from staging_core.errors import AlreadyFinal, NotFound, StagingError
from staging_core.models import TERMINAL, Job, JobState
from staging_core.states import ACTIVE, check_move

from . import ledger, reservations
from .claims import CLAIMABLE
from .engine import Transaction
from .events import draft, of_deleted
from .prepared import Prepared, placed, places
from .row import Row
from .tables import images, jobs


class Abandoned(StagingError):
    """Somebody else holds or ended this job by now; stop, quietly."""

    code = "abandoned"


async def add(
    tx: Transaction,
    *,
    account_id: str,
    image_id: str,
    group_id: str,
    model: str,
    lane: str,
    job_id: str,
    project_id: str | None = None,
    told: dict[str, Any] | None = None,
    trace: str | None = None,
    reserved_in: str | None = None,
    usage_period: str | None = None,
    reservation_id: str | None = None,
) -> None:
    """A new job, queued, with its first event, which holds ``told``. ``trace``: a traceparent.

    ``reserved_in``: the balance that its image was taken from; ``reservation_id``: what holds it at
    a service outside.
    """
    values = {
        "id": job_id,
        "account_id": account_id,
        "image_id": image_id,
        "group_id": group_id,
        "project_id": project_id,
        "model": model,
        "lane": lane,
        "trace": trace,
        "reserved_in": reserved_in,
        "usage_period": usage_period,
        "reservation_id": reservation_id,
    }
    row = await tx.row(_ADD, {"at": tx.now, **placed(values)})
    assert row is not None
    if reserved_in is not None:
        await ledger.reserve(tx, account_id, job_id, reserved_in)
    tx.tell(draft(row, "queued", **(told or {})))


def new_id() -> str:
    """A fresh job id."""
    return str(uuid4())


async def renew(tx: Transaction, job: Row, *, lease_s: float) -> None:
    """Hold the job longer; ``Abandoned`` when it is no longer ours."""
    await _write(tx, job, _Guard(held=True), lease_until=tx.now + lease_s)


async def move(
    tx: Transaction,
    job: Row,
    to: JobState,
    *,
    via: JobState | None = None,
    told: dict[str, Any] | None = None,
    **values: Any,
) -> Row:
    """Bring a held job into another state, with its event; the row as it is now.

    ``via``: a state on the way, of which only an event tells. ``told`` goes into the event,
    ``values`` into the row. ``Abandoned`` when fence or state are not the row's any more. Leaving
    for ``queued``, ``waiting`` or an end gives the lease back.
    """
    if via is not None:
        check_move(job["state"], via)
    check_move(via or job["state"], to)
    if to in ("queued", "waiting") or to in TERMINAL:
        values["lease_until"] = 0
    if to in TERMINAL:
        values |= {"finished_at": tx.now, "checkpoint": None}
        if job["reserved_in"] is not None:
            values["settled_at"] = tx.now
            ledger.settle(tx, job, captured=to == "ready")
        if job["reservation_id"] is not None:
            values["settled_at"] = tx.now
            reservations.settle(tx, job, captured=to == "ready")
        values["progress"] = 1.0 if to == "ready" else job["progress"]
    told_of = 1 if via is None else 2
    row = await _write(tx, job, _Guard(in_state=True, told=told_of), state=to, **values)
    if via is not None:
        tx.tell(draft(row, via, was=job["state"], seq=row["seq"] - 1))
    tx.tell(draft(row, to, was=via or job["state"], **(told or {})))
    return row


async def wait(tx: Transaction, job: Row, *, due_at: Woken | float) -> Row:
    """Give a held job back as it is, to be taken again at ``due_at``; no event tells of it."""
    return await _write(tx, job, _Guard(), due_at=due_at, lease_until=0)


async def count_crash(tx: Transaction, job: Row) -> Row:
    """One more worker has died while it held the job; it stays where it is."""
    return await _write(tx, job, _Guard(), crashes=job["crashes"] + 1)


class Woken(NamedTuple):
    """A time in place of ``seen``; what somebody else wrote there meanwhile stays."""

    seen: float
    due_at: float


def unless_woken(job: Row, due_at: float) -> Woken:
    """``due_at``, or the time to which somebody woke the job since we read its row."""
    return Woken(job["due_at"], due_at)


class More(NamedTuple):
    """So much more than the column says."""

    amount: float


async def wake(tx: Transaction, job_id: str) -> Row | None:
    """There is news of a job that is at a provider: it is due now. None when it is not there."""
    return await tx.row(_WAKE, {"of_id": job_id, "at": tx.now})


async def note_progress(tx: Transaction, job: Row, share: float, phase: str) -> None:
    """Tell how far a held job is: ``share`` 0..1 of the whole."""
    row = await _write(tx, job, _Guard(held=True, told=1), progress=share, phase=phase)
    tx.tell(draft(row, row["state"], "progress", progress=round(share, 3), phase=phase))


_AT: sa.BindParameter[float] = sa.bindparam("at", type_=sa.Double())
_NEW = (
    "id",
    "account_id",
    "image_id",
    "group_id",
    "project_id",
    "model",
    "lane",
    "trace",
    "reserved_in",
    "usage_period",
    "reservation_id",
)
_ADD = Prepared(
    sa.insert(jobs)
    .values(
        state="queued",
        seq=1,
        timings_ms={},
        report={},
        **dict.fromkeys(("due_at", "created_at", "updated_at"), _AT),
        **places(jobs, _NEW),
    )
    .returning(*jobs.c)
)
_WAKE = Prepared(
    sa.update(jobs)
    .where(
        jobs.c.id == sa.bindparam("of_id"),
        sa.or_(jobs.c.state == "submitted", jobs.c.state == "waiting"),
    )
    .values(due_at=sa.bindparam("at"))
    .returning(*jobs.c)
)


class _Guard(NamedTuple):
    """What else must be so of a held job. ``told``: events that tell of the change, and count."""

    held: bool = False
    in_state: bool = False
    told: int = 0


async def _write(tx: Transaction, job: Row, guard: _Guard, **values: Any) -> Row:
    """Write ``values`` into the row of a held job; ``Abandoned`` when it is no longer ours."""
    values["updated_at"] = tx.now
    kinds = tuple((name, type(value) if _moves(value) else None) for name, value in values.items())
    given = {"of_id": job["id"], "of_fence": job["fence"]}
    if guard.in_state:
        given["of_state"] = job["state"]
    for name, value in values.items():
        if isinstance(value, Woken):
            given |= {"seen_due_at": value.seen, "to_due_at": value.due_at}
        else:
            given[f"to_{name}"] = value.amount if isinstance(value, More) else value
    row = await tx.row(_writing(guard, kinds), given)
    if row is None:
        raise Abandoned()
    return row


def _moves(value: Any) -> bool:
    return isinstance(value, (Woken, More))


@lru_cache(maxsize=128)
def _writing(guard: _Guard, kinds: tuple[tuple[str, type | None], ...]) -> Prepared:
    """Of the columns named; built once for each choice of them."""
    to = places(jobs, [name for name, _ in kinds])
    values: dict[str, Any] = dict(to)
    for name, kind in kinds:
        if kind is More:
            values[name] = jobs.c[name] + to[name]
        elif kind is Woken:
            seen: sa.BindParameter[float] = sa.bindparam("seen_due_at", type_=sa.Double())
            values[name] = sa.case((jobs.c.due_at != seen, jobs.c.due_at), else_=to[name])
    if guard.told:
        values["seq"] = jobs.c.seq + guard.told
    held = [jobs.c.id == sa.bindparam("of_id"), jobs.c.fence == sa.bindparam("of_fence")]
    if guard.held:
        held.append(jobs.c.lease_until > 0)
    if guard.in_state:
        held.append(jobs.c.state == sa.bindparam("of_state"))
    return Prepared(sa.update(jobs).where(*held).values(values).returning(*jobs.c))


_THERE = ~of_deleted(jobs.c.image_id)
"""What is deleted is not shown to its account."""


async def fetch(tx: Transaction, account_id: str, job_id: str, *, lock: bool = False) -> Row:
    """The account's job; ``NotFound`` also when it is another account's. ``lock``: to change it."""
    query = sa.select(jobs).where(jobs.c.account_id == account_id, jobs.c.id == job_id)
    row = await tx.row(query.with_for_update(key_share=True) if lock else query)
    if row is None:
        raise NotFound(f"There is no job {job_id}.")
    return row


async def get(tx: Transaction, account_id: str, job_id: str) -> Job:
    """The job as its account sees it; ``NotFound`` also when its image is deleted."""
    query = sa.select(jobs).where(jobs.c.account_id == account_id, jobs.c.id == job_id, _THERE)
    row = await tx.row(query)
    if row is None:
        raise NotFound(f"There is no job {job_id}.")
    return as_job(row)


async def seen(tx: Transaction, job_id: str) -> Row:
    """The job as it is now; it may change at any moment."""
    found = await tx.row(sa.select(jobs).where(jobs.c.id == job_id))
    if found is None:
        raise NotFound(f"There is no job {job_id}.")
    return found


async def row(tx: Transaction, job_id: str) -> Row:
    """The job, locked until the commit where the database can."""
    one = sa.select(jobs).where(jobs.c.id == job_id)
    found = await tx.row(one.with_for_update(key_share=True))
    if found is None:
        raise NotFound(f"There is no job {job_id}.")
    return found


async def page(
    tx: Transaction,
    account_id: str,
    *,
    state: JobState | None = None,
    before: tuple[float, str] | None = None,
    limit: int = 50,
) -> list[Job]:
    """The account's jobs, newest first; ``before``: the (created_at, id) of the last one seen."""
    query = (
        sa.select(jobs)
        .where(jobs.c.account_id == account_id, _THERE)
        .order_by(jobs.c.created_at.desc(), jobs.c.id.desc())
        .limit(limit)
    )
    if state is not None:
        query = query.where(jobs.c.state == state)
    if before is not None:
        query = query.where(sa.tuple_(jobs.c.created_at, jobs.c.id) < sa.tuple_(*before))
    return [as_job(row) for row in await tx.rows(query)]


async def without_model(tx: Transaction, models: Collection[str], *, waited_s: float) -> list[Row]:
    """Jobs whose model is not among ``models`` and that nobody took for ``waited_s``."""
    return await tx.rows(
        sa.select(jobs)
        .where(
            jobs.c.state.in_(CLAIMABLE),
            jobs.c.model.not_in(models),
            jobs.c.due_at <= tx.now - waited_s,
            jobs.c.lease_until <= tx.now,
        )
        .limit(100)
    )


async def in_flight(tx: Transaction, model: str, *, most: int) -> int:
    """How many jobs of ``model`` are at work or at its provider; counted up to ``most``."""
    row = await tx.row(counting(model, most=most))
    return 0 if row is None else int(row["n"])


def counting(model: str, *, most: int) -> sa.Select[Any]:
    """The query of ``in_flight``, as column ``n``."""
    active = jobs.c.state.in_([sa.literal(state) for state in sorted(ACTIVE)])
    some = sa.select(jobs.c.id).where(jobs.c.model == model, active).limit(most)
    return sa.select(sa.func.count().label("n")).select_from(some.subquery())


async def repeat(
    tx: Transaction,
    image: Row,
    *,
    lane: str,
    model: str,
    told: dict[str, Any] | None = None,
    trace: str | None = None,
    reserved_in: str | None = None,
    usage_period: str | None = None,
    reservation_id: str | None = None,
) -> str:
    """A new job for an image whose last one has ended; its id.

    ``AlreadyFinal`` when somebody else was faster, also to delete it.
    """
    job_id = new_id()
    await add(
        tx,
        account_id=image["account_id"],
        image_id=image["id"],
        group_id=image["group_id"],
        model=model,
        lane=lane,
        job_id=job_id,
        project_id=image["project_id"],
        told=told,
        trace=trace,
        reserved_in=reserved_in,
        usage_period=usage_period,
        reservation_id=reservation_id,
    )
    replaced = await tx.row(
        sa.update(images)
        .where(
            images.c.id == image["id"],
            images.c.job_id == image["job_id"],
            images.c.deleted_at.is_(None),
        )
        .values(job_id=job_id)
        .returning(images.c.id)
    )
    if replaced is None:
        raise AlreadyFinal("The image has a newer job by now, or is deleted.")
    return job_id


def as_job(row: Row) -> Job:
    """The row as its account sees it."""
    return msgspec.convert({name: row[name] for name in Job.__struct_fields__}, Job)
