"""Jobs that wait at a provider, all with one worker process: what each of them takes of it.

The worker is a process of its own on a real database. Warmed up by some jobs, its memory is read;
then the others are begun and all wait, and it is read again. A part of them is then called back
and must get ready. Polls are those of the default settings: the model's card says that predictions
take an hour, for which their callbacks are awaited. The floor is one waiting asyncio task, which is
what holding a job at all would cost. Gates (from 5,000 jobs on; before, it is noise): at most 1 KiB
a job, and at most 512 MiB in the whole; no job was polled.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import tempfile
import time
from pathlib import Path
from typing import Any, NamedTuple

import sqlalchemy as sa

from benchmarks import process
from benchmarks.instant import tiny_photo, without_picture_work
from benchmarks.parked import Parked
from benchmarks.patience import jobs_in, until
from benchmarks.places import KINDS, places
from benchmarks.result import Result
from staging_core import OWNER, Staging
from staging_core.acting import Images
from staging_core.database.tables import attempts
from staging_core.models import Callback

LIMIT_KB, LIMIT_MB = 1.0, 512.0
_TELLING = 5_000
_VARIANTS = 20
_REST_S = 3.0


class Found(NamedTuple):
    """KiB of the worker; CPU seconds; seconds for those that were called back."""

    idle_kb: int
    full_kb: int
    peak_kb: int
    cpu_s: float
    resting_cpu: float
    begun_s: float
    finished_s: float


def options(parser: argparse.ArgumentParser) -> None:
    """How much, where."""
    parser.add_argument("--n", type=int, default=10_000, help="jobs, in twenties (10,000)")
    parser.add_argument("--finish", type=int, default=200, help="jobs that are called back (200)")
    parser.add_argument("--database", choices=KINDS, default="postgresql")


def run(chosen: argparse.Namespace) -> Result:
    """One worker, one round."""
    with tempfile.TemporaryDirectory() as home, places(chosen.database, Path(home)) as (place,):
        settings = _settings(Path(home), chosen.n) | place.settings
        found = asyncio.run(_measure(settings, chosen))
    warm = _warm(chosen.n)
    each = (found.full_kb - found.idle_kb) / (chosen.n - warm)
    floor = asyncio.run(_waiting_task_kb(max(chosen.n, _TELLING)))
    errors = []
    if chosen.n >= _TELLING and each > LIMIT_KB:
        errors.append(f"{each:.2f} KiB a waiting job, {LIMIT_KB:g} allowed")
    if found.peak_kb / 1024 > LIMIT_MB:
        errors.append(f"{found.peak_kb / 1024:.0f} MiB in the worker, {LIMIT_MB:g} allowed")
    return Result(
        name="inflight",
        unit="KiB a job",
        subject=each,
        floor=floor,
        ratio=each / floor,
        cpu_us=found.cpu_s / chosen.n * 1e6,
        rss_mb=found.peak_kb / 1024,
        n=chosen.n,
        errors=errors,
        details={
            "idle_mb": found.idle_kb / 1024,
            "waiting_mb": found.full_kb / 1024,
            "begun_per_s": (chosen.n - warm) / found.begun_s,
            "resting_cpu_share": found.resting_cpu,
            "called_back": chosen.finish,
            "ready_per_s": chosen.finish / found.finished_s,
        },
    )


def _settings(home: Path, n: int) -> dict[str, Any]:
    """As JSON takes them: callbacks are awaited, and nothing is too many. Polls are the default."""
    return {
        "home": str(home),
        "plugins": [],
        "sweep_s": 0.5,
        "public_url": "https://staging.example",
        "prediction_deadline_s": 864_000.0,
        "max_in_flight": 10 * n,
        "max_queued": 10 * n,
        "provider_creates_per_minute": 10_000_000,
    }


def _warm(n: int) -> int:
    return max(_VARIANTS, min(200, n // 4) // _VARIANTS * _VARIANTS)


async def _measure(settings: dict[str, Any], chosen: argparse.Namespace) -> Found:
    photo = tiny_photo()
    given = {**settings, "home": Path(settings["home"]), "plugins": ()}
    async with Staging(stager=(Parked(photo),), worker=False, **given) as staging:
        client = Client(staging)
        with process.python("-m", "benchmarks.parked", json.dumps(settings), said="working") as it:
            await client.submit(_warm(chosen.n))
            idle_kb = process.memory_kb(it.pid)
            began = time.perf_counter()
            await client.submit(chosen.n - _warm(chosen.n))
            begun_s = time.perf_counter() - began
            spent = process.cpu_s(it.pid)
            await asyncio.sleep(_REST_S)
            resting_cpu = (process.cpu_s(it.pid) - spent) / _REST_S
            full_kb = process.memory_kb(it.pid)
            finished_s = await client.call_back(chosen.finish)
            peak_kb = process.memory_kb(it.pid, "VmHWM")
    return Found(idle_kb, full_kb, peak_kb, spent, resting_cpu, begun_s, finished_s)


class Client:
    """Submits jobs, waits until they wait, and plays the provider that calls back."""

    def __init__(self, staging: Staging) -> None:
        self._staging = staging
        self._images = Images(without_picture_work(staging), OWNER)
        self._submitted = 0

    async def submit(self, n: int) -> None:
        """Submit so many jobs; return when all of them wait."""
        for _ in range(0, n, _VARIANTS):
            await self._images.submit(
                tiny_photo(), room="bedroom", style="modern", variants=_VARIANTS
            )
            self._submitted += _VARIANTS
        await until(lambda: jobs_in(self._staging, "waiting"), self._submitted)

    async def call_back(self, n: int) -> float:
        """Seconds from the first report to the last of so many ready jobs."""
        if polled := await jobs_in(self._staging, "ready"):
            raise RuntimeError(f"{polled} jobs were polled.")
        async with self._staging.ports.database.read(OWNER.account_id) as tx:
            rows = await tx.rows(sa.select(attempts.c.id).limit(n))
        began = time.perf_counter()
        for row in rows:
            report = Callback(body=row["id"].encode(), headers={}, received_at=time.time())
            await self._staging.receive(report, attempt_id=row["id"])
        await until(lambda: jobs_in(self._staging, "ready"), n)
        return time.perf_counter() - began


async def _waiting_task_kb(n: int) -> float:
    """KiB that one of ``n`` waiting tasks takes in this process."""
    never = asyncio.Event()
    before = process.memory_kb(os.getpid())
    tasks = [asyncio.create_task(never.wait()) for _ in range(n)]
    await asyncio.sleep(0.1)
    each = (process.memory_kb(os.getpid()) - before) / n
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    return each
