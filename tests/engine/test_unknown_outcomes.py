"""A create whose answer was lost: found at the provider, never paid for twice."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from staging_core import OWNER
from staging_core.acting import Images
from staging_core.audit import SOUND, Audit
from staging_core.database import attempts
from staging_core.models import Attempt, CannotTell
from staging_core.predictions import MOST_LOOKS
from staging_core.recovery import Recovery

from .deferred import Provider, attempts_of, call_back, carry_all, opened, run
from .house import House


def test_a_lost_answer_is_found_at_the_provider_and_never_posted_again(tmp_path: Path) -> None:
    provider = Provider(finish_after=1)

    async def scenario() -> None:
        async with opened(tmp_path, provider) as (house, _):
            await house.submit()
            provider.lose_answer()
            await carry_all(house)
            assert await house.states() == ["submitted"]
            assert [attempt.state for attempt in await attempts_of(house)] == ["unknown"]
            house.clock.ahead += 3
            await carry_all(house)
            assert await house.states() == ["ready"]
            assert len(provider.posts) == 1

    run(scenario)


def test_a_lost_answer_is_known_from_the_callback_before_anybody_looks(tmp_path: Path) -> None:
    provider = Provider(finish_after=1)

    async def scenario() -> None:
        async with opened(tmp_path, provider) as (house, reception):
            await house.submit()
            provider.lose_answer()
            await carry_all(house)
            await call_back(house, reception, provider, "fake-1")
            await carry_all(house)
            assert await house.states() == ["ready"]
            assert (len(provider.posts), provider.gets) == (1, 1)

    run(scenario)


class Blind(Provider):
    """Its list is empty however often it is asked."""

    async def find(self, attempt: Attempt) -> CannotTell:
        return CannotTell()


def test_an_answer_that_never_comes_is_a_new_attempt_and_a_late_prediction_is_waste(
    tmp_path: Path,
) -> None:
    provider = Blind(cost_usd=0.25)

    async def scenario() -> None:
        async with opened(tmp_path, provider) as (house, reception):
            await house.submit()
            provider.lose_answer()
            for _ in range(12):
                await carry_all(house)
                house.clock.ahead += 10
            assert await house.states() == ["waiting"]
            provider.finish("fake-1")
            await call_back(house, reception, provider, "fake-1")
            provider.finish("fake-2")
            await call_back(house, reception, provider, "fake-2")
            await carry_all(house)
            await Recovery(house.ports).sweep()
            assert await house.states() == ["ready"]
            first, second = await attempts_of(house)
            assert (first.state, first.cost_usd) == ("waste", 0.25)
            assert (second.state, second.cost_usd) == ("succeeded", 0.25)
            assert (await Images(house.ports, OWNER).page())[0].job.cost_usd == 0.5
            assert provider.cancelled == ["fake-1"]
            assert await Audit(house.ports).count() == SOUND

    run(scenario)


def test_a_late_prediction_is_taken_up_while_its_job_has_no_other(tmp_path: Path) -> None:
    provider = Blind(finish_after=1)

    async def scenario() -> None:
        async with opened(tmp_path, provider) as (house, reception):
            await house.submit()
            provider.lose_answer()
            await carry_all(house)
            house.clock.ahead += 91
            await house.step()
            assert await house.states() == ["queued"]
            await call_back(house, reception, provider, "fake-1")
            await carry_all(house)
            assert await house.states() == ["ready"]
            assert len(provider.posts) == 1
            assert await Audit(house.ports).count() == SOUND

    run(scenario)


@asynccontextmanager
async def given_up(home: Path, provider: Provider) -> AsyncIterator[House]:
    """A house whose one job was cancelled while the answer to its attempt was lost."""
    async with opened(home, provider) as (house, _):
        group = await house.submit()
        provider.land_late()
        await carry_all(house)
        await Images(house.ports, OWNER).cancel(group.images[0].id)
        yield house


@pytest.mark.parametrize(
    ("hidden", "apart_s"),
    [(2, 120.0), (MOST_LOOKS - 1, 32 * 86_400.0)],
    ids=["soon", "where no worker runs for months"],
)
def test_a_prediction_of_a_cancelled_job_is_looked_for_and_cancelled_too(
    tmp_path: Path, hidden: int, apart_s: float
) -> None:
    provider = Provider()

    async def scenario() -> None:
        async with given_up(tmp_path, provider) as house:
            provider.predictions["fake-1"].hidden = hidden
            for _ in range(hidden + 2):
                house.clock.ahead += apart_s
                await Recovery(house.ports).sweep()
            assert provider.cancelled == ["fake-1"]
            assert [attempt.state for attempt in await attempts_of(house)] == ["waste"]

    run(scenario)


def test_a_prediction_that_does_not_exist_is_looked_for_for_an_hour(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with given_up(tmp_path, Blind()) as house:
            since = house.clock()
            while await _is_looked_for(house):
                house.clock.ahead += 15
                await Recovery(house.ports).sweep()
            assert house.clock() - since == pytest.approx(3600, abs=240)

    run(scenario)


async def _is_looked_for(house: House) -> bool:
    async with house.ports.database.read() as tx:
        return await attempts.any_looked_for(tx, OWNER.account_id)
