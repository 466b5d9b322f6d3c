"""What is paid for is not lost: not by a stop, a database that fails, or outputs that come late."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest
import sqlalchemy as sa

from staging_core import OWNER
from staging_core.acting import AttemptRecord, Images, Jobs
from staging_core.database import files, tables
from staging_core.errors import Busy, OutputGone, OutputUnavailable
from staging_core.imaging.decoder import Decoder
from staging_core.models import Attempt, CannotTell, JobState, Output, Staged
from staging_core.photo import once
from staging_core.ports import Ports
from staging_core.reception import Reception
from staging_core.recovery import Recovery
from staging_core.testing.fake_deferred import FakeDeferred

from .failing_database import FailsAt
from .house import House, open_house


class Once(FakeDeferred):
    """Its predictions cannot be looked for: whoever loses a handle has lost it."""

    def __init__(self, *, when_made: Callable[[], object] = lambda: None, **options: Any) -> None:
        super().__init__(**options)
        self.when_made = when_made

    async def create(self, request: Any, photo: Any, attempt: Attempt) -> str:
        handle = await super().create(request, photo, attempt)
        self.when_made()
        return handle

    async def find(self, attempt: Attempt) -> CannotTell:
        return CannotTell()


def run(home: Path, provider: FakeDeferred, scenario: Callable[[House], Awaitable[None]]) -> None:
    async def opened() -> None:
        async with Decoder() as decoder, open_house(home, provider, decoder=decoder) as house:
            await house.submit()
            await scenario(house)

    asyncio.run(opened())


def failing_once(ports: Ports, state: JobState) -> Ports:
    return replace(ports, database=FailsAt(ports.database, state))  # type: ignore[arg-type]


async def attempts_of(house: House) -> list[AttemptRecord]:
    page = await Images(house.ports, OWNER).page()
    return await Jobs(house.ports, OWNER).attempts(page[0].job.id)


async def told(house: House) -> list[tuple[str, str | None]]:
    return [(each.state, each.handle) for each in await attempts_of(house)]


def test_a_worker_that_is_stopped_with_the_answer_in_its_hands_writes_it_down(
    tmp_path: Path,
) -> None:
    provider = Once(finish_after=1)

    async def scenario(house: House) -> None:
        working = asyncio.create_task(house.step())
        provider.when_made = working.cancel
        await asyncio.wait([working])
        assert await told(house) == [("waiting", "fake-1")]
        house.clock.ahead += 20
        await house.step()
        assert await house.states() == ["ready"]

    run(tmp_path, provider, scenario)


def test_an_answer_outlives_a_database_that_is_away_for_a_moment(tmp_path: Path) -> None:
    async def scenario(house: House) -> None:
        await house.step(failing_once(house.ports, "waiting"))
        assert await told(house) == [("waiting", "fake-1")]

    run(tmp_path, Once(), scenario)


def test_a_result_whose_checkpoint_was_not_written_is_fetched_again_and_not_paid_again(
    tmp_path: Path,
) -> None:
    provider = Once(finish_after=1)

    async def scenario(house: House) -> None:
        ports = failing_once(house.ports, "finalizing")
        for _ in range(4):
            await house.step(ports)
            house.clock.ahead += 20
        assert await house.states() == ["ready"]
        assert len(provider.posts) == 1

    run(tmp_path, provider, scenario)


class Away(Once):
    """Draws at once, and puts it where nobody gets it from for a while."""

    def __init__(self, said: OutputUnavailable | None = None) -> None:
        super().__init__(finish_after=1)
        self.tries = 0
        self.away = True
        self.said = said or OutputUnavailable("It could not be fetched from cdn.example.")

    async def check(self, handle: str) -> Any:
        outcome = await super().check(handle)
        assert isinstance(outcome, Staged)
        return Staged(outputs=(Output(url="https://cdn.example/1.png"),), cost_usd=0.04)

    async def fetch(self, url: str, *, hosts: object) -> bytes:
        self.tries += 1
        if self.away:
            raise self.said
        output = self.predictions[f"fake-{len(self.posts)}"].output
        assert output is not None
        return output


@pytest.mark.parametrize(
    ("steps", "pause_s", "most"), [(40, 1, 10), (60, 30, 60)], ids=["half a minute", "half an hour"]
)
def test_a_place_of_outputs_that_is_away_for_a_while_costs_no_second_prediction(
    tmp_path: Path, steps: int, pause_s: float, most: int
) -> None:
    provider = Away()

    async def scenario(house: House) -> None:
        ports = replace(house.ports, downloads=provider)  # type: ignore[arg-type]
        for _ in range(steps):
            await house.step(ports)
            house.clock.ahead += pause_s
        provider.away = False
        house.clock.ahead += 60
        await house.step(ports)
        assert await house.states() == ["ready"]
        assert len(provider.posts) == 1
        assert provider.tries < most, "it is asked at growing pauses"

    run(tmp_path, provider, scenario)


def test_an_output_that_is_said_to_be_gone_is_drawn_again_after_a_minute_or_two(
    tmp_path: Path,
) -> None:
    provider = Away(OutputGone("cdn.example answers 404 for the output."))

    async def scenario(house: House) -> None:
        ports = replace(house.ports, downloads=provider)  # type: ignore[arg-type]
        for _ in range(20):
            await house.step(ports)
            house.clock.ahead += 20
            provider.away = len(provider.posts) == 1
        assert await house.states() == ["ready"]
        assert len(provider.posts) == 2

    run(tmp_path, provider, scenario)


@pytest.mark.parametrize("left_in", ["preparing", "fetching", "finalizing"])
def test_what_a_dead_worker_held_ends_too_when_nobody_opens_its_model_any_more(
    tmp_path: Path, left_in: str
) -> None:
    async def scenario(house: House) -> None:
        async with house.ports.database.write() as tx:
            await tx.execute(sa.update(tables.jobs).values(state=left_in, fence=1))
        gone = replace(house.ports, stagers={"other": FakeDeferred(name="other")})
        for _ in range(2):
            house.clock.ahead += 3700
            await Recovery(gone).sweep()
        assert await house.states() == ["error"]

    run(tmp_path, Once(), scenario)


def test_a_deletion_that_comes_late_spares_what_is_there_again(tmp_path: Path) -> None:
    async def scenario(house: House) -> None:
        key, storage, database = (
            f"working/{'0' * 32}/x.png",
            house.ports.storage,
            house.ports.database,
        )

        async def borrow() -> None:
            async with database.write() as tx:
                await files.borrow(tx, key, account_id="local", kind="working", grace_s=60)
            await storage.put(key, once(b"x"), content_type="image/png")

        await borrow()
        house.clock.ahead += 61
        assert await Recovery(house.ports).expire_files() == 1
        await borrow()
        await Recovery(house.ports).empty_outbox()
        assert await storage.stat(key) is not None

    run(tmp_path, Once(), scenario)


def test_a_second_prediction_of_an_attempt_is_stopped_and_told(tmp_path: Path) -> None:
    """No provider should make one; where a gateway in between repeats a request, it does."""
    provider = Once()

    async def scenario(house: House) -> None:
        await house.step()
        first = provider.predictions["fake-1"]
        provider.predictions["fake-2"] = msgspec.structs.replace(first, handle="fake-2")
        callback = provider.callback("fake-2", at=house.clock())
        await Reception(house.ports).receive(callback, first.attempt_id)
        await Recovery(house.ports).sweep()
        assert provider.predictions["fake-2"].status == "cancelled"
        assert first.status == "running"
        assert await told(house) == [("waiting", "fake-1"), ("waste", "fake-2")]

    run(tmp_path, provider, scenario)


class Hasty(Once):
    """Busy, but not for long, it says."""

    async def create(self, request: Any, photo: Any, attempt: Attempt) -> str:
        raise Busy("Again.", retry_after_s=0.0)


def test_a_provider_that_is_busy_for_no_time_at_all_is_not_asked_without_a_pause(
    tmp_path: Path,
) -> None:
    async def scenario(house: House) -> None:
        await house.step()
        job = (await Images(house.ports, OWNER).page())[0].job
        *_, last = await Jobs(house.ports, OWNER).history(job.id)
        assert last.data["retry_in_s"] >= 0.25

    run(tmp_path, Hasty(), scenario)
