"""Jobs from claim to settlement: who takes which, and which way it goes.

The order everywhere: a row that says what is meant, the call outside, a row that says what came
of it. Every write carries the job's fence; a worker whose fence is gone stops, quietly. The ways
themselves: ``answered`` for models that answer in the call, ``deferred`` for those that answer
later; both end in ``delivery``.
"""

from __future__ import annotations

import logging
from collections.abc import Collection

import sqlalchemy as sa

from .answered import Answered
from .database import attempts, claims, gates, jobs
from .database.engine import Transaction
from .database.jobs import Abandoned
from .deferred import Deferred
from .errors import AttemptsExhausted
from .interfaces import Stager, supports
from .lease import Lease
from .models import ModelCard
from .ports import Ports
from .settlement import MAX_CRASHES, end_job

log = logging.getLogger("staging_core")


class Pipeline:
    """Claims jobs and carries each as far as it goes. ``deferred``: models that answer later."""

    def __init__(self, ports: Ports) -> None:
        self.ports = ports
        self.deferred = {
            name: stager.card
            for name, stager in ports.stagers.items()
            if supports(stager, Stager) is None
        }

    async def claim(
        self, models: Collection[str] | None = None, job_id: str | None = None
    ) -> sa.RowMapping | None:
        """Take a due job of ``models`` (all open ones by default) that nobody holds."""
        wanted = self.ports.stagers if models is None else models
        try:
            async with self.ports.database.write() as tx:
                job = await self._take(tx, wanted, job_id)
                if job is None or job["state"] in ("queued", "submitted", "waiting"):
                    return job
                return await self._take_over(tx, job)
        except _Shut:
            return None

    async def opening(self, models: Collection[str]) -> dict[str, float]:
        """By model, the time from which its queued jobs may be started; ``inf``: not known."""
        async with self.ports.database.read() as tx:
            return await self._opening(tx, models)

    async def _opening(self, tx: Transaction, models: Collection[str]) -> dict[str, float]:
        cards = [self.deferred[name] for name in models if name in self.deferred]
        gated = await gates.opening(tx, cards, per_minute=self._per_minute) if cards else {}
        return {name: gated.get(name, 0.0) for name in models}

    @property
    def _per_minute(self) -> int:
        return self.ports.settings.provider_creates_per_minute

    async def _take_over(self, tx: Transaction, job: sa.RowMapping) -> sa.RowMapping | None:
        """A worker died holding the job: its call is lost, checkpoint and prediction are not."""
        crashes = job["crashes"] + 1
        if crashes >= MAX_CRASHES:
            error = AttemptsExhausted(f"Its worker died {crashes} times while it held the job.")
            await end_job(tx, job, error, crashes=crashes)
            return None
        told = {"reason": "worker_lost"}
        if job["state"] == "fetching":
            await jobs.move(tx, job, "waiting", told=told, crashes=crashes)
        else:
            await attempts.end(tx, job["id"], "lost", error="worker_lost")
            await jobs.move(tx, job, "queued", told=told, crashes=crashes)
        return await self._take(tx, [job["model"]], job["id"])

    async def _take(
        self, tx: Transaction, models: Collection[str], job_id: str | None
    ) -> sa.RowMapping | None:
        settings = self.ports.settings
        opening = await self._opening(tx, models)
        job = await claims.claim(
            tx,
            models=list(models),
            starting=[name for name, at in opening.items() if at <= tx.now],
            lease_s=settings.lease_s,
            most=settings.max_in_flight,
            job_id=job_id,
        )
        if job is not None and job["state"] == "queued":
            await self._enter(tx, self.deferred.get(job["model"]))
        return job

    async def _enter(self, tx: Transaction, card: ModelCard | None) -> None:
        if card is not None and not await gates.enter(tx, card, per_minute=self._per_minute):
            raise _Shut

    async def work(self, job_id: str) -> bool:
        """Claim this job and carry it; False when it wants no worker or somebody has it."""
        job = await self.claim(job_id=job_id)
        if job is None:
            return False
        await self.carry(job)
        return True

    async def carry(self, job: sa.RowMapping) -> None:
        """Carry a claimed job to its end, or to its next wait."""
        way = Deferred if job["model"] in self.deferred else Answered
        try:
            async with Lease(self.ports, job) as lease:
                await way(self.ports, job, lease).run()
        except Abandoned:
            log.info("job %s: held or ended by somebody else", job["id"])


class _Shut(Exception):
    """Another worker went through the gate first; the claim is undone."""
