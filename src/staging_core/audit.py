"""The invariants, counted: every number should be zero.

I1 no job and no report of a provider is forgotten; I4 attempts are bounded, at most one of a job is
open, and each has a prediction of its own, which is cancelled when nobody wants it; I6 results are
in the storage as the rows say, and nothing else is; I7 the event log has no gap, no illegal move
and one end per ended job.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import sqlalchemy as sa

from .database import files, tables
from .database.attempts import OPEN
from .database.claims import CLAIMABLE
from .models import TERMINAL, Stored
from .ports import Ports
from .states import MOVES

_FORGOTTEN_S = 120.0
_UNREAD_S = 2 * 3600.0
_WITHOUT_ATTEMPT = TERMINAL | {"queued", "preparing", "finalizing", "needs_review"}
"""States in which no attempt of a job is open."""


class Audit:
    """Reads everything, changes nothing. Exact while no worker runs."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports

    async def count(self) -> dict[str, int]:
        """Violations by invariant."""
        return {
            "I1": await self._forgotten_jobs() + await self._unread_reports(),
            "I4": await self._unbounded_attempts()
            + await self._doubled_predictions()
            + await self._unwanted_predictions(),
            "I6": await self._missing_results() + await self._unknown_objects(),
            "I7": await self._broken_logs(),
        }

    async def _rows(self, query: sa.Select[Any]) -> list[sa.RowMapping]:
        async with self._ports.database.read() as tx:
            return await tx.rows(query)

    async def _forgotten_jobs(self) -> int:
        """Jobs that want a worker, and that no sweep has found for minutes."""
        jobs = tables.jobs
        async with self._ports.database.read() as tx:
            before = tx.now - _FORGOTTEN_S - self._ports.settings.lease_s
            rows = await tx.rows(
                sa.select(jobs.c.id).where(
                    jobs.c.state.in_(CLAIMABLE - {"queued"}),
                    jobs.c.lease_until < before,
                    jobs.c.due_at < before,
                )
            )
        return len(rows)

    async def _unbounded_attempts(self) -> int:
        """Attempts over the limit, and attempts still open though their job has ended."""
        attempts, jobs = tables.attempts, tables.jobs
        over = attempts.c.number > self._ports.settings.max_attempts
        left_open = attempts.c.state.in_(OPEN) & jobs.c.state.in_(_WITHOUT_ATTEMPT)
        query = (
            sa.select(attempts.c.id)
            .join(jobs, jobs.c.id == attempts.c.job_id)
            .where(over | left_open)
        )
        return len(await self._rows(query))

    async def _doubled_predictions(self) -> int:
        """Predictions of more than one attempt, and jobs with more than one open attempt."""
        attempts = tables.attempts
        more_than_one = sa.func.count() > 1
        shared = sa.select(attempts.c.handle).where(attempts.c.handle.is_not(None))
        shared = shared.group_by(attempts.c.model, attempts.c.handle).having(more_than_one)
        several = sa.select(attempts.c.job_id).where(attempts.c.state.in_(OPEN))
        several = several.group_by(attempts.c.job_id).having(more_than_one)
        return len(await self._rows(shared)) + len(await self._rows(several))

    async def _unwanted_predictions(self) -> int:
        """Predictions that should have been cancelled long ago."""
        outbox = tables.outbox
        async with self._ports.database.read() as tx:
            old = outbox.c.created_at < tx.now - _UNREAD_S
            query = sa.select(outbox.c.id).where(outbox.c.kind == "cancel_prediction", old)
            return len(await tx.rows(query))

    async def _unread_reports(self) -> int:
        """Callbacks that no sweep has read again."""
        inbox = tables.inbox
        async with self._ports.database.read() as tx:
            old = inbox.c.received_at < tx.now - _UNREAD_S
            query = sa.select(inbox.c.event_id).where(inbox.c.read_at.is_(None), old)
            return len(await tx.rows(query))

    async def _missing_results(self) -> int:
        """Ready images whose object is missing or another; results of jobs that are not ready."""
        images, jobs, kept = tables.images, tables.jobs, tables.files
        query = (
            sa.select(images.c.staged_key, kept.c.etag, kept.c.expires_at, jobs.c.state)
            .join(jobs, jobs.c.id == images.c.job_id)
            .outerjoin(kept, kept.c.key == images.c.staged_key)
            .where((jobs.c.state == "ready") | images.c.staged_key.is_not(None))
        )
        return sum([await self._is_wrong(row) for row in await self._rows(query)])

    async def _is_wrong(self, row: sa.RowMapping) -> bool:
        if row["state"] != "ready" or row["staged_key"] is None or row["expires_at"] is not None:
            return True
        stored = await self._ports.storage.stat(row["staged_key"])
        return stored is None or stored.etag != row["etag"]

    async def _unknown_objects(self) -> int:
        """Objects of ours, older than the grace time, that no row knows."""
        async with self._ports.database.read() as tx:
            oldest = tx.now - self._ports.settings.orphan_grace_s
        old: list[Stored] = [
            stored
            for folder in files.FOLDERS
            async for stored in self._ports.storage.entries(folder)
            if stored.modified < oldest and files.is_ours(stored.key)
        ]
        async with self._ports.database.read() as tx:
            known = await files.known(tx, [stored.key for stored in old])
        return sum(stored.key not in known for stored in old)

    async def _broken_logs(self) -> int:
        """Jobs whose events have a gap, an illegal move, or not exactly one end."""
        events, jobs = tables.events, tables.jobs
        rows = await self._rows(
            sa.select(events.c.job_id, events.c.seq, events.c.type, events.c.state).order_by(
                events.c.job_id, events.c.seq
            )
        )
        logs: dict[str, list[sa.RowMapping]] = {}
        for row in rows:
            logs.setdefault(row["job_id"], []).append(row)
        states = await self._rows(sa.select(jobs.c.id, jobs.c.state))
        return sum(not _sound(logs.get(job["id"], []), job["state"]) for job in states)


def _sound(log: list[sa.RowMapping], state: str) -> bool:
    moves = [row["state"] for row in log if row["type"] == "state"]
    return (
        [row["seq"] for row in log] == list(range(1, len(log) + 1))
        and moves[:1] == ["queued"]
        and all(new in MOVES[old] for old, new in pairwise(moves))
        and moves[-1] == state
        and (log[-1]["state"] in TERMINAL) == (state in TERMINAL)
    )
