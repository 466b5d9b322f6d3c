"""The account's jobs, over HTTP."""

from __future__ import annotations

import msgspec

from staging_core.acting import AttemptRecord
from staging_core.errors import AlreadyFinal, NotFound
from staging_core.models import Job, JobEvent, JobState, Place, Principal

from .asked import in_path, in_query
from .pages import rows_of
from .patience import was_repeated
from .told import AttemptTold, EventTold, JobTold
from .wire import Wire


class JobsTold(msgspec.Struct, frozen=True):
    """A page of jobs."""

    jobs: list[JobTold]
    next_cursor: str | None

    def rows(self) -> list[JobTold]:
        """See ``Page``."""
        return self.jobs


class AttemptsTold(msgspec.Struct, frozen=True):
    """A job's tries."""

    attempts: list[AttemptTold]


class HistoryTold(msgspec.Struct, frozen=True):
    """A job's events."""

    events: list[EventTold]


class RemoteJobs:
    """As ``acting.Jobs``."""

    def __init__(self, wire: Wire, principal: Principal) -> None:
        self._wire = wire
        self._principal = principal

    async def get(self, job_id: str) -> Job:
        """See ``Jobs.get``."""
        return (await self._wire.get(JobTold, _path(job_id))).job(self._principal)

    async def page(
        self, *, state: JobState | None = None, limit: int = 50, before: Job | Place | None = None
    ) -> list[Job]:
        """See ``Jobs.page``."""
        place = before.place if isinstance(before, Job) else before
        rows = await rows_of(
            self._wire, JobsTold, "/jobs", in_query(state=state), before=place, limit=limit
        )
        return [row.job(self._principal) for row in rows]

    async def attempts(self, job_id: str) -> list[AttemptRecord]:
        """See ``Jobs.attempts``."""
        try:
            told = await self._wire.get(AttemptsTold, f"{_path(job_id)}/attempts")
        except NotFound:
            return []
        return [each.attempt() for each in told.attempts]

    async def history(self, job_id: str) -> list[JobEvent]:
        """See ``Jobs.history``."""
        try:
            told = await self._wire.get(HistoryTold, f"{_path(job_id)}/events")
        except NotFound:
            return []
        return [each.event(self._principal) for each in told.events]

    async def cancel(self, job_id: str) -> Job:
        """See ``Jobs.cancel``."""
        try:
            told = await self._wire.send(JobTold, "POST", f"{_path(job_id)}/cancel")
        except AlreadyFinal as final:
            job = await self.get(job_id)
            if job.state == "cancelled" and was_repeated(final):
                return job
            raise
        return told.job(self._principal)


def _path(job_id: str) -> str:
    return f"/jobs/{in_path('job', job_id)}"
