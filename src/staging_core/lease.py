"""Holding a job: the lease is renewed, and progress told, beside whatever the job does."""

from __future__ import annotations

import asyncio
import logging
import time
from types import TracebackType

from .database import jobs
from .database.jobs import Abandoned
from .database.row import Row
from .ports import Ports
from .text import keepable

log = logging.getLogger("staging_core")

_TICK_S = 0.5
_STEP = 0.02


class Lease:
    """Keeps a claimed job ours while the block runs.

    When another worker takes the job, or its account cancels it, the block is cancelled and
    leaves as ``Abandoned``.
    """

    def __init__(self, ports: Ports, job: Row) -> None:
        self._ports = ports
        self._job = job
        self._lost = False
        self._told = self._reached = (0.0, "")
        self._body: asyncio.Task[object] | None = None
        self._keeper: asyncio.Task[None] | None = None

    def progress(self, share: float, phase: str) -> None:
        """How far the job is; callable from any thread, written soon by the keeper."""
        share = min(max(0.0, share), 1.0)  # in this order NaN becomes 0
        self._reached = (share, keepable(phase[:64]))

    async def __aenter__(self) -> Lease:
        self._body = asyncio.current_task()
        self._keeper = asyncio.create_task(self._keep())
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._keeper is not None
        assert self._body is not None
        self._keeper.cancel()
        await asyncio.wait([self._keeper])
        if self._lost and isinstance(error, asyncio.CancelledError):
            self._body.uncancel()
            raise Abandoned() from error

    async def _keep(self) -> None:
        """Renew at a third of the lease; a database that is away is asked again until it is up."""
        lease_s = self._ports.settings.lease_s
        renewed = time.monotonic()
        while not self._lost:
            await asyncio.sleep(min(_TICK_S, lease_s / 3))
            try:
                await self._tell()
                if time.monotonic() - renewed >= lease_s / 3:
                    async with self._ports.database.write(self._job["account_id"]) as tx:
                        await jobs.renew(tx, self._job, lease_s=lease_s)
                    renewed = time.monotonic()
            except Abandoned:
                self._give_up()
            except Exception:
                log.warning("job %s: lease not renewed", self._job["id"], exc_info=True)
                if time.monotonic() - renewed > lease_s:
                    self._give_up()

    async def _tell(self) -> None:
        share, phase = self._reached
        if phase == self._told[1] and share - self._told[0] < _STEP:
            return
        async with self._ports.database.write(self._job["account_id"]) as tx:
            await jobs.note_progress(tx, self._job, share, phase)
        self._told = (share, phase)

    def _give_up(self) -> None:
        self._lost = True
        assert self._body is not None
        self._body.cancel()
