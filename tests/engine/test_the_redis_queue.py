"""Real worker processes and a real Redis on one SQLite file: wakes, outages, and a quiet end."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from staging_core import OWNER, Staging
from staging_core.acting import Acting
from staging_core.audit import SOUND, Audit
from staging_core.backends.local_queue import LocalQueue
from staging_core.errors import SettingError
from staging_core.testing.servers.redis import redis_server

from .pictures import photo

SWEEP_S = 8.0
SOON_S = 4.0  # a wake takes milliseconds; the machine may be busy


@contextmanager
def worker(home: Path, **settings: object) -> Iterator[subprocess.Popen[str]]:
    """``staging worker`` in a process of its own, working; killed at the end."""
    named = {f"STAGING_{name.upper()}": str(value) for name, value in settings.items()}
    fixed = {"STAGING_HOME": str(home), "STAGING_PLUGINS": "", "STAGING_LEASE_S": "60"}
    process = subprocess.Popen(
        [sys.executable, "-m", "staging_core", "worker"],
        env={**os.environ, **fixed, **named},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        assert process.stderr is not None
        assert process.stderr.readline().startswith("Working on the jobs")
        yield process
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


async def stage(me: Acting) -> float:
    """Submit one job; the seconds, by the database's clock, until a worker had claimed it."""
    group = await me.images.submit(photo(), room="bedroom", style="modern")
    times = {event.state: event.at async for event in me.events(group) if event.type == "state"}
    assert times["ready"]
    return times["preparing"] - times["queued"]


def test_workers_are_woken_through_redis_and_sweep_while_it_is_away(tmp_path: Path) -> None:
    async def scenario(queue: str) -> None:
        async with Staging(
            home=tmp_path, stager="fake:", plugins=(), queue=queue, worker=False
        ) as staging:
            me = staging.acting_as(OWNER)
            with (
                worker(tmp_path, stager="fake:", queue=queue, sweep_s=SWEEP_S),
                worker(tmp_path, stager="fake:", queue=queue, sweep_s=SWEEP_S),
            ):
                assert max([await stage(me) for _ in range(5)]) < SOON_S
                server.flush()
                assert await stage(me) < SOON_S
                server.stop()
                began = time.monotonic()
                assert await stage(me) < SWEEP_S + SOON_S
                assert time.monotonic() - began < SWEEP_S + 2 * SOON_S
                server.start()
                await stage(me)  # they connect again meanwhile
                assert max([await stage(me) for _ in range(3)]) < SOON_S
            assert await Audit(staging.ports).count() == SOUND

    with redis_server() as server:
        asyncio.run(scenario(server.url))


def test_a_worker_told_to_stop_under_load_ends_in_time_and_loses_nothing(tmp_path: Path) -> None:
    async def scenario(queue: str) -> None:
        stager = "fake:?delay_ms=300&in_flight=4"
        async with Staging(
            home=tmp_path, stager=stager, plugins=(), queue=queue, worker=False
        ) as staging:
            me = staging.acting_as(OWNER)
            group = await me.images.submit(photo(), room="bedroom", style="modern", variants=20)
            with worker(tmp_path, stager=stager, queue=queue) as process:
                async for event in me.events(group):
                    if event.state == "ready":
                        break
                told = time.monotonic()
                process.send_signal(signal.SIGTERM)
                assert await asyncio.to_thread(process.wait, 25) == 0
                assert time.monotonic() - told < 25
            states = {image.job.state for image in (await me.images.group(group.id)).images}
            assert states == {"ready", "queued"}
            with worker(tmp_path, stager=stager, queue=queue):
                group = await me.wait(group)
            assert [image.job.state for image in group.images] == ["ready"] * 20
            assert {image.job.attempts for image in group.images} == {1}
            assert await Audit(staging.ports).count() == SOUND

    with redis_server() as server:
        asyncio.run(scenario(server.url))


def test_a_second_signal_does_not_wait_for_running_jobs(tmp_path: Path) -> None:
    async def scenario() -> None:
        stager = "fake:?script=hangs"
        async with Staging(home=tmp_path, stager=stager, plugins=(), worker=False) as staging:
            me = staging.acting_as(OWNER)
            group = await me.images.submit(photo(), room="bedroom", style="modern")
            with worker(tmp_path, stager=stager, shutdown_s=60) as process:
                async for event in me.events(group):
                    if event.state == "staging":
                        break
                process.send_signal(signal.SIGTERM)
                await asyncio.sleep(0.5)
                assert process.poll() is None
                process.send_signal(signal.SIGTERM)
                assert await asyncio.to_thread(process.wait, 20) == 0
            job = await me.jobs.get(group.images[0].job.id)
            assert job.state == "queued"

    asyncio.run(scenario())


def test_a_worker_without_a_place_leaves_the_wakes_to_others(tmp_path: Path) -> None:
    async def scenario() -> None:
        shared = LocalQueue(time.time)
        busy, idle = [
            Staging(
                home=tmp_path,
                stager="fake:?script=hangs&in_flight=1",
                plugins=(),
                queue=shared,
                worker=True,
                sweep_s=60,
                shutdown_s=0.1,
            )
            for _ in range(2)
        ]

        async def staged(me: Acting) -> None:
            group = await me.images.submit(photo(), room="bedroom", style="modern")
            async with asyncio.timeout(8):
                async for event in me.events(group):
                    if event.state == "staging":
                        return

        async with busy:
            await staged(busy.acting_as(OWNER))
            async with idle:
                await asyncio.sleep(0.5)  # it has looked, and waits for a wake
                await staged(idle.acting_as(OWNER))

    asyncio.run(scenario())


def test_a_lane_without_a_model_is_named(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with Staging(home=tmp_path, stager="fake:", plugins=(), worker=False) as staging:
            with pytest.raises(SettingError, match="no-such-lane"):
                await staging.run_worker(lanes=["no-such-lane"])

    asyncio.run(scenario())
