"""The worker between claims: it waits, it does not spin, and nobody gets more than a share."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from staging_core import OWNER, Principal, stage
from staging_core.database import claims
from staging_core.errors import Busy, SettingError, StorageError
from staging_core.imaging.decoder import Decoder
from staging_core.models import Attempt, Staged, StageRequest, Wake
from staging_core.payments.ending import Ending
from staging_core.pipeline import Look, Pipeline
from staging_core.recovery import Recovery
from staging_core.testing.fake_stager import FakeStager

from .conftest import Install
from .house import open_house
from .pictures import photo


def test_a_worker_whose_places_are_taken_asks_the_database_nothing(
    install: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = 0
    next_due = claims.next_due

    async def counted(*arguments: object, **named: object) -> float | None:
        nonlocal asked
        asked += 1
        return await next_due(*arguments, **named)  # type: ignore[arg-type]

    async def scenario() -> None:
        async with install("fake:?script=hangs&in_flight=1", shutdown_s=0.1) as staging:
            me = staging.acting_as(OWNER)
            group = await me.images.submit(photo(), room="bedroom", style="modern", variants=3)
            async for event in me.events(group):
                if event.state == "staging":
                    break
            monkeypatch.setattr(claims, "next_due", counted)
            await asyncio.sleep(1)
            assert asked <= 1

    asyncio.run(scenario())


def test_an_account_has_no_more_jobs_at_work_than_its_share_and_others_go_on(
    install: Install,
) -> None:
    async def scenario() -> None:
        async with install("fake:?script=hangs", max_in_flight=2, shutdown_s=0.1) as staging:
            large, small = [
                staging.acting_as(Principal(account_id=name)) for name in ("large", "small")
            ]
            many = await large.images.submit(photo(), room="bedroom", style="modern", variants=5)
            one = await small.images.submit(photo(), room="bedroom", style="modern")
            async for event in small.events(one):
                if event.state == "staging":
                    break
            await asyncio.sleep(0.5)
            states = [image.job.state for image in (await large.images.group(many.id)).images]
            assert sorted(states) == ["queued"] * 3 + ["staging"] * 2

    asyncio.run(scenario())


class Nonsense(FakeStager):
    """Reports progress that is no number."""

    async def stage(self, request: StageRequest, photo: Any, attempt: Attempt) -> Staged:
        attempt.progress(float("nan"), "dividing by zero")
        await asyncio.sleep(3)
        return await super().stage(request, photo, attempt)


def test_progress_that_is_no_number_does_not_cost_the_lease(install: Install) -> None:
    async def scenario() -> None:
        async with install((Nonsense(),), lease_s=2) as staging:
            me = staging.acting_as(OWNER)
            group = await me.wait(await me.images.submit(photo(), room="bedroom", style="modern"))
            assert group.images[0].job.state == "ready"
            assert group.images[0].job.attempts == 1

    asyncio.run(scenario())


class Endless(FakeStager):
    """Is busy until the end of time."""

    async def stage(self, request: StageRequest, photo: Any, attempt: Attempt) -> Staged:
        raise Busy("Come back never.", retry_after_s=float("inf"))


def test_a_job_of_a_busy_model_is_asked_about_again_within_an_hour(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with (
            Decoder() as decoder,
            open_house(tmp_path, Endless(), decoder=decoder) as house,
        ):
            await house.submit()
            assert await house.step()
            assert not await house.step()
            house.clock.ahead += 3601
            assert await house.step()

    asyncio.run(scenario())


def test_a_storage_that_is_away_for_a_while_ends_no_job(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with (
            Decoder() as decoder,
            open_house(tmp_path, FakeStager(), decoder=decoder) as house,
        ):
            away: Any = Away()
            ports = replace(house.ports, storage=away)
            await house.submit(variants=3)
            for _ in range(10):
                while await house.step(ports):
                    pass
                house.clock.ahead += 10
            assert await house.states() == ["queued"] * 3
            house.clock.ahead += 60
            while await house.step():
                pass
            assert await house.states() == ["ready"] * 3

    asyncio.run(scenario())


class Away:
    """A storage that is away."""

    async def stat(self, key: str) -> None:
        raise StorageError("No route to the storage.")


class PokesOnly:
    """A queue that hands out nothing."""

    async def poke(self, wake: Wake) -> None:
        """Take it, and no more."""


def test_staging_here_and_now_refuses_a_queue_that_would_let_it_wait_for_ever() -> None:
    with pytest.raises(SettingError, match="hand out work"):
        stage(
            photo(),
            room="bedroom",
            style="modern",
            stager="fake:",
            plugins=(),
            queue=PokesOnly(),
        )


def test_a_home_of_none_is_thrown_away_like_no_home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    stage(photo(), room="bedroom", style="modern", stager="fake:", plugins=(), home=None)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("lost_by", ["look", "do_deeds", "do_payments", "keep_up"])
def test_a_worker_ends_though_a_driver_loses_its_cancellation(
    install: Install, monkeypatch: pytest.MonkeyPatch, lost_by: str
) -> None:
    """As a database's driver does that answers a cancelled call with an error, or with a result."""
    called = asyncio.Event()

    async def loses_one(*_: object, **__: object) -> Look:
        if called.is_set():
            await asyncio.sleep(0.01)
            return Look(None, None)
        called.set()
        with suppress(asyncio.CancelledError):
            await asyncio.sleep(3600)
        return Look(None, None)

    async def scenario() -> None:
        async with install("fake:", worker=False) as staging:
            owner = Pipeline if lost_by == "look" else Recovery
            monkeypatch.setattr(owner, lost_by, loses_one)
            working = asyncio.create_task(staging.run_worker())
            await called.wait()
            working.cancel()
            async with asyncio.timeout(10):
                await asyncio.wait([working])
            assert working.cancelled()

    asyncio.run(scenario())


def test_a_payment_provider_that_hangs_holds_up_no_sweep_of_jobs(
    install: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, swept = asyncio.Event(), asyncio.Event()

    async def hangs(*_: object) -> int:
        asked.set()
        await asyncio.sleep(3600)
        return 0

    async def sweeps(*_: object) -> int:
        if asked.is_set():
            swept.set()
        return 0

    monkeypatch.setattr(Ending, "end", hangs)
    monkeypatch.setattr(Recovery, "nudge", sweeps)

    async def scenario() -> None:
        async with install("fake:", worker=False, sweep_s=0.05) as staging:
            working = asyncio.create_task(staging.run_worker())
            async with asyncio.timeout(10):
                await swept.wait()
            working.cancel()
            await asyncio.wait([working])

    asyncio.run(scenario())
