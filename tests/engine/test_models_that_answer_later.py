"""A deferred job: created once, waited for with nothing held, fetched, and never paid for twice."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from staging_core import OWNER
from staging_core.acting import AttemptRecord, Images, Jobs
from staging_core.audit import SOUND, Audit
from staging_core.database import claims
from staging_core.errors import InvalidCallback, InvalidSignature, NotFound, StorageUnreachable
from staging_core.imaging.decoder import Decoder
from staging_core.models import (
    Attempt,
    Callback,
    CannotTell,
    Failed,
    JobEvent,
    Output,
    Staged,
    Waiting,
)
from staging_core.reception import Reception
from staging_core.recovery import Recovery
from staging_core.testing.fake_deferred import FakeDeferred

from .house import House, open_house


class Provider(FakeDeferred):
    """Counts what it is asked, and does what it is told."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.gets = 0
        self.cancelled: list[str] = []
        self.silent = False

    async def check(self, handle: str) -> Waiting | Staged | Failed:
        self.gets += 1
        if self.silent:
            raise TimeoutError("no answer")
        return await super().check(handle)

    async def cancel(self, handle: str) -> None:
        self.cancelled.append(handle)
        await super().cancel(handle)


@asynccontextmanager
async def opened(
    home: Path, *stagers: object, **settings: Any
) -> AsyncIterator[tuple[House, Reception]]:
    async with (
        Decoder() as decoder,
        open_house(home, *stagers, decoder=decoder, **settings) as house,
    ):
        yield house, Reception(house.ports)


async def carry_all(house: House) -> None:
    """Carry what is due now."""
    while await house.step():
        pass


async def call_back(house: House, reception: Reception, provider: Provider, handle: str) -> str:
    """The provider reports on a prediction, to the address of its attempt."""
    attempt_id = provider.predictions[handle].attempt_id
    callback = provider.callback(handle, at=house.clock())
    return await reception.receive(callback, attempt_id)


async def attempts_of(house: House) -> list[AttemptRecord]:
    page = await Images(house.ports, OWNER).page()
    return await Jobs(house.ports, OWNER).attempts(page[0].job.id)


async def history_of(house: House) -> list[JobEvent]:
    page = await Images(house.ports, OWNER).page()
    return await Jobs(house.ports, OWNER).history(page[0].job.id)


def run(scenario: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(scenario())


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


# --- unknown outcomes -----------------------------------------------------------------------------


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


def test_a_prediction_of_a_cancelled_job_is_looked_for_and_cancelled_too(tmp_path: Path) -> None:
    provider = Provider()

    async def scenario() -> None:
        async with opened(tmp_path, provider) as (house, _):
            group = await house.submit()
            provider.land_late()
            await carry_all(house)
            await Images(house.ports, OWNER).cancel(group.images[0].id)
            for _ in range(6):
                house.clock.ahead += 60
                await Recovery(house.ports).sweep()
                house.clock.ahead += 60
            assert provider.cancelled == ["fake-1"]
            assert [attempt.state for attempt in await attempts_of(house)] == ["waste"]

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


# --- failures -------------------------------------------------------------------------------------


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


# --- callbacks ------------------------------------------------------------------------------------


def test_a_callback_counts_once_and_one_that_is_not_the_providers_leaves_only_a_count(
    tmp_path: Path,
) -> None:
    provider = Provider()

    async def scenario() -> None:
        async with opened(tmp_path, provider) as (house, reception):
            await house.submit()
            await carry_all(house)
            attempt_id = provider.predictions["fake-1"].attempt_id
            good = provider.callback("fake-1", at=house.clock())
            assert await reception.receive(good, attempt_id) == "received"
            assert await reception.receive(good, None) == "duplicate"
            forged = Callback(body=good.body + b" ", headers=good.headers, received_at=1)
            stale = Callback(
                body=good.body, headers=good.headers, received_at=good.received_at + 9_000
            )
            large = Callback(body=b" " * 2_000_000, headers={}, received_at=1)
            for bad, kind in (
                (forged, InvalidSignature),
                (stale, InvalidSignature),
                (large, InvalidCallback),
            ):
                with pytest.raises(kind):
                    await reception.receive(bad, attempt_id)
            with pytest.raises(InvalidSignature):
                await reception.receive(forged, "no such attempt")
            with pytest.raises(NotFound):
                await reception.receive(provider.callback("x", at=1), "no such attempt")
            assert sum(reception.turned_away.values()) == 5

    run(scenario)


def test_a_callback_that_comes_before_its_prediction_is_known_is_read_by_a_sweep(
    tmp_path: Path,
) -> None:
    provider = Provider(finish_after=1)

    async def scenario() -> None:
        async with opened(tmp_path, provider) as (house, reception):
            early = provider.callback("fake-1", at=house.clock())
            assert await reception.receive(early, None) == "received"
            await house.submit()
            await carry_all(house)
            assert not await house.step()
            assert (await Recovery(house.ports).sweep())["callbacks_read"] == 1
            await carry_all(house)
            assert await house.states() == ["ready"]

    run(scenario)


# --- gates ----------------------------------------------------------------------------------------


def test_no_more_jobs_are_in_flight_than_the_card_allows(tmp_path: Path) -> None:
    provider = Provider(in_flight=2)

    async def scenario() -> None:
        async with opened(tmp_path, provider) as (house, reception):
            await house.submit(variants=4)
            await carry_all(house)
            assert sorted(await house.states()) == ["queued"] * 2 + ["waiting"] * 2
            provider.finish("fake-1")
            await call_back(house, reception, provider, "fake-1")
            await carry_all(house)
            assert sorted(await house.states()) == ["queued", "ready", "waiting", "waiting"]

    run(scenario)


def test_a_provider_is_asked_no_more_often_than_its_bucket_fills(tmp_path: Path) -> None:
    provider = Provider()

    async def scenario() -> None:
        async with opened(tmp_path, provider, provider_creates_per_minute=16) as (house, _):
            await house.submit(variants=10)
            await carry_all(house)
            assert len(provider.posts) == 2, "an eighth of a minute's at once"
            house.clock.ahead += 4
            await carry_all(house)
            assert len(provider.posts) == 3
            house.clock.ahead += 600
            await carry_all(house)
            assert len(provider.posts) == 5

    run(scenario)


def test_a_busy_provider_is_left_alone_and_the_same_attempt_asks_again(tmp_path: Path) -> None:
    provider = Provider()

    async def scenario() -> None:
        async with opened(tmp_path, provider) as (house, _):
            provider.be_busy()
            await house.submit(variants=3)
            await carry_all(house)
            assert provider.posts == []
            assert await house.states() == ["queued"] * 3
            house.clock.ahead += 1
            await carry_all(house)
            assert len(set(provider.posts)) == 3
            assert await house.states() == ["waiting"] * 3

    run(scenario)


class ReadsInVain(Provider):
    """The first photo that it is given cannot be read."""

    unread = True

    async def create(self, request: Any, photo: Any, attempt: Attempt) -> str:
        if self.unread:
            self.unread = False
            raise StorageUnreachable("The bucket does not answer.")
        return await super().create(request, photo, attempt)


def test_a_photo_that_cannot_be_read_costs_no_attempt_and_keeps_nobody_else_waiting(
    tmp_path: Path,
) -> None:
    provider = ReadsInVain()

    async def scenario() -> None:
        async with opened(tmp_path, provider) as (house, _):
            await house.submit(variants=3)
            await carry_all(house)
            assert sorted(await house.states()) == ["queued", "waiting", "waiting"]
            house.clock.ahead += 60
            await carry_all(house)
            assert len(set(provider.posts)) == 3
            images = await Images(house.ports, OWNER).page()
            assert [(image.job.state, image.job.attempts) for image in images] == [
                ("waiting", 1)
            ] * 3

    run(scenario)


class Down(Provider):
    """Away: whoever asks for a prediction gets no answer, and none is made."""

    down = True

    async def create(self, request: Any, photo: Any, attempt: Attempt) -> str:
        if self.down:
            self.posts.append(attempt.id)
            raise TimeoutError("no route")
        return await super().create(request, photo, attempt)


def test_a_model_that_fails_again_and_again_rests_and_its_jobs_wait(tmp_path: Path) -> None:
    provider = Down()

    async def scenario() -> None:
        async with opened(tmp_path, provider) as (house, _):
            await house.submit(variants=20)
            await carry_all(house)
            assert len(provider.posts) == 5
            assert (await house.states()).count("queued") == 15
            for _ in range(6):
                house.clock.ahead += 20
                await carry_all(house)
            assert len(provider.posts) < 20, "one at a time, at growing pauses"
            provider.down = False
            for _ in range(12):
                house.clock.ahead += 100
                await carry_all(house)
                for handle in provider.predictions:
                    provider.finish(handle)
            assert await house.states() == ["ready"] * 20

    run(scenario)
