"""Engines with one rule taken away; nothing of this is in the product."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa

from staging_core import Group, deferred, landing, settlement, submission
from staging_core.database import attempts, deletions, events, files, images, jobs
from staging_core.database.engine import Transaction
from staging_core.database.tables import jobs as job_rows

from .crashing import Crash

Mutant = Callable[[pytest.MonkeyPatch], None]
MUTANTS: dict[str, Mutant] = {}


def mutant(make: Mutant) -> Mutant:
    """Found by its name."""
    MUTANTS[make.__name__] = make
    return make


@mutant
def no_fence(patch: pytest.MonkeyPatch) -> None:
    def plain(name: str, value: Any) -> Any:
        if isinstance(value, jobs.Woken):
            return value.due_at
        return job_rows.c[name] + value.amount if isinstance(value, jobs.More) else value

    async def write(tx: Transaction, job: Any, guard: Any, **values: Any) -> Any:
        statement = sa.update(job_rows).where(job_rows.c.id == job["id"])
        written = {name: plain(name, value) for name, value in values.items()}
        written |= {"updated_at": tx.now, "seq": job_rows.c.seq + guard.told}
        return await tx.row(statement.values(**written).returning(*job_rows.c))

    patch.setattr(jobs, "_write", write)


@mutant
def result_outside_the_transaction(patch: pytest.MonkeyPatch) -> None:
    deliver = images.deliver

    async def delivered_early(tx: Transaction, *args: Any, **values: Any) -> None:
        await deliver(tx, *args, **values)
        await _commit_here(tx)

    patch.setattr(images, "deliver", delivered_early)


@mutant
def cost_outside_the_transaction(patch: pytest.MonkeyPatch) -> None:
    charge = attempts.charge

    async def charged_early(tx: Transaction, attempt: Any, cost_usd: float) -> Any:
        values = await charge(tx, attempt, cost_usd)
        await _commit_here(tx)
        return values

    patch.setattr(attempts, "charge", charged_early)


@mutant
def acknowledged_before_the_commit(patch: pytest.MonkeyPatch) -> None:
    add, submit = images.add_group, submission.Submission.submit
    told: list[dict[str, Any]] = []

    async def add_and_tell(tx: Transaction, **values: Any) -> None:
        await add(tx, **values)
        told.append(values)

    async def submit_and_tell(self: Any, *args: Any) -> Group:
        told.clear()
        try:
            return await submit(self, *args)
        except Crash:
            if not told:
                raise
            return Group(id=told[0]["id"], account_id=told[0]["account_id"], images=())

    patch.setattr(images, "add_group", add_and_tell)
    patch.setattr(submission.Submission, "submit", submit_and_tell)


async def _commit_here(tx: Transaction) -> None:
    await tx.connection.exec_driver_sql("COMMIT")
    await tx.connection.exec_driver_sql("BEGIN IMMEDIATE")


@mutant
def no_account_filter(patch: pytest.MonkeyPatch) -> None:
    async def get(tx: Transaction, account_id: str, job_id: str) -> Any:
        return jobs.as_job(await jobs.row(tx, job_id))

    patch.setattr(jobs, "get", get)


@mutant
def deleted_and_kept(patch: pytest.MonkeyPatch) -> None:
    async def let_go(tx: Transaction, which: Any) -> None:
        """Forgotten."""

    patch.setattr(deletions, "_let_go", let_go)


@mutant
def posted_again(patch: pytest.MonkeyPatch) -> None:
    create = deferred.Deferred._create

    async def create_twice(self: Any, *args: Any) -> str:
        try:
            return await create(self, *args)
        except TimeoutError:
            return await create(self, *args)

    patch.setattr(deferred.Deferred, "_create", create_twice)


@mutant
def no_unique_key(patch: pytest.MonkeyPatch) -> None:
    add = images.add_group

    async def add_without_key(tx: Transaction, **values: Any) -> None:
        await add(tx, **{**values, "idempotency_key": None})

    patch.setattr(images, "add_group", add_without_key)


@mutant
def late_predictions_forgotten(patch: pytest.MonkeyPatch) -> None:
    land = landing.land

    async def land_only_open(tx: Transaction, attempt: Any, handle: str) -> Any:
        return await land(tx, attempt, handle) if attempt["state"] in attempts.OPEN else None

    for module in _users_of("land"):
        patch.setattr(module, "land", land_only_open)


@mutant
def unwanted_predictions_not_cancelled(patch: pytest.MonkeyPatch) -> None:
    async def nothing(tx: Transaction, attempt: Any, handle: str) -> None:
        return None

    for module in (landing, settlement):
        patch.setattr(module, "cancel_later", nothing)


@mutant
def results_not_kept(patch: pytest.MonkeyPatch) -> None:
    keep_only = files.keep_only

    async def keep_nothing(tx: Transaction, job_id: str, keys: Any) -> None:
        await keep_only(tx, job_id, ())

    patch.setattr(files, "keep_only", keep_nothing)


@mutant
def events_told_twice(patch: pytest.MonkeyPatch) -> None:
    tell = Transaction.tell

    def tell_twice(self: Transaction, draft: events.Draft) -> None:
        tell(self, draft)
        if draft.state == "ready":
            tell(self, draft)

    patch.setattr(Transaction, "tell", tell_twice)


@mutant
def no_intent_before_the_object(patch: pytest.MonkeyPatch) -> None:
    async def nothing(tx: Transaction, key: str, **_: Any) -> None:
        return None

    patch.setattr(files, "intend", nothing)


def _users_of(name: str) -> list[Any]:
    from staging_core import predictions, reception

    return [each for each in (landing, deferred, predictions, reception) if hasattr(each, name)]
