"""A deferred job: created once, waited for with nothing held, fetched, never paid for twice."""

from __future__ import annotations

import time
from itertools import pairwise
from pathlib import Path

import pytest

from staging_core import OWNER
from staging_core.acting import Images
from staging_core.audit import SOUND, Audit
from staging_core.database import claims
from staging_core.interfaces import Photo
from staging_core.models import Attempt, StageRequest
from staging_core.recovery import Recovery

from .deferred import Provider, attempts_of, call_back, carry_all, history_of, opened, run


def test_the_healthy_way_costs_one_create_and_one_get_after_the_callback(tmp_path: Path) -> None:
    provider = Provider(cost_usd=0.04)

    async def scenario() -> None:
        async with opened(tmp_path, provider) as (house, reception):
            await house.submit()
            await carry_all(house)
            assert await house.states() == ["waiting"]
            provider.finish("fake-1")
            house.clock.ahead += 5
            assert not await house.step(), "nobody asks before the callback or the poll"
            assert await call_back(house, reception, provider, "fake-1") == "received"
            await carry_all(house)
            assert await house.states() == ["ready"]
            assert (len(provider.posts), provider.gets) == (1, 1)
            job = (await Images(house.ports, OWNER).page())[0].job
            assert (job.cost_usd, job.attempts) == (0.04, 1)
            moves = [event.state for event in await history_of(house)]
            assert moves == [
                "queued",
                "preparing",
                "submitted",
                "waiting",
                "fetching",
                "finalizing",
                "ready",
            ]
            assert await Audit(house.ports).count() == SOUND

    run(scenario)


def test_without_callbacks_it_is_polled_at_growing_pauses(tmp_path: Path) -> None:
    provider = Provider()

    async def scenario() -> None:
        async with opened(tmp_path, provider, prediction_deadline_s=3000) as (house, _):
            await house.submit()
            await carry_all(house)
            asked_at = [house.clock()]
            for _ in range(11):
                async with house.ports.database.read() as tx:
                    due = await claims.next_due(tx, ["fake-deferred"], starting=[])
                assert due is not None
                house.clock.ahead += due - house.clock() + 0.01
                assert await house.step()
                asked_at.append(due)
            pauses = [later - sooner for sooner, later in pairwise(asked_at)]
            assert 9 < pauses[0] <= 10
            assert all(later > sooner - 1 for sooner, later in pairwise(pauses))
            assert 59 <= pauses[-1] <= 60.1
            assert provider.gets == 11

    run(scenario)


def test_a_prediction_past_its_deadline_is_cancelled_and_another_attempt_made(
    tmp_path: Path,
) -> None:
    provider = Provider(cost_usd=0.5)

    async def scenario() -> None:
        async with opened(tmp_path, provider) as (house, reception):
            await house.submit()
            await carry_all(house)
            house.clock.ahead += 301
            await carry_all(house)
            house.clock.ahead += 2
            await carry_all(house)
            assert await house.states() == ["waiting"]
            await Recovery(house.ports).sweep()
            assert provider.cancelled == ["fake-1"]
            provider.finish("fake-2")
            await call_back(house, reception, provider, "fake-2")
            await carry_all(house)
            assert await house.states() == ["ready"]
            states = [attempt.state for attempt in await attempts_of(house)]
            assert states == ["failed", "succeeded"]
            assert await Audit(house.ports).count() == SOUND

    run(scenario)


def test_a_provider_that_says_nothing_is_asked_later_and_costs_no_attempt(tmp_path: Path) -> None:
    provider = Provider(finish_after=1)

    async def scenario() -> None:
        async with opened(tmp_path, provider) as (house, _):
            await house.submit()
            await carry_all(house)
            provider.silent = True
            house.clock.ahead += 11
            await carry_all(house)
            assert await house.states() == ["waiting"]
            provider.silent = False
            house.clock.ahead += 61
            await carry_all(house)
            assert await house.states() == ["ready"]
            assert len(await attempts_of(house)) == 1

    run(scenario)


def test_a_provider_that_is_away_at_the_deadline_has_ended_nothing(tmp_path: Path) -> None:
    """What it made may lie there, paid for: it is asked until it is back, for half an hour."""
    provider = Provider(cost_usd=0.04)

    async def scenario() -> None:
        async with opened(tmp_path, provider) as (house, _):
            await house.submit()
            await carry_all(house)
            provider.finish("fake-1")
            provider.silent = True
            for _ in range(20):
                house.clock.ahead += 60
                await carry_all(house)
            assert await house.states() == ["waiting"]
            provider.silent = False
            house.clock.ahead += 60
            await carry_all(house)
            assert await house.states() == ["ready"]
            assert len(provider.posts) == 1

    run(scenario)


def test_a_provider_that_stays_away_is_given_up_in_the_end(tmp_path: Path) -> None:
    provider = Provider()

    async def scenario() -> None:
        async with opened(tmp_path, provider) as (house, _):
            await house.submit()
            await carry_all(house)
            provider.silent = True
            house.clock.ahead += 300 + 1800
            await carry_all(house)
            assert [attempt.state for attempt in await attempts_of(house)] == ["failed"]

    run(scenario)


@pytest.mark.parametrize("ahead", [240, -240])
def test_a_model_has_its_time_whatever_a_workers_clock_says(tmp_path: Path, ahead: float) -> None:
    """Deadlines are of the database's clock; who makes a ``Cancel-After`` of one has another."""

    class Timed(Provider):
        left_s = 0.0

        async def create(self, request: StageRequest, photo: Photo, attempt: Attempt) -> str:
            self.left_s = attempt.deadline - time.time()
            return await super().create(request, photo, attempt)

    provider = Timed()

    async def scenario() -> None:
        async with opened(tmp_path, provider) as (house, _):
            house.clock.ahead = ahead
            await house.submit()
            await house.step()
            assert provider.left_s == pytest.approx(300, abs=10)

    run(scenario)


def test_cancelling_a_waiting_job_releases_it_at_once_and_stops_the_prediction(
    tmp_path: Path,
) -> None:
    provider = Provider()

    async def scenario() -> None:
        async with opened(tmp_path, provider) as (house, _):
            group = await house.submit()
            await carry_all(house)
            image = await Images(house.ports, OWNER).cancel(group.images[0].id)
            assert image.job.state == "cancelled"
            assert provider.cancelled == []
            await Recovery(house.ports).sweep()
            assert provider.cancelled == ["fake-1"]
            assert await Audit(house.ports).count() == SOUND

    run(scenario)
