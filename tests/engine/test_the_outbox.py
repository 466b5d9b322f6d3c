"""What transactions leave to be done outside: each on its own, and what is never done is booked."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from staging_core import OWNER
from staging_core.acting import Images, Jobs
from staging_core.audit import SOUND, Audit
from staging_core.database import accounts, files, jobs, outbox, spend, tables
from staging_core.errors import Busy
from staging_core.models import Failed, Staged, Waiting
from staging_core.photo import once
from staging_core.recovery import Recovery
from staging_core.testing.fake_deferred import FakeDeferred

from .deferred import Provider, attempts_of, opened
from .house import House

KEY = f"working/{'0' * 32}/x.png"


async def left(house: House) -> list[str]:
    """The kinds of deeds that are still to be done."""
    async with house.ports.database.read() as tx:
        rows = await tx.rows(sa.select(tables.outbox.c.kind).order_by(tables.outbox.c.kind))
    return [row["kind"] for row in rows]


def test_deeds_that_only_a_newer_version_knows_are_left_to_it_and_hold_up_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def scenario() -> None:
        async with opened(tmp_path, FakeDeferred()) as (house, _):
            await house.submit()
            await house.ports.storage.put(KEY, once(b"x"), content_type="image/png")
            async with house.ports.database.write() as tx:
                for _ in range(120):  # more than are done at once
                    await outbox.post(tx, "local", "of_a_newer_version", {"more": 1})
            house.clock.ahead += 1
            async with house.ports.database.write() as tx:
                await outbox.post(tx, "local", "delete_object", {"key": KEY})
            recovery = Recovery(house.ports)
            house.clock.ahead += 1
            for _ in range(3):
                done = await recovery.sweep()
                assert done["failed"] == 0
                assert "purchases_settled" in done, "the rest of the sweep is done"
            assert await house.ports.storage.stat(KEY) is None
            assert await left(house) == ["of_a_newer_version"] * 120

    with caplog.at_level(logging.WARNING, logger="staging_core"):
        asyncio.run(scenario())
    assert [each for each in caplog.messages if "of_a_newer_version" in each] == [
        "outbox: of_a_newer_version is left to a newer version"
    ]


@pytest.mark.parametrize("database", ["sqlite", "postgresql"], indirect=True)
def test_of_any_number_of_objects_those_are_known_that_have_a_row_or_are_to_be_deleted(
    tmp_path: Path, database: dict[str, Any]
) -> None:
    """More than a statement of any database takes parameters."""
    keys = [f"staged/{'0' * 32}/{number}.png" for number in range(33_000)]

    async def scenario() -> None:
        async with opened(tmp_path / "home", FakeDeferred(), **database) as (house, _):
            async with house.ports.database.write() as tx:
                await accounts.ensure(tx, "local")
                await files.intend(tx, keys[1], account_id="local", kind="staged", grace_s=60)
                await outbox.post(tx, "local", "delete_object", {"key": keys[-1]})
                await outbox.post(tx, "local", "delete_object", {"key": KEY})
            async with house.ports.database.read() as tx:
                assert await files.known(tx, keys) == {keys[1], keys[-1]}

    asyncio.run(scenario())


async def booked(house: House) -> tuple[float, float]:
    """What the job's only attempt cost, and the job."""
    (attempt,) = await attempts_of(house)
    (image,) = await Images(house.ports, OWNER).page()
    async with house.ports.database.read("local") as tx:
        job = await jobs.fetch(tx, "local", image.job.id)
    return attempt.cost_usd, job["cost_usd"]


def test_a_prediction_whose_model_nobody_opens_any_more_is_booked_at_what_a_cap_counts_for_it(
    tmp_path: Path,
) -> None:
    async def scenario() -> None:
        provider = Provider(cost_usd=0.04)
        async with opened(tmp_path, provider, daily_spend_usd=1.0) as (house, _):
            await house.submit()
            await house.step()
            assert await house.states() == ["waiting"]
            gone = Recovery(replace(house.ports, stagers={"other": FakeDeferred(name="other")}))
            for _ in range(2):
                house.clock.ahead += 3700
                await gone.sweep()
            assert await house.states() == ["error"]
            assert await left(house) == ["cancel_prediction"], "somebody may open it again"
            assert await booked(house) == (0.0, 0.0)
            await sweep_for_an_hour(house, gone)
            assert await left(house) == []
            assert await booked(house) == (0.04, 0.04)
            async with house.ports.database.read() as tx:
                spent = await tx.rows(sa.select(tables.spend_days.c.spent))
            assert [row["spent"] for row in spent] == [spend.millionths(0.04)]
            assert await Audit(house.ports).count() == SOUND

    asyncio.run(scenario())


async def sweep_for_an_hour(house: House, recovery: Recovery) -> None:
    """Until so much is given up as is asked for so long."""
    for _ in range(60):
        assert await left(house) == ["cancel_prediction"]
        house.clock.ahead += 61
        await recovery.sweep()
    for _ in range(6):  # the first pauses were shorter
        house.clock.ahead += 61
        await recovery.sweep()


class Mute(Provider):
    """Cannot be asked to cancel anything."""

    async def cancel(self, handle: str) -> None:
        raise TimeoutError("no answer")


def test_a_prediction_that_could_not_be_cancelled_is_booked_at_its_cards_price(
    tmp_path: Path,
) -> None:
    async def scenario() -> None:
        async with opened(tmp_path, Mute(cost_usd=0.04)) as (house, _):
            await house.submit()
            await house.step()
            (image,) = await Images(house.ports, OWNER).page()
            await Jobs(house.ports, OWNER).cancel(image.job.id)
            recovery = Recovery(house.ports)
            await recovery.sweep()
            assert await left(house) == ["cancel_prediction"]
            await sweep_for_an_hour(house, recovery)
            assert await left(house) == []
            assert await booked(house) == (0.04, 0.04)

    asyncio.run(scenario())


def test_what_a_prediction_cost_is_asked_for_an_hour_also_after_a_month_without_a_worker(
    tmp_path: Path,
) -> None:
    async def scenario() -> None:
        provider = Provider(cost_usd=0.04)
        async with opened(tmp_path, provider) as (house, _):
            await house.submit()
            await house.step()
            (image,) = await Images(house.ports, OWNER).page()
            await Jobs(house.ports, OWNER).cancel(image.job.id)
            house.clock.ahead += 32 * 86_400.0
            provider.silent = True
            recovery = Recovery(house.ports)
            await recovery.sweep()
            assert await left(house) == ["cancel_prediction"], "it was asked only once"
            provider.silent = False
            house.clock.ahead += 61
            await recovery.sweep()
            assert await left(house) == []
            assert await booked(house) == (0.0, 0.0), "one that was cancelled costs nothing"

    asyncio.run(scenario())


class Occupied(Provider):
    """Busy for forty seconds more, each time that it is told to cancel something, or asked."""

    told = 0
    free = False

    async def cancel(self, handle: str) -> None:
        self.told += 1
        if not self.free:
            raise Busy("too many calls", retry_after_s=40)
        await super().cancel(handle)


def test_a_provider_that_is_busy_is_told_to_cancel_when_it_said(tmp_path: Path) -> None:
    async def scenario() -> None:
        provider = Occupied()
        async with opened(tmp_path, provider) as (house, _):
            await house.submit()
            await house.step()
            (image,) = await Images(house.ports, OWNER).page()
            await Jobs(house.ports, OWNER).cancel(image.job.id)
            recovery = Recovery(house.ports)
            for _ in range(13):
                await recovery.sweep()
                house.clock.ahead += 3
            assert provider.told == 1
            provider.free = True
            house.clock.ahead += 3
            await recovery.sweep()
            assert provider.told == 2
            assert provider.cancelled == ["fake-1"]
            assert await left(house) == []

    asyncio.run(scenario())


class Inquired(Provider):
    """Does as it is told, and is too busy for questions."""

    async def check(self, handle: str) -> Waiting | Staged | Failed:
        self.gets += 1
        raise Busy("too many questions", retry_after_s=40)


def test_what_a_cancelled_prediction_cost_is_not_asked_while_questions_are_too_many(
    tmp_path: Path,
) -> None:
    async def scenario() -> None:
        provider = Inquired()
        async with opened(tmp_path, provider) as (house, _):
            await house.submit(variants=4)
            for _ in range(4):
                await house.step()
            for image in await Images(house.ports, OWNER).page():
                await Jobs(house.ports, OWNER).cancel(image.job.id)
            recovery = Recovery(house.ports)
            for _ in range(13):
                await recovery.sweep()
                house.clock.ahead += 3
            assert len(set(provider.cancelled)) == 4, "told at once"
            assert provider.gets <= 4

    asyncio.run(scenario())
