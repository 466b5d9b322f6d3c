"""What became of everything: waits for the end, asks all sides, and counts."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import sqlalchemy as sa

from staging_core import Staging
from staging_core.audit import Accepted, Audit, Evidence, KnownPrediction, Violation
from staging_core.database import tables
from staging_core.errors import StagingError
from staging_core.interfaces import Storage
from staging_core.models import TERMINAL
from staging_core.states import ACTIVE
from staging_core.testing.replicate import RunningReplicate

from .deployment import Deployment


class Judge:
    """Reads a deployment as its operator could."""

    def __init__(self, deployment: Deployment, staging: Staging) -> None:
        self._deployment = deployment
        self._ports = staging.ports
        self._staging = staging

    async def ended(self) -> int:
        """How many jobs have ended."""
        jobs = tables.jobs
        return await self._count(jobs.c.state.in_(TERMINAL))

    async def outcomes(self) -> Counter[str]:
        """Jobs by state, those in error by their code."""
        jobs = tables.jobs
        async with self._ports.database.read() as tx:
            rows = await tx.rows(sa.select(jobs.c.state, jobs.c.error))
        return Counter(row["error"] if row["state"] == "error" else row["state"] for row in rows)

    async def states_of(self, accepted: list[Accepted]) -> Counter[str]:
        """The promised jobs by state."""
        jobs = tables.jobs
        promised = {job_id for each in accepted for job_id in each.job_ids}
        async with self._ports.database.read() as tx:
            rows = await tx.rows(sa.select(jobs.c.state).where(jobs.c.id.in_(promised)))
        return Counter(row["state"] for row in rows)

    async def wait_until_some_are_at_work(self, within_s: float) -> None:
        """Return as soon as a job has left the queue."""
        async with asyncio.timeout(within_s):
            while True:
                if await self._count(tables.jobs.c.state.in_(ACTIVE)):
                    return
                await asyncio.sleep(0.02)

    @property
    def storage(self) -> Storage:
        """Where the pictures are."""
        return self._ports.storage

    async def _count(self, condition: sa.ColumnElement[bool]) -> int:
        async with self._ports.database.read() as tx:
            row = await tx.row(sa.select(sa.func.count().label("n")).where(condition))
        return 0 if row is None else int(row["n"])

    async def wait_until_all_ended(self, jobs: int, within_s: float) -> float:
        """Seconds until so many jobs have ended; ``AssertionError`` tells what has not."""
        began = time.monotonic()
        while await self._asked_ended() < jobs:
            if time.monotonic() - began > within_s:
                raise AssertionError(f"after {within_s:g} s: {dict(await self.outcomes())}")
            await asyncio.sleep(0.05)
        return time.monotonic() - began

    async def progress(self, jobs: int) -> float:
        """The share of ``jobs`` that have ended; 0 while the database is away."""
        return await self._asked_ended() / jobs

    async def _asked_ended(self) -> int:
        try:
            return await self.ended()
        except StagingError:
            return 0

    async def wait_until_books_agree(
        self, accepted: list[Accepted], within_s: float
    ) -> tuple[float, list[Violation]]:
        """Seconds until nothing is violated, at most ``within_s``; what still is then.

        Predictions that landed late are found, and unwanted ones cancelled, some sweeps later.
        """
        began = time.monotonic()
        while True:
            found = await self.violations(accepted)
            if not found or time.monotonic() - began > within_s:
                return time.monotonic() - began, found
            await asyncio.sleep(0.5)

    async def violations(self, accepted: list[Accepted]) -> list[Violation]:
        """All that must not be, by what clients, provider, storage and database say."""
        predictions = await asyncio.to_thread(known_predictions, self._deployment.replicate)
        evidence = Evidence(
            accepted=tuple(accepted),
            predictions=predictions,
            secrets=self._deployment.secrets,
            settled=True,
        )
        return await Audit(self._ports).violations(evidence)

    def leaks(self) -> list[str]:
        """Where a secret was written down, or handed to who must not have it."""
        leaks = [str(line) for line in self._deployment.replicate.truth("leak")]
        for name, text in self._deployment.logs().items():
            leaks += [f"log of {name}" for secret in self._deployment.secrets if secret in text]
        return leaks

    async def violations_after_sweeping(self, accepted: list[Accepted]) -> list[Violation]:
        """What a sweep of the whole storage leaves, or breaks, when no worker runs."""
        for _ in range(3):  # a file that has expired is deleted by the next sweep
            await self._staging.sweep(bucket=True)
        return await self.violations(accepted)


def known_predictions(replicate: RunningReplicate) -> tuple[KnownPrediction, ...]:
    """The provider's books."""
    return tuple(
        KnownPrediction(handle=made["id"], attempt_id=made["attempt"], cost_usd=made["cost_usd"])
        for made in replicate.predictions()
    )


@asynccontextmanager
async def judging(deployment: Deployment) -> AsyncIterator[Judge]:
    """A judge for whom every object is old enough to be known."""
    async with deployment.client(orphan_grace_s=0.001) as staging:
        yield Judge(deployment, staging)
