"""Real ``staging worker`` processes on one SQLite file: two at once, and one that is killed."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from staging_core import OWNER, Group, Staging
from staging_core.acting import Acting
from staging_core.audit import SOUND, Audit

from .pictures import photo

LEASE_S = 4.0
LONG_LEASE_S = 60.0  # where no worker dies, none is to be taken for dead on a slow machine


def settings(home: Path, stager: str, lease_s: float) -> dict[str, str]:
    return {
        "STAGING_HOME": str(home),
        "STAGING_STAGER": stager,
        "STAGING_LEASE_S": str(lease_s),
        "STAGING_SWEEP_S": "0.2",
        "STAGING_BACKOFF_MAX_S": "0.2",
        "STAGING_PLUGINS": "",
    }


@contextmanager
def worker(home: Path, stager: str, lease_s: float = LEASE_S) -> Iterator[subprocess.Popen[bytes]]:
    """``staging worker`` as a shell would start it; its whole process group ends with the block."""
    environment = {**os.environ, **settings(home, stager, lease_s)}
    process = subprocess.Popen(
        [sys.executable, "-m", "staging_core", "worker"],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        kill(process)


def kill(process: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    if process.stderr is not None and not process.stderr.closed:
        process.communicate()


def client(home: Path, stager: str) -> Staging:
    return Staging(home=home, stager=stager, plugins=(), worker=False)


async def submit_many(me: Acting, jobs: int) -> list[Group]:
    return [
        await me.images.submit(photo(), room="bedroom", style="modern", seed=n, variants=20)
        for n in range(1, jobs // 20 + 1)
    ]


async def all_ended(me: Acting, groups: list[Group], within_s: float) -> list[Group]:
    async with asyncio.timeout(within_s):
        return [await me.wait(group) for group in groups]


def test_two_workers_on_one_file_stage_each_of_two_hundred_jobs_once(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with client(tmp_path, "fake:") as staging:
            me = staging.acting_as(OWNER)
            groups = await submit_many(me, 200)
            both = [worker(tmp_path, "fake:", LONG_LEASE_S) for _ in range(2)]
            with both[0], both[1]:
                groups = await all_ended(me, groups, within_s=240)
            jobs = [image.job for group in groups for image in group.images]
            assert len(jobs) == 200
            assert {job.state for job in jobs} == {"ready"}
            assert {job.attempts for job in jobs} == {1}
            results = {entry.key async for entry in staging.ports.storage.entries("staged/")}
            assert len(results) == 200
            assert await Audit(staging.ports).count() == SOUND

    asyncio.run(scenario())


def test_a_worker_killed_again_and_again_loses_and_doubles_nothing(tmp_path: Path) -> None:
    """Ten kills at random moments; then a worker that is left alone ends every job."""
    seed = 20_260_101
    moments = random.Random(seed)  # noqa: S311

    async def scenario() -> None:
        stager = "fake:?delay_ms=30&in_flight=4"
        async with client(tmp_path, stager) as staging:
            me = staging.acting_as(OWNER)
            groups = await submit_many(me, 60)
            for _ in range(10):
                with worker(tmp_path, stager) as process:
                    await asyncio.sleep(moments.uniform(0.2, 2.0))
                    kill(process)
            with worker(tmp_path, stager):
                groups = await all_ended(me, groups, within_s=240)
            jobs = [image.job for group in groups for image in group.images]
            dead = [job for job in jobs if job.state != "ready"]
            assert all(job.error == "attempts_exhausted" for job in dead)
            assert len(dead) <= 6, "only a job whose worker died three times may fail"
            await staging.sweep()
            results = {entry.key async for entry in staging.ports.storage.entries("staged/")}
            kept = {image.staged_key for group in groups for image in group.images} - {None}
            assert kept <= results
            assert await Audit(staging.ports).count() == SOUND

    asyncio.run(scenario())


def test_a_worker_told_to_stop_ends_soon_and_gives_its_jobs_back(tmp_path: Path) -> None:
    async def scenario() -> None:
        stager = "fake:?script=hangs"
        async with client(tmp_path, stager) as staging:
            me = staging.acting_as(OWNER)
            group = await me.images.submit(photo(), room="bedroom", style="modern")
            os.environ["STAGING_SHUTDOWN_S"] = "0.5"
            try:
                with worker(tmp_path, stager) as process:
                    async for event in me.events(group):
                        if event.state == "staging":
                            break
                    told = time.monotonic()
                    process.send_signal(signal.SIGTERM)
                    code = await asyncio.to_thread(process.wait, 25)
                    assert code == 0
                    assert time.monotonic() - told < 20
            finally:
                del os.environ["STAGING_SHUTDOWN_S"]
            job = await me.jobs.get(group.images[0].job.id)
            assert job.state == "queued"

    asyncio.run(scenario())
