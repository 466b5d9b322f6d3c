"""The account's jobs."""

from __future__ import annotations

import msgspec

from staging_core.database import attempts, events, jobs
from staging_core.errors import NotFound
from staging_core.models import Job, JobEvent, JobState, Place, Principal
from staging_core.ports import Ports
from staging_core.scoped import needs
from staging_core.settlement import cancel_job


class AttemptRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One try in a job's history. Times are Unix seconds; ``error`` is a stable code.

    ``handle``: how the provider of a model that answers later knows the prediction.
    """

    number: int
    state: str
    model: str = ""
    handle: str | None = None
    error: str | None = None
    message: str | None = None
    cost_usd: float = 0.0
    started_at: float = 0.0
    finished_at: float | None = None


class Jobs:
    """The account's jobs."""

    def __init__(self, ports: Ports, principal: Principal) -> None:
        self._ports = ports
        self._principal = principal
        self._account_id = principal.account_id

    @needs("images:read")
    async def get(self, job_id: str) -> Job:
        """One job; ``NotFound``."""
        async with self._ports.database.read(self._account_id) as tx:
            return await jobs.get(tx, self._account_id, job_id)

    @needs("images:read")
    async def page(
        self, *, state: JobState | None = None, limit: int = 50, before: Job | Place | None = None
    ) -> list[Job]:
        """Jobs, newest first; ``before``: the last one of the page before, or its place."""
        place = before.place if isinstance(before, Job) else before
        async with self._ports.database.read(self._account_id) as tx:
            return await jobs.page(tx, self._account_id, state=state, before=place, limit=limit)

    @needs("images:read")
    async def attempts(self, job_id: str) -> list[AttemptRecord]:
        """The job's tries in order."""
        async with self._ports.database.read(self._account_id) as tx:
            try:
                await jobs.get(tx, self._account_id, job_id)
            except NotFound:
                return []
            rows = await attempts.of_job(tx, self._account_id, job_id)
        fields = AttemptRecord.__struct_fields__
        return [AttemptRecord(**{name: row[name] for name in fields}) for row in rows]

    @needs("images:read")
    async def history(self, job_id: str) -> list[JobEvent]:
        """The job's events in order."""
        async with self._ports.database.read(self._account_id) as tx:
            return await events.of_job(tx, self._account_id, job_id)

    @needs("images:write")
    async def cancel(self, job_id: str) -> Job:
        """Cancel the job; ``AlreadyFinal`` when it has ended."""
        await self.get(job_id)
        await self._ports.database.transact(
            self._account_id, lambda tx: cancel_job(tx, self._account_id, job_id)
        )
        return await self.get(job_id)
