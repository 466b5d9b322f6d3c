"""Plugins that watch see every event, in order, and harm nobody."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

from staging_core import OWNER, JobEvent, Principal, hookimpl
from staging_core.imaging.decoder import Decoder
from staging_core.recovery import Recovery
from staging_core.testing.fake_stager import FakeStager

from .conftest import Install
from .house import open_house
from .pictures import photo


class Watcher:
    """Keeps what it is shown; can be told to fail."""

    def __init__(self, *, fails: int = 0) -> None:
        self.seen: list[JobEvent] = []
        self.fails = fails

    @hookimpl
    def staging_job_event(self, event: JobEvent) -> None:
        if self.fails:
            self.fails -= 1
            raise RuntimeError("not now")
        self.seen.append(event)


class Calm(Watcher):
    """Another plugin."""


def test_a_watching_plugin_has_seen_every_event_when_the_installation_closes(
    install: Install,
) -> None:
    watcher = Watcher()

    async def scenario() -> list[JobEvent]:
        async with install(plugins=(watcher,)) as staging:
            me = staging.acting_as(OWNER)
            group = await me.wait(await me.images.submit(photo(), room="bedroom", style="modern"))
            return await me.jobs.history(group.images[0].job.id)

    history = asyncio.run(scenario())
    assert list({event.position: event for event in watcher.seen}.values()) == history


def test_a_failing_watcher_is_shown_the_event_again_and_harms_neither_job_nor_neighbour(
    tmp_path: Path,
) -> None:
    failing, calm = Watcher(fails=2), Calm()

    async def scenario() -> None:
        async with (
            Decoder() as decoder,
            open_house(tmp_path, FakeStager(), decoder=decoder, plugins=(failing, calm)) as house,
        ):
            await house.submit()
            assert await house.step()
            recovery = Recovery(house.ports)
            for _ in range(4):
                await recovery.observe()
                house.clock.ahead += 100
            assert await house.states() == ["ready"]
            assert [event.seq for event in failing.seen] == [1, 2, 3, 4, 5]
            assert calm.seen == failing.seen

    asyncio.run(scenario())


class Slow:
    """Takes its time; counts how often it is called at one time."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.at_once = self.most = 0
        self.seen: list[int] = []

    @hookimpl
    async def staging_job_event(self, event: JobEvent) -> None:
        self.at_once += 1
        self.most = max(self.most, self.at_once)
        try:
            await asyncio.sleep(self.seconds)
            self.seen.append(event.position)
        finally:
            self.at_once -= 1


def test_a_slow_watcher_is_shown_the_rest_next_time_never_by_two_processes_and_in_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("staging_core.observation.OBSERVING_S", 0.3)
    slow = Slow(0.05)

    async def scenario() -> None:
        async with (
            Decoder() as decoder,
            open_house(tmp_path, FakeStager(), decoder=decoder, plugins=(slow,)) as house,
        ):
            await house.submit(variants=4)
            while await house.step():
                pass
            first, second = Recovery(house.ports), Recovery(house.ports)
            while sum(await asyncio.gather(first.observe(), second.observe())):
                assert slow.most == 1
            assert slow.seen == list(range(1, 21))

    asyncio.run(scenario())


def test_a_watcher_that_hangs_does_not_hold_up_closing(install: Install) -> None:
    hanging = Slow(3600)

    async def scenario() -> float:
        settings = {"plugins": (hanging,), "hook_time_limit_s": 1, "sweep_s": 100}
        async with install(worker=False, **settings) as staging:
            for number in range(8):
                me = staging.acting_as(Principal(account_id=f"account-{number}"))
                await me.images.submit(photo(), room="bedroom", style="modern")
        async with install(worker=True, **settings):
            return time.monotonic()

    assert time.monotonic() - asyncio.run(scenario()) < 6
