"""A database that is away is nobody's death: no job ends for it, and nothing in hand is dropped."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec

from staging_core import OWNER
from staging_core.acting import Images
from staging_core.audit import SOUND, Audit
from staging_core.database import jobs
from staging_core.interfaces import Photo
from staging_core.models import Attempt, CannotTell, Failed, Staged, StageRequest, Waiting
from staging_core.ports import Ports

from .deferred import Provider, attempts_of, carry_all, opened, run
from .failing_database import FailsAt
from .house import House

LEASE_S = 0.6


class Gone(Exception):
    """No connection came about."""


class Cable:
    """Between us and the database; while it is ``cut`` no transaction begins."""

    def __init__(self, house: House) -> None:
        self._behind: Any = house.ports.database.place
        self.cut = False
        house.ports.database.place = self

    def __getattr__(self, name: str) -> Any:
        return getattr(self._behind, name)

    @asynccontextmanager
    async def transaction(self, account_id: str | None, *, writes: bool) -> AsyncIterator[Any]:
        if self.cut:
            raise Gone
        async with self._behind.transaction(account_id, writes=writes) as begun:
            yield begun

    def outage(self, error: BaseException) -> str | None:
        return "it is away" if isinstance(error, Gone) else self._behind.outage(error)


class Asked(Provider):
    """Tells when it is asked, and can keep whoever asks; nobody can look for its predictions."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.when_made: Callable[[], object] = lambda: None
        self.when_asked: Callable[[], object] = lambda: None
        self.asked, self.answers = asyncio.Event(), asyncio.Event()
        self.answers.set()

    async def create(self, request: StageRequest, photo: Photo, attempt: Attempt) -> str:
        handle = await super().create(request, photo, attempt)
        self.when_made()
        return handle

    async def check(self, handle: str) -> Waiting | Staged | Failed:
        self.asked.set()
        await self.answers.wait()
        outcome = await super().check(handle)
        self.when_asked()
        return outcome

    async def find(self, attempt: Attempt) -> CannotTell:
        return CannotTell()


def hasty(house: House) -> Ports:
    """Ports whose leases are short."""
    settings = msgspec.structs.replace(house.ports.settings, lease_s=LEASE_S)
    return replace(house.ports, settings=settings)


async def crashes_of(house: House) -> int:
    image = (await Images(house.ports, OWNER).page())[0]
    async with house.ports.database.read() as tx:
        return int((await jobs.seen(tx, image.job.id))["crashes"])


def test_an_outage_that_outlasts_leases_is_nobodys_death(tmp_path: Path) -> None:
    provider = Asked()

    async def scenario() -> None:
        async with opened(tmp_path, provider, prediction_deadline_s=900) as (house, _):
            ports, cable = hasty(house), Cable(house)
            await house.submit()
            await house.step(ports)
            for _ in range(4):
                house.clock.ahead += 70
                provider.asked.clear()
                provider.answers.clear()
                asking = asyncio.create_task(house.step(ports))
                await provider.asked.wait()
                cable.cut = True
                await asking  # its lease was not renewed, so it lets go
                provider.answers.set()
                cable.cut = False
            assert await crashes_of(house) == 0
            assert await house.states() == ["waiting"]
            provider.finish("fake-1")
            house.clock.ahead += 70
            await carry_all(house)
            assert await house.states() == ["ready"]
            assert await Audit(house.ports).count() == SOUND

    run(scenario)


def test_what_cannot_be_written_for_a_moment_is_asked_again_and_not_left_to_its_lease(
    tmp_path: Path,
) -> None:
    provider = Asked()

    async def scenario() -> None:
        async with opened(tmp_path, provider) as (house, _):
            cable = Cable(house)
            await house.submit()
            await house.step()
            house.clock.ahead += 11

            def cut() -> None:
                cable.cut = True
                asyncio.get_running_loop().call_later(0.2, setattr, cable, "cut", False)

            provider.when_asked = cut
            await house.step()
            provider.when_asked = lambda: None
            provider.finish("fake-1")
            assert await house.step(), "it is due, and nobody holds it"
            assert await house.states() == ["ready"]
            assert await crashes_of(house) == 0

    run(scenario)


def test_an_answer_is_kept_in_hand_until_the_database_is_back_however_long_that_takes(
    tmp_path: Path,
) -> None:
    provider = Asked()

    async def scenario() -> None:
        async with opened(tmp_path, provider) as (house, _):
            ports, cable = hasty(house), Cable(house)
            await house.submit()
            provider.when_made = lambda: setattr(cable, "cut", True)
            asking = asyncio.create_task(house.step(ports))
            await asyncio.wait([asking], timeout=4 * LEASE_S)
            cable.cut = False
            await asking
            attempts = await attempts_of(house)
            assert [(each.state, each.handle) for each in attempts] == [("waiting", "fake-1")]

    run(scenario)


def test_a_job_that_is_being_prepared_stumbles_over_no_database(tmp_path: Path) -> None:
    provider = Provider()

    async def scenario() -> None:
        async with opened(tmp_path, provider) as (house, _):
            database: Any = FailsAt(house.ports.database, "submitted", 4)
            await house.submit()
            for _ in range(4):
                await house.step(replace(house.ports, database=database))
                house.clock.ahead += 20
            await house.step()
            assert await house.states() == ["waiting"]
            assert await crashes_of(house) == 0
            assert len(provider.posts) == 1

    run(scenario)
