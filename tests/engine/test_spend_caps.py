"""Caps on what models may cost in a day: jobs wait, none fails, and no run goes beyond them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from staging_core import OWNER
from staging_core.acting import Images
from staging_core.audit import Audit
from staging_core.database import runtime
from staging_core.models import Failed, Price, Staged, Waiting
from staging_core.pipeline import Pipeline
from staging_core.reception import Reception
from staging_core.recovery import Recovery
from staging_core.testing.fake_stager import FakeStager

from .deferred import Provider, attempts_of, call_back, carry_all, history_of, opened, run
from .house import House

both = pytest.mark.parametrize("database", ["sqlite", "postgresql"], indirect=True)
DAY_S = 86_400


@asynccontextmanager
async def opened_at_dawn(
    home: Path, stager: object, **settings: Any
) -> AsyncIterator[tuple[House, Reception]]:
    """An installation whose day (UTC) has just begun, so that no test runs into the next."""
    async with opened(home, stager, **settings) as (house, reception):
        await until_tomorrow(house)
        yield house, reception


async def until_tomorrow(house: House) -> None:
    """The day (UTC) is over, and so are the pauses of what waits for its end."""
    house.clock.ahead += DAY_S - house.clock() % DAY_S + 2_000


async def assert_sound(house: House) -> None:
    assert await Audit(house.ports).violations() == []


async def job_of(house: House) -> Any:
    page = await Images(house.ports, OWNER).page()
    return page[0].job


@pytest.mark.parametrize("setting", ["daily_spend_usd", "account_daily_spend_usd"])
def test_beyond_a_cap_jobs_wait_and_go_on_the_next_day(tmp_path: Path, setting: str) -> None:
    provider = Provider(cost_usd=0.04)

    async def scenario() -> None:
        async with opened_at_dawn(tmp_path, provider, **{setting: 0.1}) as (house, _):
            await house.submit(variants=3)
            await carry_all(house)
            assert sorted(await house.states()) == ["queued", "waiting", "waiting"]
            house.clock.ahead += 60
            await carry_all(house)
            assert len(provider.posts) == 2
            await assert_sound(house)
            await until_tomorrow(house)
            await carry_all(house)
            assert len(provider.posts) == 3
            await assert_sound(house)

    run(scenario)


def test_a_job_that_a_cap_keeps_waiting_says_so_and_has_no_attempt(tmp_path: Path) -> None:
    provider = Provider(cost_usd=0.04)

    async def scenario() -> None:
        async with opened_at_dawn(tmp_path, provider, daily_spend_usd=0) as (house, _):
            await house.submit()
            await carry_all(house)
            job = await job_of(house)
            assert (job.state, job.phase, job.attempts) == ("queued", "spend_capped", 0)
            assert await attempts_of(house) == []
            told = (await history_of(house))[-1].data
            assert told["reason"] == "spend_capped"
            assert told["setting"] == "daily_spend_usd"
            assert 0 < told["retry_in_s"] <= 1_000

    run(scenario)


def test_a_cap_that_is_raised_lets_jobs_go_on(tmp_path: Path) -> None:
    provider = Provider(cost_usd=0.04)

    async def scenario() -> None:
        async with opened_at_dawn(tmp_path, provider, daily_spend_usd=0) as (house, _):
            await house.submit()
            await carry_all(house)
            async with house.ports.database.write() as tx:
                await runtime.choose(tx, "daily_spend_usd", 1.0, by="operator")
            house.ports.recent.forget()
            house.clock.ahead += 1_000
            await carry_all(house)
            job = await job_of(house)
            assert (job.state, job.phase) == ("waiting", "")

    run(scenario)


def test_a_project_has_a_cap_of_its_own(tmp_path: Path) -> None:
    from staging_core.acting import Projects

    provider = Provider(cost_usd=0.04)

    async def scenario() -> None:
        async with opened_at_dawn(tmp_path, provider, project_daily_spend_usd=0.05) as (house, _):
            projects = [
                await Projects(house.ports, OWNER).create(name) for name in ("One", "Another")
            ]
            for project in projects:
                await house.submit(variants=2, project_id=project.id, idempotency_key=project.id)
            await house.submit(variants=2)
            await carry_all(house)
            assert len(provider.posts) == 1 + 1 + 2, "what is in no project has no such cap"
            await assert_sound(house)

    run(scenario)


def test_a_model_without_a_price_is_never_capped(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with opened_at_dawn(tmp_path, FakeStager(), daily_spend_usd=0) as (house, _):
            await house.submit()
            await carry_all(house)
            assert await house.states() == ["ready"]

    run(scenario)


class Cheaper(Provider):
    """Costs a quarter of what its card says, and nothing when it fails."""

    def _outcome(self, prediction: Any) -> Waiting | Staged | Failed:
        outcome = super()._outcome(prediction)
        if isinstance(outcome, Staged):
            return msgspec.structs.replace(outcome, cost_usd=0.01)
        if isinstance(outcome, Failed):
            return msgspec.structs.replace(outcome, cost_usd=0.0)
        return outcome


@pytest.mark.parametrize("ends", ["finish", "fail", "cancel"])
def test_what_an_attempt_did_not_cost_is_there_again(tmp_path: Path, ends: str) -> None:
    provider = Cheaper(cost_usd=0.04)

    async def scenario() -> None:
        settings = {"account_daily_spend_usd": 0.05, "max_attempts": 1}
        async with opened_at_dawn(tmp_path, provider, **settings) as (house, reception):
            await house.submit(variants=2)
            await carry_all(house)
            assert sorted(await house.states()) == ["queued", "waiting"]
            if ends == "cancel":
                images = Images(house.ports, OWNER)
                waiting = [each for each in await images.page() if each.job.state == "waiting"]
                await images.cancel(waiting[0].id)
                await Recovery(house.ports).sweep()
            else:
                getattr(provider, ends)("fake-1")
                await call_back(house, reception, provider, "fake-1")
                await carry_all(house)
            await assert_sound(house)
            house.clock.ahead += 1_000
            await carry_all(house)
            assert len(provider.posts) == 2
            await assert_sound(house)

    run(scenario)


def test_what_is_not_known_stays_counted(tmp_path: Path) -> None:
    provider = Cheaper(cost_usd=0.04)

    async def scenario() -> None:
        settings = {"daily_spend_usd": 0.05, "max_attempts": 1, "unknown_outcome_s": 60}
        async with opened_at_dawn(tmp_path, provider, **settings) as (house, _):
            provider.land_late()
            await house.submit(variants=2)
            for _ in range(4):
                await carry_all(house)
                house.clock.ahead += 30
                provider.predictions["fake-1"].hidden = 9
            house.clock.ahead += 1_000
            await carry_all(house)
            assert provider.made() == 1, "the first may yet cost what its card says"
            await assert_sound(house)

    run(scenario)


class Answering(FakeStager):
    """Answers in the call, for money, and never well."""

    def __init__(self) -> None:
        super().__init__()
        self.card = msgspec.structs.replace(self.card, price=Price(usd=0.02, usd_per_megapixel=1))
        self.asked = 0

    async def stage(self, *_: Any) -> Staged:
        self.asked += 1
        raise RuntimeError("out of order")


def test_a_call_that_failed_counts_with_its_price(tmp_path: Path) -> None:
    stager = Answering()

    async def scenario() -> None:
        settings = {"daily_spend_usd": 0.09, "max_attempts": 100}
        async with opened_at_dawn(tmp_path, stager, **settings) as (house, _):
            await house.submit()
            for _ in range(20):
                await carry_all(house)
                house.clock.ahead += 900
            assert 1 <= stager.asked <= 4, "0.02 USD and the photo's pixels each"
            assert (await job_of(house)).state == "queued"
            await assert_sound(house)

    run(scenario)


class Failing(Provider):
    """Takes money for every run, and fails at once."""

    async def check(self, handle: str) -> Waiting | Staged | Failed:
        self.fail(handle)
        return await super().check(handle)


@both
def test_a_loop_of_failing_runs_and_a_thousand_creates_stay_within_the_cap(
    tmp_path: Path, database: dict[str, Any]
) -> None:
    provider = Failing(cost_usd=0.05, in_flight=10_000)
    settings = {
        "daily_spend_usd": 5.0,
        "max_attempts": 10,
        "provider_creates_per_minute": 1_000_000,
        "max_in_flight": 1_000,
        "backoff_max_s": 1,
        "poll_s": 0.1,
        **database,
    }

    async def scenario() -> None:
        async with opened_at_dawn(tmp_path, provider, **settings) as (house, _):
            for n in range(0, 1_000, 50):  # more at a time would be held up by the decoder alone
                orders = (house.submit(idempotency_key=f"k{number}") for number in range(n, n + 50))
                await asyncio.gather(*orders)
            assert len(await all_jobs(house)) == 1_000
            pipeline = Pipeline(house.ports)

            async def worker() -> None:
                while (found := await pipeline.look()).job is not None:
                    await pipeline.carry(found.job, found.attempt)

            rounds = 0
            while provider.made() < 100 or rounds % 20:  # and some more, in which nothing happens
                await asyncio.gather(*(worker() for _ in range(8)))
                house.clock.ahead += 20  # the breaker lets one at a time try again
                rounds += 1
            assert provider.made() == 100, "5 USD at 0.05 USD each"
            await assert_sound(house)

    run(scenario)


async def all_jobs(house: House) -> list[Any]:
    import sqlalchemy as sa

    from staging_core.database.tables import jobs

    async with house.ports.database.read() as tx:
        return list(await tx.rows(sa.select(jobs.c.id)))
