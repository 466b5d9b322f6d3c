"""Engines with one rule taken away; nothing of this is in the product."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy as sa

from staging_core import Group, deferred, landing, settlement, submission
from staging_core.database import (
    attempts,
    deletions,
    events,
    files,
    images,
    jobs,
    ledger,
    owed,
    spend,
)
from staging_core.database.engine import Transaction
from staging_core.database.tables import balances
from staging_core.database.tables import jobs as job_rows
from staging_core.models import TERMINAL

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


@mutant
def held_and_never_given_back(patch: pytest.MonkeyPatch) -> None:
    settle = ledger.settle

    def only_captured(tx: Transaction, job: Any, *, captured: bool) -> None:
        if captured:
            settle(tx, job, captured=captured)

    patch.setattr(ledger, "settle", only_captured)


@mutant
def paid_whatever_comes_of_it(patch: pytest.MonkeyPatch) -> None:
    settle = ledger.settle

    def captured_always(tx: Transaction, job: Any, *, captured: bool) -> None:
        settle(tx, job, captured=True)

    patch.setattr(ledger, "settle", captured_always)


@mutant
def settled_outside_the_transaction(patch: pytest.MonkeyPatch) -> None:
    move, settle = jobs.move, ledger.settle

    async def settled_early(tx: Transaction, job: Any, to: Any, **how: Any) -> Any:
        if to in TERMINAL and job["reserved_in"] is not None:
            settle(tx, job, captured=to == "ready")
            first, tx._last = tx._last, []
            for statement, values in first:
                await tx.rows(statement, values)
            await _commit_here(tx)
        return await move(tx, job, to, **how)

    patch.setattr(jobs, "move", settled_early)
    patch.setattr(ledger, "settle", lambda *_, **__: None)


@mutant
def taken_without_a_guard(patch: pytest.MonkeyPatch) -> None:
    async def hold(tx: Transaction, account_id: str, balance: str, taken: int) -> bool:
        this = (balances.c.account_id == account_id) & (balances.c.name == balance)
        has = balances.c.reserved + taken
        await tx.execute(sa.update(balances).where(this).values(reserved=has))
        return True

    patch.setattr(ledger, "hold", hold)


@mutant
def a_purchase_booked_twice(patch: pytest.MonkeyPatch) -> None:
    grant = ledger.grant

    async def grant_anew(tx: Transaction, *args: Any, id: str, **how: Any) -> bool:
        return await grant(tx, *args, id=f"{id}-{uuid4()}", **how)

    patch.setattr(ledger, "grant", grant_anew)


@mutant
def released_though_its_money_went_back(patch: pytest.MonkeyPatch) -> None:
    async def nothing(*_: Any, **__: Any) -> None:
        return None

    patch.setattr(owed, "owe", nothing)


def _users_of(name: str) -> list[Any]:
    from staging_core import predictions, reception

    return [each for each in (landing, deferred, predictions, reception) if hasattr(each, name)]


@mutant
def spent_and_counted_elsewhere(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(spend, "_add", lambda *_: None)


@mutant
def counted_for_less_than_it_costs(patch: pytest.MonkeyPatch) -> None:
    millionths = spend.millionths
    patch.setattr(spend, "millionths", lambda usd: millionths(usd) // 2)
