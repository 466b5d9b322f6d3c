"""What stands before a provider: room in flight, a bucket, a breaker."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from staging_core import OWNER
from staging_core.acting import Images
from staging_core.database import claims, gates
from staging_core.errors import Busy, StorageUnreachable
from staging_core.interfaces import Photo
from staging_core.models import Attempt, Failed, Staged, StageRequest, Waiting

from .deferred import Provider, attempts_of, call_back, carry_all, opened, run


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


class SaysNoNumber(Provider):
    """What it writes on its error is not bounded by anybody."""

    told: float

    async def create(self, request: StageRequest, photo: Photo, attempt: Attempt) -> str:
        busy = Busy("later")
        busy.retry_after_s = self.told
        raise busy


@pytest.mark.parametrize("told", [math.nan, math.inf, -math.inf, 1e300])
def test_no_provider_is_left_alone_for_longer_than_an_hour(tmp_path: Path, told: float) -> None:
    provider = SaysNoNumber()
    provider.told = told

    async def scenario() -> None:
        async with opened(tmp_path, provider) as (house, _):
            await house.submit()
            await carry_all(house)
            assert await house.states() == ["queued"]
            async with house.ports.database.read() as tx:
                gate = (await gates.look(tx, [provider.card], per_minute=480))[provider.card.id]
                due = await claims.next_due(tx, [provider.card.id], starting=[provider.card.id])
            assert gate.opens_at <= house.clock() + 3600
            assert due is not None
            assert due <= house.clock() + 3600

    run(scenario)


class Asked(Provider):
    """Busy with questions until ``until``."""

    def __init__(self, clock: Callable[[], float] = lambda: 0.0, **options: Any) -> None:
        super().__init__(**options)
        self.clock, self.until = clock, math.inf

    async def check(self, handle: str) -> Waiting | Staged | Failed:
        if self.clock() < self.until:
            self.gets += 1
            raise Busy("too many questions", retry_after_s=40)
        return await super().check(handle)


def test_a_provider_that_is_busy_with_questions_is_asked_none_until_then(tmp_path: Path) -> None:
    provider = Asked()

    async def scenario() -> None:
        async with opened(tmp_path, provider) as (house, reception):
            provider.clock = house.clock
            await house.submit(variants=8)
            await carry_all(house)
            for handle in provider.predictions:
                provider.finish(handle)
                await call_back(house, reception, provider, handle)
            await carry_all(house)
            assert provider.gets == 1
            assert await house.states() == ["waiting"] * 8
            house.clock.ahead += 39
            await carry_all(house)
            assert provider.gets == 1
            provider.until = 0
            await house.submit(number=1, idempotency_key="another")
            await carry_all(house)
            assert len(provider.posts) == 9, "creates are counted apart, and no breaker is open"
            house.clock.ahead += 42
            await carry_all(house)
            assert sorted(await house.states()) == ["ready"] * 8 + ["waiting"]

    run(scenario)


def test_a_deadline_may_pass_while_the_provider_answers_no_questions(tmp_path: Path) -> None:
    provider = Asked()

    async def scenario() -> None:
        async with opened(tmp_path, provider, prediction_deadline_s=60) as (house, _):
            provider.clock = house.clock
            await house.submit()
            await carry_all(house)
            provider.finish("fake-1")
            for _ in range(10):
                house.clock.ahead += 30
                await carry_all(house)
            assert await house.states() == ["waiting"]
            provider.until = 0
            house.clock.ahead += 90
            await carry_all(house)
            assert await house.states() == ["ready"]
            assert len(provider.posts) == 1

    run(scenario)


def test_a_provider_that_answers_no_questions_for_half_an_hour_is_given_up(tmp_path: Path) -> None:
    provider = Asked()

    async def scenario() -> None:
        async with opened(tmp_path, provider) as (house, _):
            provider.clock = house.clock
            await house.submit()
            await carry_all(house)
            house.clock.ahead += 2200
            await carry_all(house)
            assert [attempt.state for attempt in await attempts_of(house)] == ["failed"]

    run(scenario)


def test_a_provider_that_answers_no_question_is_asked_one_at_a_time_and_holds_up_nobody(
    tmp_path: Path,
) -> None:
    """Each question may hang for a minute, and takes the place of a job of another model."""
    provider = Provider()

    async def scenario() -> None:
        async with opened(tmp_path, provider) as (house, _):
            await house.submit(variants=20)
            await carry_all(house)
            provider.silent = True
            house.clock.ahead += 10
            for _ in range(120):
                house.clock.ahead += 5
                await carry_all(house)
            assert await house.states() == ["waiting"] * 20
            assert provider.gets <= 5 + 40, "and not each of them every minute"
            provider.silent = False
            for handle in provider.predictions:
                provider.finish(handle)
            for _ in range(6):
                house.clock.ahead += 10
                await carry_all(house)
            assert await house.states() == ["ready"] * 20
            assert len(provider.posts) == 20

    run(scenario)


def test_a_question_that_is_answered_opens_the_way_for_all(tmp_path: Path) -> None:
    provider = Provider()

    async def scenario() -> None:
        async with opened(tmp_path, provider) as (house, _):
            await house.submit(variants=8)
            await carry_all(house)
            provider.silent = True
            house.clock.ahead += 20
            await carry_all(house)
            assert provider.gets == 5
            provider.silent = False
            house.clock.ahead += 130
            await carry_all(house)
            assert provider.gets == 5 + 8

    run(scenario)


def test_no_provider_is_left_unasked_until_what_is_paid_for_is_gone(tmp_path: Path) -> None:
    """Whatever it, or a gateway before it, says once: outputs lie there for an hour."""

    class Exaggerates(Provider):
        async def check(self, handle: str) -> Waiting | Staged | Failed:
            self.gets += 1
            if self.gets == 1:
                raise Busy("too many questions", retry_after_s=86_400)
            return await super().check(handle)

    provider = Exaggerates(finish_after=1)

    async def scenario() -> None:
        async with opened(tmp_path, provider) as (house, _):
            await house.submit(variants=2)
            await carry_all(house)
            for _ in range(24):
                house.clock.ahead += 30
                await carry_all(house)
            assert await house.states() == ["ready"] * 2
            assert len(provider.posts) == 2

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
