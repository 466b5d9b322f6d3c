"""Single faults on real parts: what each costs, and that it costs nothing else."""

from __future__ import annotations

import asyncio
import json
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest

from staging_core.audit import SOUND

from .client import Client
from .deployment import Deployment, deployed
from .judgement import Judge, judging
from .report import provider_requests
from .workers import working

JOBS = 8


@pytest.fixture(scope="module")
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """One for all tests here: what each adds, it counts from where it began."""
    home = tmp_path_factory.mktemp("deployment")
    with deployed(home, provider=["--run-s", "0.3"]) as parts:
        yield parts


@dataclass
class Day:
    """A client's orders, watched by a judge."""

    client: Client
    judge: Judge
    before: int

    async def order(self) -> None:
        await self.client.submit(JOBS, variants=4)

    async def all_end(self, within_s: float = 60) -> None:
        await self.judge.wait_until_all_ended(self.before + JOBS, within_s)

    async def check(self) -> None:
        """Every job that was promised is ready, and the books of all sides agree."""
        _, found = await self.judge.wait_until_books_agree(self.client.accepted, 30)
        assert found == []
        states = await self.judge.states_of(self.client.accepted)
        assert states == Counter(ready=JOBS)


@asynccontextmanager
async def a_day(deployment: Deployment, name: str) -> AsyncIterator[Day]:
    async with deployment.client() as staging, judging(deployment) as judge:
        client = Client(staging, random.Random(name), name=name, impatience=0, whims=0)  # noqa: S311
        yield Day(client, judge, await judge.ended())


def requests(deployment: Deployment) -> Counter[str]:
    return provider_requests(deployment.replicate)


def test_a_healthy_job_costs_one_create_and_one_get_and_no_timed_poll(
    deployment: Deployment,
) -> None:
    async def scenario() -> None:
        async with a_day(deployment, "healthy") as day:
            with working(deployment, 1):
                before = requests(deployment)
                await day.order()
                await day.all_end()
                assert requests(deployment) - before == Counter(create=JOBS, get=JOBS)
                await day.check()

    asyncio.run(scenario())


def test_when_all_callbacks_are_lost_a_job_costs_one_get_more_at_most(
    deployment: Deployment,
) -> None:
    async def scenario() -> None:
        async with a_day(deployment, "lost callbacks") as day:
            deployment.replicate.chaos(callbacks_lost=1.0)
            try:
                with working(deployment, 1):
                    before = requests(deployment)
                    await day.order()
                    await day.all_end()
                    asked = requests(deployment) - before
                    assert asked["create"] == JOBS
                    assert asked["get"] <= 2 * JOBS
                    await day.check()
            finally:
                deployment.replicate.chaos(callbacks_lost=0.0)

    asyncio.run(scenario())


def test_postgres_crashing_under_load_loses_nothing(deployment: Deployment) -> None:
    async def scenario() -> None:
        async with a_day(deployment, "postgres") as day:
            with working(deployment, 1):
                ordering = asyncio.create_task(day.order())
                # A worker that is still starting would rightly refuse to start without a database.
                await day.judge.wait_until_some_are_at_work(within_s=60)
                await asyncio.to_thread(deployment.postgres.restart)
                await ordering
                await day.all_end()
                await day.check()

    asyncio.run(scenario())


def test_workers_told_to_stop_under_load_are_gone_in_time_and_lose_nothing(
    deployment: Deployment,
) -> None:
    async def scenario() -> None:
        async with a_day(deployment, "stopped") as day:
            with working(deployment, 1) as workers:
                await day.order()
                await day.judge.wait_until_some_are_at_work(within_s=30)
                told = time.monotonic()
                assert [code for code, _ in await asyncio.to_thread(workers.stop)] == [0]
                assert time.monotonic() - told <= 25
            with working(deployment, 1):
                await day.all_end()
                await day.check()

    asyncio.run(scenario())


def test_an_operator_audits_after_a_crash(deployment: Deployment) -> None:
    """``staging doctor --audit``: zero when recovery is done, else what is wrong and where."""

    async def scenario() -> None:
        async with a_day(deployment, "audited") as day:
            with working(deployment, 1) as workers:
                await day.order()
                await day.judge.wait_until_some_are_at_work(within_s=30)
                workers.kill()
            with working(deployment, 1):
                await day.all_end()
                await day.check()
            assert audit(deployment) == (0, SOUND)
            storage = day.judge.storage
            key = next(iter([entry.key async for entry in storage.entries("staged/")]))
            await storage.delete(key)
            code, told = audit(deployment)
            assert (code, told["I6"], told["error"]["code"]) == (1, 1, "invariant_violated")

    asyncio.run(scenario())


def audit(deployment: Deployment) -> tuple[int, dict[str, object]]:
    """Exit code and counts, as an operator's own process gets them."""
    ran = subprocess.run(
        [sys.executable, "-m", "staging_core", "doctor", "--audit", "--json"],
        env=deployment.environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ran.stdout, ran.stderr
    return ran.returncode, json.loads(ran.stdout)
