"""Jobs from claim to settlement: who takes which, and which way it goes.

The order everywhere: a row that says what is meant, the call outside, a row that says what came
of it. Every write carries the job's fence; a worker whose fence is gone stops, quietly. The ways
themselves: ``answered`` for models that answer in the call, ``deferred`` for those that answer
later; both end in ``delivery``.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Collection
from typing import NamedTuple

from .answered import Answered
from .database import attempts, claims, gates, jobs
from .database.engine import Transaction
from .database.jobs import Abandoned
from .database.row import Row
from .deferred import Deferred
from .errors import AttemptsExhausted
from .held import Held
from .interfaces import Stager, supports
from .lease import Lease
from .model_input import taken_up
from .ports import Ports
from .settlement import MAX_CRASHES, end_job, tell_end

log = logging.getLogger("staging_core")


class Look(NamedTuple):
    """What a look at the queue found. ``next_at``: when to look again, in Unix seconds.

    0: at once; ``inf``: when something is heard; None: nobody knows, soon. ``attempt``: the open
    one of a job that waited for its prediction; ``original``: of one that is begun, see ``Held``.
    ``left``: a job in our hands that a worker has left in the middle of a step, or for ever.
    """

    job: Row | None
    next_at: float | None
    attempt: Row | None = None
    original: Row | None = None
    left: claims.Claimed | None = None


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
    ) -> Row | None:
        """Take a due job of ``models`` (all open ones by default) that nobody holds."""
        return (await self.look(models, job_id)).job

    async def look(self, models: Collection[str] | None = None, job_id: str | None = None) -> Look:
        """``claim``, and when the next look is worth while, in ONE transaction.

        What a dead worker left takes one more: there an attempt is locked before its job.
        """
        wanted = list(self.ports.stagers if models is None else models)
        try:
            async with self.ports.database.write() as tx:
                found = await (
                    self._look(tx, wanted) if job_id is None else self._look_at(tx, wanted, job_id)
                )
        except _Shut:
            return Look(None, 0.0)
        return found if found.left is None else await self._take_over(found.left)

    async def _look(self, tx: Transaction, models: list[str]) -> Look:
        lease_s = self.ports.settings.lease_s
        taken = await claims.claim_begun(tx, models=models, lease_s=lease_s)
        if taken is not None:
            return await self._begun(tx, taken)
        seen = await self._gates(tx, models)
        open_now = [name for name in models if _opens_at(seen, name) <= tx.now]
        most = self.ports.settings.max_in_flight
        taken = await claims.claim_new(tx, models=open_now, lease_s=lease_s, most=most)
        if taken is not None:
            original = await self._enter(tx, taken.job, seen)
            return Look(taken.job, 0.0 if taken.more else None, original=original)
        due = await claims.next_due(tx, models, starting=open_now)
        shut = [at for name in models if (at := _opens_at(seen, name)) > tx.now]
        times = [*shut, *([] if due is None else [due])]
        return Look(None, min(times) if times else math.inf)

    async def _look_at(self, tx: Transaction, models: list[str], job_id: str) -> Look:
        seen = await self._gates(tx, models)
        settings = self.ports.settings
        taken = await claims.claim_this(
            tx,
            job_id,
            models=models,
            starting=[name for name in models if _opens_at(seen, name) <= tx.now],
            lease_s=settings.lease_s,
            most=settings.max_in_flight,
        )
        if taken is None:
            return Look(None, None)
        if taken.begun:
            return Look(taken.job, None, original=await self._enter(tx, taken.job, seen))
        return await self._begun(tx, taken)

    async def _begun(self, tx: Transaction, taken: claims.Claimed) -> Look:
        """Who waited for something goes on; what a dead worker left is taken over."""
        job, next_at = taken.job, 0.0 if taken.more else None
        if job["state"] == "submitted" and not taken.left_at:
            return Look(job, next_at)
        if job["state"] not in ("submitted", "waiting"):
            return Look(None, 0.0, left=taken)
        gate = gates.of_reads(self.ports.stagers[job["model"]].card)
        attempt = await attempts.to_check(tx, job["id"], gate=gate)
        if attempt is not None and attempt["state"] != "started" and self._died(taken):
            # Who asked after it died of that; a create that kills is bounded by its attempts.
            if job["crashes"] + 1 >= MAX_CRASHES:
                return Look(None, 0.0, left=taken)
            job = await jobs.count_crash(tx, job)
        return Look(job, next_at, attempt)

    def _died(self, taken: claims.Claimed) -> bool:
        """Whether who left the job has died: a database that was away lets no lease be renewed."""
        renewed_at = taken.left_at - self.ports.settings.lease_s
        return taken.left_at > 0 and renewed_at >= self.ports.database.sound_since

    async def _gates(self, tx: Transaction, models: Collection[str]) -> dict[str, gates.Gate]:
        cards = [self.deferred[name] for name in models if name in self.deferred]
        return await gates.look(tx, cards, per_minute=self._per_minute) if cards else {}

    @property
    def _per_minute(self) -> int:
        return self.ports.settings.provider_creates_per_minute

    async def _take_over(self, taken: claims.Claimed) -> Look:
        """A worker died holding the job: its call is lost, checkpoint and prediction are not."""
        job = taken.job
        crashes = job["crashes"] + self._died(taken)
        try:
            if crashes >= MAX_CRASHES:
                await self._bury(job, crashes)
                return Look(None, 0.0)
            await self._go_back(job, crashes)
        except Abandoned:  # cancelled a moment ago
            return Look(None, 0.0)
        return (await self.look([job["model"]], job["id"]))._replace(next_at=0.0)

    async def _go_back(self, job: Row, crashes: int) -> None:
        """To where the job can be taken up again."""
        told = {"reason": "worker_lost"}
        async with self.ports.database.write(job["account_id"]) as tx:
            if job["state"] == "fetching":
                await jobs.move(tx, job, "waiting", told=told, crashes=crashes)
                return
            await attempts.end(tx, job["id"], "lost", error="worker_lost")
            await jobs.move(tx, job, "queued", told=told, crashes=crashes)

    async def _bury(self, job: Row, crashes: int) -> None:
        """Enough workers died of it."""
        error = AttemptsExhausted(f"Its worker died {crashes} times while it held the job.")
        async with self.ports.database.write(job["account_id"]) as tx:
            row = await end_job(tx, job, error, crashes=crashes)
        tell_end(self.ports, row)

    async def _enter(self, tx: Transaction, job: Row, seen: dict[str, gates.Gate]) -> Row | None:
        """Through the model's gate, where it has one; the job's original, read on the way."""
        gate = seen.get(job["model"])
        if gate is None:
            return None
        card = self.deferred[job["model"]]
        original = await taken_up(tx, self.ports, card, job)
        # Others wait for the bucket's row: it is locked last.
        if not await gates.enter(tx, card, gate, per_minute=self._per_minute):
            raise _Shut
        return original

    async def work(self, job_id: str) -> bool:
        """Claim this job and carry it; False when it wants no worker or somebody has it."""
        found = await self.look(job_id=job_id)
        if found.job is None:
            return False
        await self.carry(found.job, found.attempt, found.original)
        return True

    async def carry(
        self, job: Row, attempt: Row | None = None, original: Row | None = None
    ) -> float:
        """Carry a claimed job to its end, or to its next wait; for the rest see ``Look``.

        When the next look is worth while, as in ``Look``; while it waits at its provider nobody
        else may start for that.
        """
        facts = {
            "staging.job": job["id"],
            "staging.image": job["image_id"],
            "staging.state": job["state"],
            "staging.model": job["model"],
        }
        step = self.ports.telemetry.span("staging.job", parent=job["trace"], **facts)
        try:
            with step:
                async with Lease(self.ports, job) as lease:
                    way: Held = (
                        Deferred(self.ports, job, lease, attempt, original=original)
                        if job["model"] in self.deferred
                        else Answered(self.ports, job, lease)
                    )
                    await way.run()
                    return way.next_at
        except Abandoned:
            log.info("job %s: held or ended by somebody else", job["id"])
        return 0.0


def _opens_at(seen: dict[str, gates.Gate], model: str) -> float:
    """A model that answers in the call has no gate."""
    return seen[model].opens_at if model in seen else 0.0


class _Shut(Exception):
    """Another worker went through the gate first; the claim is undone."""
