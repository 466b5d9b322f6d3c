"""Operators find jobs of every account, end them, and make dead ones anew."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from staging_core import Principal, Staging
from staging_core.database.tables import creations, jobs
from staging_core.errors import AlreadyFinal, IdempotencyMismatch
from staging_core.models import Job

from .house import ADA, OPERATOR, WISH, installed, photo

both = pytest.mark.parametrize("database", ["sqlite", "postgresql"], indirect=True)
BOB = Principal(account_id="accounts-of-bob", user_id="bob")


async def job_of(staging: Staging, who: Principal, number: int = 0, **wish: Any) -> Job:
    group = await staging.acting_as(who).images.submit(photo(number), **{**WISH, **wish})
    return group.images[0].job


async def found(staging: Staging, **which: Any) -> list[str]:
    return [job.id for job in await staging.operating_as(OPERATOR).jobs(**which)]


@both
def test_they_are_found_by_what_they_are(tmp_path: Path, database: dict[str, Any]) -> None:
    async def scenario() -> None:
        stagers = ("fake:good", "fake:bad?script=refused")
        async with installed(tmp_path, *stagers, **database) as staging:
            project = await staging.acting_as(BOB).projects.create("Villa")
            ready = await job_of(staging, ADA)
            dead = await job_of(staging, BOB, 1, model="fake:bad", project_id=project.id)
            await staging.run_worker(until_idle=True)
            waits = await job_of(staging, BOB, 2)
            everything = [waits.id, dead.id, ready.id]
            for which, expected in (
                ({}, everything),
                ({"limit": 1}, [waits.id]),
                ({"state": "error"}, [dead.id]),
                ({"state": "queued"}, [waits.id]),
                ({"code": "refused"}, [dead.id]),
                ({"code": "cancelled"}, []),
                ({"model": "fake:bad"}, [dead.id]),
                ({"account_id": "accounts-of-bob"}, [waits.id, dead.id]),
                ({"account_id": "accounts-of-bob", "state": "ready"}, []),
                ({"project_id": project.id}, [dead.id]),
                ({"older_s": 0.0}, everything),
                ({"older_s": 3600.0}, []),
                ({"since_s": 3600.0, "state": "ready"}, [ready.id]),
                ({"stuck": True}, []),
            ):
                assert await found(staging, **which) == expected, which
            pages = [await found(staging, limit=2)]
            last = (await staging.operating_as(OPERATOR).jobs(limit=2))[-1]
            pages.append(await found(staging, limit=2, before=last))
            assert pages == [everything[:2], everything[2:]]

    asyncio.run(scenario())


@both
def test_a_job_is_stuck_that_nobody_takes(tmp_path: Path, database: dict[str, Any]) -> None:
    async def scenario() -> None:
        async with installed(tmp_path, "fake:", **database) as staging:
            job = await job_of(staging, ADA)
            other = await job_of(staging, ADA, 1)
            async with staging.ports.database.write() as tx:
                late = sa.update(jobs).where(jobs.c.id == job.id).values(due_at=tx.now - 61)
                await tx.execute(late)
            assert await found(staging, stuck=True) == [job.id]
            async with staging.ports.database.write() as tx:
                held = sa.update(jobs).where(jobs.c.id == job.id).values(lease_until=tx.now + 10)
                await tx.execute(held)
            assert await found(staging, stuck=True) == []
            assert other.id in await found(staging, state="queued")

    asyncio.run(scenario())


@both
def test_requeueing_and_cancelling_leave_entries_with_the_account(
    tmp_path: Path, database: dict[str, Any]
) -> None:
    async def scenario() -> None:
        async with installed(tmp_path, "fake:?script=refused", **database) as staging:
            operating = staging.operating_as(OPERATOR, request_id="r-1")
            dead = await job_of(staging, ADA)
            await staging.run_worker(until_idle=True)
            new = await operating.requeue(dead.id)
            with pytest.raises(AlreadyFinal):
                await operating.requeue(dead.id)
            assert (await operating.cancel(new.id)).state == "cancelled"
            with pytest.raises(AlreadyFinal):
                await operating.cancel(new.id)
            retried = await operating.retry(new.id)
            entries = await operating.audit_log.page()
            assert [(entry.action, entry.target) for entry in entries] == [
                ("job.requeued", new.id),
                ("job.cancelled", new.id),
                ("job.requeued", dead.id),
            ]
            assert {entry.account_id for entry in entries} == {ADA.account_id}
            assert {entry.request_id for entry in entries} == {"r-1"}
            assert entries[0].after == {"job_id": retried.id}
            assert entries[2].before == {"state": "error", "error": "refused"}

    asyncio.run(scenario())


@both
def test_a_requeue_that_is_repeated_under_its_key_makes_one_job(
    tmp_path: Path, database: dict[str, Any]
) -> None:
    async def scenario() -> None:
        async with installed(tmp_path, "fake:?script=refused", **database) as staging:
            operating = staging.operating_as(OPERATOR)
            dead, others = await job_of(staging, ADA), await job_of(staging, BOB, 1)
            await staging.run_worker(until_idle=True)
            ada = staging.acting_as(ADA)
            await ada.projects.create("Elm", idempotency_key="key")  # of hers, and another
            new = await operating.requeue(dead.id, idempotency_key="key")
            again = await operating.requeue(dead.id, idempotency_key="key")
            assert (new.replayed, again.replayed, again.id) == (False, True, new.id)
            for wrong in (others.id, new.id):
                with pytest.raises(IdempotencyMismatch):
                    await operating.requeue(wrong, idempotency_key="key")
            assert len(await found(staging)) == 3
            with pytest.raises(AlreadyFinal):
                await operating.requeue(new.id, idempotency_key="given-back")
            await staging.run_worker(until_idle=True)
            later = await operating.requeue(new.id, idempotency_key="given-back")
            assert not later.replayed

    asyncio.run(scenario())


@both
def test_a_requeue_whose_process_dies_is_found_by_its_repeat(
    tmp_path: Path, database: dict[str, Any]
) -> None:
    """The job is there, and nothing is written about the call."""

    async def scenario() -> None:
        async with installed(tmp_path, "fake:?script=refused", **database) as staging:
            operating = staging.operating_as(OPERATOR)
            dead = await job_of(staging, ADA)
            await staging.run_worker(until_idle=True)
            new = await operating.requeue(dead.id, idempotency_key="key")
            async with staging.ports.database.write() as tx:
                mine = creations.c.account_id == OPERATOR.account_id
                await tx.execute(sa.delete(creations).where(mine))
            again = await operating.requeue(dead.id, idempotency_key="key")
            assert (again.replayed, again.id) == (True, new.id)

    asyncio.run(scenario())
