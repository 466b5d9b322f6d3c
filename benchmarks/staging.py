"""What the service adds to a job, from accepted to ready, on the reference deployment.

PostgreSQL, Redis, a worker process, callbacks through ``apps/embed``, and the double of Replicate,
at a fixed rate of jobs. Overhead is the time between the two commits without the prediction's own
time and without picture work, which is told apart. The floor is the same way as a bare chain of
asyncpg, Redis and HTTP, with the same picture work; both take turns at the same rate. Gates: p50 at
most twice the chain's and at most 40 ms, p99 at most 100 ms (as long as the chain keeps to them
itself); per job one create, one read of the prediction, and no poll.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks import process
from benchmarks.bare_chain import bare_chain
from benchmarks.deployment import Deployment, JobTimes, deployment, environment
from benchmarks.instant import tiny_photo, without_picture_work
from benchmarks.patience import jobs_in, until
from benchmarks.result import Result
from benchmarks.serving import serving
from benchmarks.spread import p50_p99, percentile
from staging_core import OWNER, Staging
from staging_core.acting import Images
from staging_core.imaging.decoder import Decoder
from staging_embed import staging_app

P50_MS, P99_MS, TIMES = 40.0, 100.0, 2.0
_TURN_S = 5.0

Submit = Callable[[], Coroutine[Any, Any, None]]


class Spent(NamedTuple):
    """What the worker's process took: CPU seconds, and KiB at most."""

    cpu_s: float
    peak_kb: int


def options(parser: argparse.ArgumentParser) -> None:
    """How much, how fast."""
    parser.add_argument("--n", type=int, default=400, help="jobs of each (400)")
    parser.add_argument("--rate", type=float, default=20.0, help="jobs a second (20)")
    parser.add_argument("--warm", type=int, default=20, help="jobs before, that do not count (20)")
    parser.add_argument("--run-s", type=float, default=1.0, help="how long the model runs (1)")


def run(chosen: argparse.Namespace) -> Result:
    """Turns of both, some seconds each."""
    with (
        tempfile.TemporaryDirectory() as home,
        deployment(Path(home), run_s=chosen.run_s) as deployed,
        environment(**deployed.secrets),
    ):
        spent = asyncio.run(_measure(deployed, chosen))
        ours, theirs = deployed.ours()[chosen.warm :], deployed.theirs()[chosen.warm :]
        asked = deployed.asked({job.handle for job in ours})
    subject, floor = (percentile([job.added for job in jobs], 0.5) for jobs in (ours, theirs))
    return Result(
        name="staging",
        unit="ms",
        subject=subject * 1e3,
        floor=floor * 1e3,
        ratio=subject / floor,
        cpu_us=spent.cpu_s / len(ours) * 1e6,
        rss_mb=spent.peak_kb / 1024,
        n=len(ours),
        errors=_missed(ours, theirs, asked),
        details={
            **p50_p99("overhead", [job.added for job in ours]),
            **p50_p99("chain", [job.added for job in theirs]),
            **p50_p99("picture_work", [job.picture for job in ours]),
            **p50_p99("chain_picture_work", [job.picture for job in theirs]),
            **{f"{name}_per_job": count / len(ours) for name, count in asked.items()},
            "rate_per_s": chosen.rate,
        },
    )


def _missed(
    ours: Sequence[JobTimes], theirs: Sequence[JobTimes], asked: Mapping[str, int]
) -> list[str]:
    errors = [f"a job ended as {job.state}" for job in (*ours, *theirs) if job.state != "ready"]
    n = len(ours)
    if asked != {"creates": n, "gets": n, "polls": 0}:
        errors.append(f"the provider was asked {dict(asked)} for {n} jobs")
    mine, bare = ([job.added * 1e3 for job in jobs] for jobs in (ours, theirs))
    for share, limit_ms in ((0.5, P50_MS), (0.99, P99_MS)):
        found, floor = percentile(mine, share), percentile(bare, share)
        if found > limit_ms >= floor:
            errors.append(f"p{share * 100:g} is {found:.0f} ms, {limit_ms:g} allowed")
    times = percentile(mine, 0.5) / percentile(bare, 0.5)
    if times > TIMES:
        errors.append(f"p50 is {times:.1f} times the chain's, {TIMES:g} allowed")
    return errors


async def _measure(deployed: Deployment, chosen: argparse.Namespace) -> Spent:
    """Both open and warm; then their turns."""
    photo = tiny_photo()
    async with AsyncExitStack() as stack:
        staging = Staging(worker=False, **deployed.settings)
        await stack.enter_async_context(staging)
        processes = staging.ports.settings.picture_processes
        decoder = await stack.enter_async_context(Decoder(processes=processes))
        server, redis_url = deployed.place.where, deployed.redis_url
        chain = await stack.enter_async_context(
            bare_chain(server, redis_url, deployed.replicate, decoder, deployed.home)
        )
        public_url = await stack.enter_async_context(
            serving(staging_app(staging, include={"callbacks"}))
        )
        pid = stack.enter_context(deployed.worker(public_url))
        images = Images(without_picture_work(staging), OWNER)

        async def submit() -> None:
            await images.submit(photo, room="bedroom", style="modern")

        async def ready() -> int:
            return await jobs_in(staging, "ready")

        async def chain_ready() -> int:
            return chain.ready

        async def both(jobs: int, done: int) -> None:
            await _turn(submit, jobs, chosen.rate)
            await until(ready, done + jobs)
            await _turn(chain.submit, jobs, chosen.rate)
            await until(chain_ready, done + jobs)

        await both(chosen.warm, 0)
        before = process.cpu_s(pid)
        a_turn = max(1, round(chosen.rate * _TURN_S))
        for done in range(0, chosen.n, a_turn):
            await both(min(a_turn, chosen.n - done), chosen.warm + done)
        return Spent(process.cpu_s(pid) - before, process.memory_kb(pid, "VmHWM"))


async def _turn(submit: Submit, jobs: int, rate: float) -> None:
    """Submit at the rate, whether or not the ones before are done."""
    began = time.monotonic()
    async with asyncio.TaskGroup() as submits:
        for number in range(jobs):
            await asyncio.sleep(max(0.0, began + number / rate - time.monotonic()))
            submits.create_task(submit())
