"""The engine is cut at every call it makes outside: nothing is lost, doubled or left behind.

Three ways: the process dies there; it dies there twice; it freezes there while a rival takes its
job over, and then goes on. That no call was forgotten, ``test_no_call_is_forgotten.py`` proves.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from contextlib import suppress

import pytest

from staging_core import OWNER
from staging_core.acting import Images, Jobs
from staging_core.audit import SOUND, Audit, Evidence
from staging_core.errors import NotFound
from staging_core.imaging.decoder import Decoder
from staging_core.testing.fake_stager import FakeStager

from .crashing import Crash, Cut
from .deferred_cases import Punctual, a_bad_day, a_good_day, a_lost_answer, check_predictions
from .house import House
from .installation import Journal, installation
from .scenarios import (
    CASES,
    STAGERS,
    Refuser,
    Scenario,
    TwoOutputs,
    delete_all,
    labels_of,
    stage_uploads,
    submit_and_carry,
    sweep_after_trouble,
)

Ending = Callable[[House, Scenario, int], Awaitable[bool]]


def at_every_point(name: str, scenario: Scenario, ending: Ending, *, step: int = 1) -> None:
    """A fresh installation for each point of the scenario; ``ending`` cuts it there.

    ``ending`` says whether there was such a point, and the first that there was not is the end:
    nobody counts them before, since on a slow machine a lease is renewed once more.
    ``step``: every third point, say, where all of them take too long for every day. With
    ``EVERY_CRASH_POINT=1`` in the environment it is always all of them.
    """
    step = 1 if os.environ.get("EVERY_CRASH_POINT") == "1" else step
    make, expected = STAGERS[name]

    async def all_points() -> None:
        async with Decoder() as decoder:
            at, reached = 1, True
            while reached:
                async with installation(decoder, make(), labels=labels_of(name)) as it:
                    house, journal = it
                    reached = await ending(house, scenario, at)
                    await check(house, journal, expected)
                at += step
            assert at > 20

    asyncio.run(all_points())


async def check(house: House, journal: Journal, expected: str) -> None:
    """The client asks again, workers recover, and everything is as if nothing had happened."""
    group = await house.submit()
    assert len(await Images(house.ports, OWNER).page()) == 1, "a repeat is not a second order"
    await house.recover()
    assert await house.states() == [expected]
    assert await Audit(house.ports).count() == SOUND
    job = group.images[0].job.id
    log = await Jobs(house.ports, OWNER).history(job)
    shown = {event.seq: event for event in journal.seen if event.job_id == job}
    assert list(shown.values()) == log, "every event is shown, in order"
    keys = {entry.key async for entry in house.ports.storage.entries("staged/")}
    assert all(job in key for key in keys)
    labelled = int(house.ports.hooks.labels())
    assert len(keys) == {"ready": 1 + labelled, "error": 0}[expected] + extra(house), keys
    if isinstance(house.ports.stagers.get("fake-deferred"), Punctual):
        await check_predictions(house)


def extra(house: House) -> int:
    """A second output of the model, or the overlay of a refusal."""
    return int(isinstance(house.ports.stagers.get("fake"), TwoOutputs | Refuser))


STEPS = {sweep_after_trouble: 2, a_good_day: 2, a_lost_answer: 4, a_bad_day: 25}
# How many points are stepped over: where it freezes, and where it dies twice.
RIVALLED: list[tuple[str, Scenario, int, int]] = [
    ("ready", submit_and_carry, 1, 1),
    ("punctual", a_good_day, 2, 5),
    ("punctual", a_lost_answer, 6, 12),
    ("moody", a_bad_day, 50, 100),
]


@pytest.mark.parametrize(("name", "scenario"), CASES)
def test_a_process_that_dies_at_any_point_loses_and_doubles_nothing(
    name: str, scenario: Scenario
) -> None:
    async def dies(house: House, scenario: Scenario, at: int) -> bool:
        cut, gone = Cut(at), False
        try:
            await scenario(house, cut)
        except Crash:
            gone = True
        assert gone == cut.dead, "nothing in the engine outlives its process"
        return gone

    at_every_point(name, scenario, dies, step=STEPS.get(scenario, 1))


@pytest.mark.parametrize(("name", "scenario", "step"), [(*case[:2], case[3]) for case in RIVALLED])
def test_a_process_that_dies_at_the_same_point_twice_loses_and_doubles_nothing(
    name: str, scenario: Scenario, step: int
) -> None:
    async def dies_twice(house: House, scenario: Scenario, at: int) -> bool:
        cuts = Cut(at), Cut(at)
        for cut in cuts:
            with suppress(Crash):
                await scenario(house, cut)
            house.clock.ahead += 100
        return any(cut.dead for cut in cuts)

    at_every_point(name, scenario, dies_twice, step=step)


@pytest.mark.parametrize(("name", "scenario", "step"), [case[:3] for case in RIVALLED])
def test_a_process_that_freezes_at_any_point_finds_its_job_taken_and_harms_nothing(
    name: str, scenario: Scenario, step: int
) -> None:
    async def freezes(house: House, scenario: Scenario, at: int) -> bool:
        async def rival() -> None:
            house.clock.ahead += 100
            while await house.step():
                pass

        cut = Cut(at, freeze=rival)
        await scenario(house, cut)
        return cut.passed >= at

    at_every_point(name, scenario, freezes, step=step)


def test_a_process_that_dies_while_it_takes_uploads_loses_and_doubles_nothing() -> None:
    async def scenario() -> None:
        async with Decoder() as decoder:
            at, whole = 0, False
            while not whole:
                at += 1
                async with installation(decoder, FakeStager()) as (house, _):
                    with suppress(Crash):
                        await stage_uploads(house, Cut(at))
                        whole = True
                    house.clock.ahead += 350  # until nobody believes in the first try any more
                    await stage_uploads(house, Cut())
                    await house.recover()
                    assert await house.states() == ["ready", "ready"]
                    assert await Audit(house.ports).count(Evidence(settled=True)) == SOUND
                    kept = [entry.key async for entry in house.ports.storage.entries("uploads/")]
                    assert len(kept) == 2, (at, kept)
            assert at > 40

    asyncio.run(scenario())


@pytest.mark.parametrize("ended", [True, False])
def test_a_process_that_dies_while_it_deletes_leaves_no_object_and_no_job(ended: bool) -> None:
    async def scenario() -> None:
        async with Decoder() as decoder:
            at, whole = 0, False
            while not whole:
                at += 1
                async with installation(decoder, TwoOutputs()) as (house, _):
                    await house.submit(variants=1)
                    while ended and await house.step():
                        pass
                    with suppress(Crash):
                        await delete_all(house, Cut(at))
                        whole = True
                    with suppress(NotFound):
                        await delete_all(house, Cut())
                    await house.recover()
                    assert await house.states() == []
                    assert [entry async for entry in house.ports.storage.entries("")] == []
                    assert await Audit(house.ports).count(Evidence(settled=True)) == SOUND
            assert at > 10

    asyncio.run(scenario())
