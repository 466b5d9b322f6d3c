"""The way of a job whose model answers in the call."""

from __future__ import annotations

import asyncio

from .database import attempts, jobs
from .delivery import Delivery
from .errors import AttemptsExhausted, Retryable
from .interfaces import Photo, Stager, supports
from .models import Attempt, Staged, StageRequest
from .spending import Spending, check_caps, spending_on


class Answered(Delivery):
    """preparing -> staging -> finalizing -> ready; the lease is renewed all the while."""

    async def _carry(self) -> None:
        if self.job["checkpoint"] is None:
            await self._stage()
        else:
            await self._finalize_again()

    async def _stage(self) -> None:
        """One attempt: intent, the model, verified pictures in the storage, checkpoint."""
        await check_caps(self.ports, self._card, self.job)
        original, given, request = await self._prepare()
        attempt = await self._begin_attempt(await spending_on(self.ports, self._card, given))
        with self._timed("stage"):
            staged = await self._ask_model(given, request, attempt)
            outputs = await self._bytes(staged)
        await self._deliver(outputs, staged, original, attempt.number)

    async def _begin_attempt(self, spending: Spending) -> Attempt:
        limit_s = self._card.time_limit_s
        secrets = await self._secrets()
        async with self.ports.database.write(self.job["account_id"]) as tx:
            row = await attempts.begin(
                tx, self.job, time_limit_s=limit_s, version=self._card.version
            )
            if row["number"] > self.ports.settings.max_attempts:
                raise AttemptsExhausted(f"Tried {self.job['attempts']} times.")
            job = await jobs.move(
                tx,
                self.job,
                "staging",
                told={"attempt": row["number"]},
                attempts=row["number"],
                **self._no_more_capped(),
            )
            await spending.reserve(tx, row, job)
        self.job = job
        return Attempt(
            id=row["id"],
            number=row["number"],
            deadline=tx.here(row["deadline"]),
            progress=self.lease.progress,
            secrets=secrets,
        )

    async def _ask_model(self, photo: Photo, request: StageRequest, attempt: Attempt) -> Staged:
        limit_s = self._card.time_limit_s
        stager = supports(self._model, Stager)
        assert stager is not None  # or the job would have another way
        try:
            async with asyncio.timeout(limit_s) as limit:
                return await stager.stage(request, photo, attempt)
        except TimeoutError as late:
            if not limit.expired():
                raise
            raise Retryable(f"The model took longer than {limit_s:g} s.") from late
        except (asyncio.CancelledError, SystemExit) as ended:
            if _is_being_cancelled():
                raise
            # Of the model's own making; let through, it would stop this worker, and uncounted.
            raise Retryable(f"The model broke off ({type(ended).__name__}).") from ended


def _is_being_cancelled() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
