"""Two transactions that meet on PostgreSQL: each locks attempts, then jobs, then images."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from staging_core import OWNER
from staging_core.acting import Images
from staging_core.database import attempts, deletions, jobs
from staging_core.models import Failed, Staged, Waiting
from staging_core.pipeline import Pipeline
from staging_core.settlement import cancel_job

from .deferred import Provider, opened, run
from .house import House

postgresql = pytest.mark.parametrize("database", ["postgresql"], indirect=True)
WAITING = sa.text("SELECT count(*) AS n FROM pg_locks WHERE NOT granted")


async def meets(house: House) -> None:
    """Until somebody waits for somebody else's lock."""
    async with asyncio.timeout(10):
        while True:
            async with house.ports.database.read() as tx:
                row = await tx.row(WAITING)
            if row is not None and row["n"]:
                return
            await asyncio.sleep(0.02)


def failures_of(house: House) -> list[str | None]:
    """What goes wrong with the database from now on."""
    place, told = house.ports.database.place, list[str | None]()
    outage = place.outage

    def noted(error: BaseException) -> str | None:
        told.append(outage(error))
        return told[-1]

    place.outage = noted  # type: ignore[method-assign]
    return told


class Slow(Provider):
    """Answers when it may."""

    def __init__(self) -> None:
        super().__init__()
        self.asked, self.answers = asyncio.Event(), asyncio.Event()

    async def check(self, handle: str) -> Waiting | Staged | Failed:
        self.asked.set()
        await self.answers.wait()
        return await super().check(handle)


@postgresql
def test_a_moderated_job_gets_another_seed_while_its_image_is_cleared(
    tmp_path: Path, database: dict[str, Any]
) -> None:
    provider = Slow()

    async def scenario() -> None:
        async with opened(tmp_path, provider, **database) as (house, _):
            failures = failures_of(house)
            group = await house.submit()
            image = group.images[0]
            await house.step()
            provider.fail("fake-1", moderated=True)
            house.clock.ahead += 70
            working = asyncio.create_task(house.step())
            await provider.asked.wait()
            async with house.ports.database.write(OWNER.account_id) as tx:
                await deletions.hide(tx, OWNER.account_id, image.id)
            async with house.ports.database.write(OWNER.account_id) as tx:
                await cancel_job(tx, OWNER.account_id, image.job.id)
                provider.answers.set()
                await meets(house)
                await deletions.clear(tx, image.id)
            await working
            async with house.ports.database.read() as tx:
                assert (await jobs.seen(tx, image.job.id))["state"] == "cancelled"
            assert [each for each in failures if each] == []

    run(scenario)


@postgresql
def test_a_job_that_killed_its_workers_is_buried_while_its_provider_reports(
    tmp_path: Path, database: dict[str, Any]
) -> None:
    provider = Provider()

    async def scenario() -> None:
        async with opened(tmp_path, provider, **database) as (house, _):
            await house.submit()
            await house.step()
            for _ in range(3):
                house.clock.ahead += 70
                assert await Pipeline(house.ports).claim() is not None
            house.clock.ahead += 70
            (image,) = await Images(house.ports, OWNER).page()
            async with house.ports.database.write() as tx:
                attempt = await attempts.open_of(tx, image.job.id)
                assert attempt is not None
                burying = asyncio.create_task(Pipeline(house.ports).claim())
                await meets(house)
                await jobs.wake(tx, image.job.id)
            assert await burying is None
            assert await house.states() == ["error"]

    run(scenario)
