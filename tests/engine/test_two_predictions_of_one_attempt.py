"""A gateway before the provider makes two of one attempt: one is the job's, the other is waste."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from staging_core import OWNER
from staging_core.acting import Images
from staging_core.audit import SOUND, Audit
from staging_core.interfaces import Photo
from staging_core.models import Absent, Attempt, CannotTell, Found, StageRequest
from staging_core.reception import Reception
from staging_core.recovery import Recovery

from .deferred import Provider, attempts_of, carry_all, opened, run
from .house import House


class Twice(Provider):
    """Every create makes two: the first calls back at once, the second is the answer."""

    house: House
    cancels = False

    async def create(self, request: StageRequest, photo: Photo, attempt: Attempt) -> str:
        first = await super().create(request, photo, attempt)
        made = self.predictions[first]
        second = msgspec.structs.replace(made, handle=f"{first}-again")
        self.predictions[second.handle] = second
        callback = self.callback(first, at=self.house.clock())
        await Reception(self.house.ports).receive(callback, attempt.id)
        if self.cancels:
            image = (await Images(self.house.ports, OWNER).page())[0]
            await Images(self.house.ports, OWNER).cancel(image.id)
        return second.handle


async def told(house: House) -> list[tuple[str, str | None]]:
    return [(attempt.state, attempt.handle) for attempt in await attempts_of(house)]


def test_the_answer_does_not_replace_what_a_callback_has_named(tmp_path: Path) -> None:
    provider = Twice(cost_usd=0.04)

    async def scenario() -> None:
        async with opened(tmp_path, provider) as (house, _):
            provider.house = house
            await house.submit()
            await house.step()
            assert await told(house) == [("waiting", "fake-1"), ("waste", "fake-1-again")]
            provider.finish("fake-1")
            await carry_all(house)
            await Recovery(house.ports).sweep()
            assert await house.states() == ["ready"]
            assert provider.cancelled == ["fake-1-again"]
            assert await Audit(house.ports).count() == SOUND

    run(scenario)


def test_both_are_stopped_when_the_job_is_cancelled_meanwhile(tmp_path: Path) -> None:
    provider = Twice()
    provider.cancels = True

    async def scenario() -> None:
        async with opened(tmp_path, provider) as (house, _):
            provider.house = house
            await house.submit()
            await house.step()
            await Recovery(house.ports).sweep()
            assert await house.states() == ["cancelled"]
            assert sorted(provider.cancelled) == ["fake-1", "fake-1-again"]
            assert await Audit(house.ports).count() == SOUND

    run(scenario)


class FindsTheOther(Twice):
    """Its list has only the second, and a callback names the first while it is asked."""

    calls_back = False

    async def find(self, attempt: Attempt) -> Found | Absent | CannotTell:
        if self.calls_back:
            callback = self.callback("fake-1", at=self.house.clock(), event="another")
            await Reception(self.house.ports).receive(callback, attempt.id)
        return Found(handle="fake-1-again")

    async def create(self, request: StageRequest, photo: Photo, attempt: Attempt) -> str:
        made = await Provider.create(self, request, photo, attempt)
        second = msgspec.structs.replace(self.predictions[made], handle=f"{made}-again")
        self.predictions[second.handle] = second
        raise TimeoutError("the answer is lost")


@pytest.mark.parametrize("given_up", [False, True])
def test_what_is_found_beside_what_a_callback_named_is_waste(
    tmp_path: Path, given_up: bool
) -> None:
    provider = FindsTheOther()

    async def scenario() -> None:
        async with opened(tmp_path, provider) as (house, _):
            provider.house = house
            await house.submit()
            await house.step()
            provider.calls_back = True
            house.clock.ahead += 20
            if given_up:
                image = (await Images(house.ports, OWNER).page())[0]
                await Images(house.ports, OWNER).cancel(image.id)
                house.clock.ahead += 20
            else:
                await house.step()
            await Recovery(house.ports).sweep()
            await Recovery(house.ports).sweep()
            states = {handle: state for state, handle in await told(house)}
            assert states == {
                "fake-1": "waste" if given_up else "waiting",
                "fake-1-again": "waste",
            }
            assert sorted(provider.cancelled) == ["fake-1", "fake-1-again"][not given_up :]

    run(scenario)
