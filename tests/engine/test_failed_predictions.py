"""A prediction that fails: another one, another model, or the end of its job."""

from __future__ import annotations

from pathlib import Path

import pytest

from staging_core import OWNER
from staging_core.acting import Images
from staging_core.models import (
    Failed,
    Output,
    Staged,
    Waiting,
)
from staging_core.recovery import Recovery

from .deferred import Provider, attempts_of, call_back, carry_all, opened, run


def test_a_failed_prediction_is_tried_again_until_there_were_enough(tmp_path: Path) -> None:
    provider = Provider(cost_usd=0.1)

    async def scenario() -> None:
        async with opened(tmp_path, provider, max_attempts=3) as (house, reception):
            await house.submit()
            for number in range(1, 4):
                house.clock.ahead += 70
                await carry_all(house)
                provider.fail(f"fake-{number}")
                await call_back(house, reception, provider, f"fake-{number}")
                await carry_all(house)
            assert await house.states() == ["error"]
            job = (await Images(house.ports, OWNER).page())[0].job
            assert (job.error, len(provider.posts)) == ("attempts_exhausted", 3)
            assert job.cost_usd == pytest.approx(0.3)

    run(scenario)


def test_a_moderated_prediction_gets_one_new_seed_then_the_fallback_model(tmp_path: Path) -> None:
    strict, easy = Provider(name="strict"), Provider(name="easy", finish_after=1)

    async def scenario() -> None:
        async with opened(tmp_path, strict, easy, fallback="fake-deferred:easy") as (house, rec):
            group = await house.submit()
            seed = group.images[0].request.seed
            for number in (1, 2):
                await carry_all(house)
                strict.fail(f"fake-{number}", moderated=True)
                await call_back(house, rec, strict, f"fake-{number}")
                await carry_all(house)
            house.clock.ahead += 11
            await carry_all(house)
            image = (await Images(house.ports, OWNER).page())[0]
            assert (image.job.state, image.job.model) == ("ready", "fake-deferred:easy")
            assert image.request.seed != seed
            assert (len(strict.posts), len(easy.posts)) == (2, 1)

    run(scenario)


def test_a_moderated_prediction_without_a_fallback_ends_the_job(tmp_path: Path) -> None:
    provider = Provider()

    async def scenario() -> None:
        async with opened(tmp_path, provider) as (house, reception):
            await house.submit()
            for number in (1, 2):
                await carry_all(house)
                provider.fail(f"fake-{number}", moderated=True)
                await call_back(house, reception, provider, f"fake-{number}")
                await carry_all(house)
            image = (await Images(house.ports, OWNER).page())[0]
            assert (image.job.state, image.job.error) == ("error", "moderated")

    run(scenario)


class Elsewhere(Provider):
    """Puts its outputs where nobody may fetch them."""

    async def check(self, handle: str) -> Waiting | Staged | Failed:
        outcome = await super().check(handle)
        if isinstance(outcome, Staged):
            return Staged(outputs=(Output(url="https://169.254.169.254/latest"),), cost_usd=0.3)
        return outcome


def test_an_output_at_a_foreign_address_is_a_failed_attempt_whose_cost_is_booked(
    tmp_path: Path,
) -> None:
    provider = Elsewhere(finish_after=1)

    async def scenario() -> None:
        async with opened(tmp_path, provider, max_attempts=2) as (house, _):
            await house.submit()
            for _ in range(4):
                await carry_all(house)
                house.clock.ahead += 70
            assert await house.states() == ["error"]
            job = (await Images(house.ports, OWNER).page())[0].job
            assert (job.error, job.cost_usd) == ("attempts_exhausted", 0.6)
            assert (await attempts_of(house))[0].error == "output_refused"

    run(scenario)


def test_a_waiting_job_whose_model_nobody_opens_any_more_ends_after_an_hour(
    tmp_path: Path,
) -> None:
    async def scenario() -> None:
        async with opened(tmp_path, Provider()) as (house, _):
            await house.submit()
            await carry_all(house)
        async with opened(tmp_path, Provider(name="other")) as (house, _):
            house.clock.ahead += 90_000  # nobody swept for a day, so nobody was missed
            await Recovery(house.ports).sweep()
            assert await house.states() == ["waiting"]
            house.clock.ahead += 3700
            await Recovery(house.ports).sweep()
            assert await house.states() == ["error"]
            job = (await Images(house.ports, OWNER).page())[0].job
            assert job.error == "stager_missing"

    run(scenario)
