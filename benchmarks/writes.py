"""Transactions a second of submit, claim and settle, against a bare driver's with the same SQL.

The engine's statements are logged as they run, values included, and then run once more by a bare
driver (``sqlite3`` with the same durability; ``asyncpg``) on a copy of the database, right after:
what they cost if nothing but them had to be done. Model and picture work cost nothing here.
``settle`` is all from the claim to ``ready``. Subject and floor are the whole on the last of the
databases, which is PostgreSQL unless another was asked for.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.engine import cpu_s
from benchmarks.instant import InstantModel, tiny_photo, without_picture_work
from benchmarks.places import KINDS, Place, places
from benchmarks.replay import Bare, Log, bare, logged
from benchmarks.result import Result, peak_rss_mb
from staging_core import OWNER, Staging
from staging_core.acting import Images
from staging_core.database.row import Row
from staging_core.pipeline import Pipeline
from staging_core.ports import Ports

_AT_A_TIME = 20


@dataclass
class Spent:
    """Seconds of ours and of the bare driver, for so many transactions."""

    seconds: float = 0.0
    bare_seconds: float = 0.0
    transactions: int = 0

    def add(self, other: Spent) -> None:
        """Take what another spent on top."""
        self.seconds += other.seconds
        self.bare_seconds += other.bare_seconds
        self.transactions += other.transactions

    def figures(self, name: str, jobs: int) -> dict[str, float]:
        """For a result's details."""
        return {
            f"{name}_per_s": self.transactions / self.seconds,
            f"{name}_bare_per_s": self.transactions / self.bare_seconds,
            f"{name}_ratio": self.seconds / self.bare_seconds,
            f"{name}_transactions_per_job": self.transactions / jobs,
        }


@dataclass
class Phases:
    """What jobs spent on their way, in order; ``whole`` is their sum."""

    submit: Spent = field(default_factory=Spent)
    claim: Spent = field(default_factory=Spent)
    settle: Spent = field(default_factory=Spent)
    failed: list[str] = field(default_factory=list)

    @property
    def whole(self) -> Spent:
        """All three."""
        whole = Spent()
        for each in (self.submit, self.claim, self.settle):
            whole.add(each)
        return whole

    def figures(self, kind: str, jobs: int) -> dict[str, float]:
        """For a result's details."""
        figures: dict[str, float] = {}
        for name in ("submit", "claim", "settle", "whole"):
            figures |= getattr(self, name).figures(f"{kind}_{name}", jobs)
        return figures


def options(parser: argparse.ArgumentParser) -> None:
    """How much, where."""
    parser.add_argument("--n", type=int, default=300, help="jobs on each database (300)")
    parser.add_argument("--database", choices=KINDS, help="on this one only (both)")


def run(chosen: argparse.Namespace) -> Result:
    """Each database on its own; the last one is the subject."""
    found: dict[str, Phases] = {}
    details: dict[str, float] = {}
    cpu = cpu_s()
    for kind in [chosen.database] if chosen.database else KINDS:
        with tempfile.TemporaryDirectory() as home, places(kind, Path(home)) as (place,):
            found[kind] = asyncio.run(measure(place, Path(home), chosen.n))
        details |= found[kind].figures(kind, chosen.n)
    cpu = cpu_s() - cpu
    subject = list(found.values())[-1].whole
    return Result(
        name="writes",
        unit="transactions/s",
        subject=subject.transactions / subject.seconds,
        floor=subject.transactions / subject.bare_seconds,
        ratio=subject.seconds / subject.bare_seconds,
        cpu_us=cpu / sum(each.whole.transactions for each in found.values()) * 1e6,
        rss_mb=peak_rss_mb(),
        n=chosen.n * len(found),
        errors=[failed for each in found.values() for failed in each.failed],
        details=details,
    )


async def measure(place: Place, home: Path, jobs: int) -> Phases:
    """Some jobs at a time, phase by phase: first ours, then the same with a bare driver."""
    settings = {
        "home": home,
        "storage": "memory:",
        "stager": (InstantModel(),),
        "plugins": (),
        **place.settings,
    }
    async with AsyncExitStack() as stack:
        async with Staging(worker=False, **settings):
            pass  # the tables are there now
        floor = await bare(place.kind, stack.enter_context(place.copied()))
        stack.push_async_callback(floor.close)
        staging = await stack.enter_async_context(Staging(worker=False, **settings))
        log = stack.enter_context(logged(staging.ports.database))
        both = _Both(without_picture_work(staging), floor, log)
        await both.go(Phases(), 1)  # the account, the photo, and all that is done once
        phases = Phases()
        for first in range(0, jobs, _AT_A_TIME):
            await both.go(phases, min(_AT_A_TIME, jobs - first))
        page = await staging.acting_as(OWNER).jobs.page(limit=jobs + 1)
        phases.failed = [
            f"{place.kind}: a job ended as {job.state}" for job in page if job.state != "ready"
        ]
        return phases


@dataclass
class _Both:
    ports: Ports
    floor: Bare
    log: Log

    async def go(self, phases: Phases, jobs: int) -> None:
        """So many jobs from submit to ready, twice."""
        began = time.perf_counter()
        await _submit(self.ports, jobs)
        phases.submit.add(await self._again(began))
        began = time.perf_counter()
        held = await _claim(self.ports, jobs)
        phases.claim.add(await self._again(began))
        began = time.perf_counter()
        await _settle(self.ports, held)
        phases.settle.add(await self._again(began))

    async def _again(self, began: float) -> Spent:
        """What was logged since ``began``, by the bare driver."""
        seconds = time.perf_counter() - began
        statements, commits = self.log.taken()
        return Spent(seconds, await self.floor.run(statements), commits)


async def _submit(ports: Ports, jobs: int) -> None:
    images = Images(ports, OWNER)
    for _ in range(jobs):
        await images.submit(tiny_photo(), room="bedroom", style="modern")


async def _claim(ports: Ports, jobs: int) -> list[Row]:
    pipeline = Pipeline(ports)
    held = [await pipeline.claim() for _ in range(jobs)]
    return [job for job in held if job is not None]


async def _settle(ports: Ports, held: list[Row]) -> None:
    pipeline = Pipeline(ports)
    for job in held:
        await pipeline.carry(job)
