"""A job at its provider whose question kills who asks: three times, and it is dead."""

from __future__ import annotations

from pathlib import Path

import pytest

from staging_core import OWNER
from staging_core.acting import Images, Jobs
from staging_core.audit import SOUND, Audit
from staging_core.database import jobs
from staging_core.interfaces import Photo
from staging_core.models import (
    Absent,
    Attempt,
    CannotTell,
    Failed,
    Found,
    Staged,
    StageRequest,
    Waiting,
)
from staging_core.recovery import Recovery

from .crashing import Crash
from .deferred import Provider, attempts_of, carry_all, opened, run
from .house import House


class Deadly(Provider):
    """``kills``: the calls that the process does not survive."""

    kills: frozenset[str] = frozenset()

    async def create(self, request: StageRequest, photo: Photo, attempt: Attempt) -> str:
        handle = await super().create(request, photo, attempt)
        if "create" in self.kills:
            raise Crash
        return handle

    async def check(self, handle: str) -> Waiting | Staged | Failed:
        if "check" in self.kills:
            raise Crash
        return await super().check(handle)

    async def find(self, attempt: Attempt) -> Found | Absent | CannotTell:
        if "find" in self.kills:
            raise Crash
        return await super().find(attempt)


async def workers(house: House, number: int) -> int:
    """One after the other takes up what is due; how many died of it."""
    died = 0
    for _ in range(number):
        house.clock.ahead += 16
        try:
            await house.step()
        except Crash:
            died += 1
    return died


async def crashes_of(house: House) -> int:
    image = (await Images(house.ports, OWNER).page())[0]
    async with house.ports.database.read() as tx:
        return int((await jobs.seen(tx, image.job.id))["crashes"])


@pytest.mark.parametrize("call", ["check", "find"])
def test_a_question_that_kills_three_workers_ends_the_job(tmp_path: Path, call: str) -> None:
    provider = Deadly(cost_usd=0.04)
    provider.kills = frozenset({call})

    async def scenario() -> None:
        async with opened(tmp_path, provider) as (house, _):
            await house.submit()
            if call == "find":
                provider.lose_answer()
            await carry_all(house)
            assert await workers(house, 8) == 3
            image = (await Images(house.ports, OWNER).page())[0]
            assert (image.job.state, image.job.error) == ("error", "attempts_exhausted")
            assert "3 times" in (image.job.message or "")
            provider.kills = frozenset()
            for _ in range(3):
                house.clock.ahead += 60
                await Recovery(house.ports).sweep()
            assert provider.cancelled == ["fake-1"]
            assert len(provider.posts) == 1
            assert await Audit(house.ports).count() == SOUND

    run(scenario)


def test_what_its_workers_gave_back_killed_nobody(tmp_path: Path) -> None:
    provider = Deadly()

    async def scenario() -> None:
        async with opened(tmp_path, provider, prediction_deadline_s=900) as (house, _):
            await house.submit()
            await carry_all(house)
            assert await workers(house, 8) == 0
            assert await house.states() == ["waiting"]
            assert await crashes_of(house) == 0
            provider.silent = True
            assert await workers(house, 8) == 0
            assert await crashes_of(house) == 0

    run(scenario)


def test_two_deaths_are_survived(tmp_path: Path) -> None:
    provider = Deadly()

    async def scenario() -> None:
        async with opened(tmp_path, provider) as (house, _):
            await house.submit()
            await carry_all(house)
            provider.kills = frozenset({"check"})
            assert await workers(house, 2) == 2
            assert await crashes_of(house) == 1
            provider.kills = frozenset()
            provider.finish("fake-1")
            await workers(house, 6)
            assert await house.states() == ["ready"]

    run(scenario)


def test_a_create_that_kills_is_an_attempt_each_time(tmp_path: Path) -> None:
    provider = Deadly()
    provider.kills = frozenset({"create"})

    async def scenario() -> None:
        async with opened(tmp_path, provider) as (house, _):
            await house.submit()
            assert await workers(house, 2) == 1
            assert await house.states() == ["waiting"], "found again"
            assert await crashes_of(house) == 0
            assert [attempt.state for attempt in await attempts_of(house)] == ["waiting"]
            history = await Jobs(house.ports, OWNER).history(
                (await Images(house.ports, OWNER).page())[0].job.id
            )
            assert [event.seq for event in history] == list(range(1, len(history) + 1))

    run(scenario)
