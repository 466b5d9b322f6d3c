"""A job whose prediction runs: the provider is asked how it stands, and its outputs are fetched.

waiting -> fetching -> finalizing. Only the provider's word ends a prediction, or its deadline.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from .database import attempts, gates, images, jobs
from .database.engine import Transaction
from .database.jobs import Abandoned
from .database.row import Row
from .delivery import Delivery
from .errors import (
    Busy,
    DatabaseFailed,
    Moderated,
    OutcomeUnknown,
    OutputGone,
    OutputUnavailable,
    Refused,
    Retryable,
    StorageError,
)
from .interfaces import Defers, supports
from .lease import Lease
from .models import Failed, Staged, Waiting
from .ports import Ports
from .predictions import CALL_S
from .settlement import backoff_s, is_of_all, is_old, settle_failure, unasked_s
from .telemetry import provider_call

T = TypeVar("T")

log = logging.getLogger("staging_core")

_FETCHES = 8
"""At growing pauses these last a minute or two: what was just put may show up a little later."""

_FETCHES_WHILE_AWAY = 60
"""These last about 40 minutes of the hour for which outputs lie there: they are paid for, and
those of another attempt would come no better from a place that does not answer."""

_LONGEST_POLL_S = 60.0
_ASKED_LATE_S = 1800.0
_LONGEST_SILENCE_S = 20.0
"""Jobs of a provider that is back go on soon, so it is asked that often whether it is."""


class NotFetched(Exception):
    """The prediction is there, its outputs are not here; the cause says why."""


class Awaited(Delivery):
    """What becomes of a prediction that is known."""

    def __init__(
        self,
        ports: Ports,
        job: Row,
        lease: Lease,
        attempt: Row | None = None,
        *,
        original: Row | None = None,
    ) -> None:
        super().__init__(ports, job, lease, original=original)
        self._open_attempt = attempt

    @property
    def _stager(self) -> Defers:
        stager = supports(self._model, Defers)
        assert stager is not None  # or the job would have another way
        return stager

    async def _check(self) -> None:
        attempt = self._open_attempt or await self._seen_attempt()
        if attempt is None or attempt["handle"] is None:
            await super()._settle(OutcomeUnknown("Its prediction is not in the database any more."))
            return
        if attempt["shut_s"] > 0:
            await self._not_asked(attempt, attempt["shut_s"])
            return
        if attempt["in_vain"] >= gates.OPENS_AFTER and not await self._probes():
            await self._not_asked(attempt, self.ports.settings.poll_s)
            return
        outcome = await self._outcome(attempt["handle"])
        if outcome is not None and attempt["in_vain"]:
            async with self.ports.database.write() as tx:
                await gates.question_answered(tx, self._card)
        if isinstance(outcome, Staged):
            await self._fetch(attempt, outcome)
        elif isinstance(outcome, Failed):
            await self._failed(outcome)
        elif isinstance(outcome, Busy):
            await self._not_asked(attempt, unasked_s(outcome), closes=is_of_all(outcome))
        else:
            await self._keep_waiting(attempt, failing=outcome is None)

    async def _seen_attempt(self) -> Row | None:
        async with self.ports.database.read(self.job["account_id"]) as tx:
            return await attempts.to_check(tx, self.job["id"], gate=gates.of_reads(self._card))

    async def _probes(self) -> bool:
        """Whether this is the one question that a provider is asked that has answered none."""
        async with self.ports.database.write() as tx:
            return await gates.may_probe(tx, self._card, seconds=_LONGEST_SILENCE_S)

    async def _outcome(self, handle: str) -> Waiting | Staged | Failed | Busy | None:
        """What the provider says; None when it says nothing that could be had."""
        try:
            with provider_call(self.ports.telemetry, "check", self.job["model"]):
                async with asyncio.timeout(CALL_S):
                    return await self._stager.check(handle)
        except Busy as busy:
            log.warning("job %s: no answer about %s: %s", self.job["id"], handle, busy.message)
            return busy
        except Exception:  # whatever it is, the prediction goes on
            log.warning("job %s: no answer about %s", self.job["id"], handle, exc_info=True)
            return None

    async def _keep_waiting(self, attempt: Row, *, failing: bool) -> None:
        """Until the next poll, or the deadline: then the prediction is given up and cancelled.

        ``failing``: the provider has said nothing, and what ended at its deadline may lie there.
        """
        until = attempt["deadline"] + (_ASKED_LATE_S if failing else 0.0)
        async with self.ports.database.write(self.job["account_id"]) as tx:
            if tx.now < until:
                elapsed, poll_s = tx.now - attempt["started_at"], self.ports.settings.poll_s
                pause = min(max(poll_s, elapsed / 2), max(poll_s, _LONGEST_POLL_S))
                due_at = jobs.unless_woken(self.job, min(tx.now + pause, until))
                await jobs.wait(tx, self.job, due_at=due_at)
                if failing:
                    longest_s = min(self.ports.settings.backoff_max_s, _LONGEST_SILENCE_S)
                    await gates.question_failed(tx, self._card, longest_s=longest_s)
                    await self._model_failed(tx)
                return
        await self._too_late()

    async def _not_asked(self, attempt: Row, pause_s: float, *, closes: bool = False) -> None:
        """The provider answers too many questions already, which tells nothing of the prediction.

        So its deadline may pass, as long as its outputs may still be there. ``closes``: it has just
        said so, and nobody asks there meanwhile.
        """
        async with self.ports.database.write(self.job["account_id"]) as tx:
            # Spread, so that what waits for the same moment does not come in one.
            due_at = tx.now + pause_s * random.uniform(1.0, 2.0)  # noqa: S311
            kept = tx.now < attempt["deadline"] + _ASKED_LATE_S
            if kept:
                await jobs.wait(tx, self.job, due_at=jobs.unless_woken(self.job, due_at))
            if closes:
                await gates.close_reads(tx, self._card, seconds=pause_s)
        if not kept:
            await self._too_late()

    async def _too_late(self) -> None:
        late = Retryable("The prediction was not done before its deadline.")
        await settle_failure(self.ports, self.job, late, self.timings)

    async def _failed(self, failed: Failed) -> None:
        error: Exception = Refused(failed.message)
        if failed.moderated:
            error = Moderated(failed.message)
        elif failed.retryable:
            error = Retryable(failed.message)
        await settle_failure(
            self.ports, self.job, error, self.timings, ended=True, cost_usd=failed.cost_usd
        )

    async def _fetch(self, attempt: Row, staged: Staged) -> None:
        """What it costs is booked as soon as it is known; meanwhile the outputs come here."""
        patient = attempt["fetches"] + 1 < _FETCHES
        async with _meanwhile(self._fetched(staged, patient=patient)) as fetched:
            async with self.ports.database.write(self.job["account_id"]) as tx:
                spent = await attempts.charge(tx, attempt, staged.cost_usd)
                job = await jobs.move(tx, self.job, "fetching", **spent)
                original = await images.source(tx, self.job["image_id"])
                intended = await self._intend_outputs(tx, attempt["number"], len(staged.outputs))
            self.job = job
            if spent:
                cost = staged.cost_usd - attempt["cost_usd"]
                self.ports.telemetry.count("staging.provider.cost", cost, model=job["model"])
            outputs = await fetched
        await self._deliver(outputs, staged, original, attempt["number"], intended)

    async def _fetched(self, staged: Staged, *, patient: bool) -> tuple[bytes, ...]:
        try:
            with self._timed("fetch"):
                return await self._bytes(staged, patient=patient)
        except OutputUnavailable as error:
            raise NotFetched(error.message) from error

    async def _fetch_again(self, error: Exception) -> None:
        """The outputs are paid for, and lie there for a while: a few times more, with pauses."""
        log.warning("job %s: the result is not here yet", self.job["id"], exc_info=error)
        longest_s = self.ports.settings.backoff_max_s
        async with self.ports.database.write(self.job["account_id"]) as tx:
            attempt = await attempts.open_of(tx, self.job["id"])
            if attempt is None:
                raise Abandoned()
            fetches = attempt["fetches"] + 1
            waits = isinstance(error, (StorageError, DatabaseFailed)) and not is_old(tx, self.job)
            if fetches < _most_fetches(error) or waits:
                await attempts.change(tx, attempt["id"], fetches=fetches)
                due_at = tx.now + backoff_s(fetches, longest_s)
                await jobs.move(
                    tx, self.job, "waiting", told={"reason": "not_fetched"}, due_at=due_at
                )
                return
        await super()._settle(Retryable(f"The result could not be fetched: {error}"))

    async def _delivered(self, tx: Transaction) -> None:
        await gates.succeeded(tx, self._card)

    async def _model_failed(self, tx: Transaction) -> None:
        await gates.failed(tx, self._card, longest_s=self.ports.settings.backoff_max_s)


def _most_fetches(error: Exception) -> int:
    """How often outputs are fetched of which the last try ended so."""
    cause = error.__cause__
    away = isinstance(cause, OutputUnavailable) and not isinstance(cause, OutputGone)
    return _FETCHES_WHILE_AWAY if away else _FETCHES


@asynccontextmanager
async def _meanwhile(call: Coroutine[Any, Any, T]) -> AsyncIterator[asyncio.Task[T]]:
    """The call as a task that runs beside the block; with the block it ends."""
    task = asyncio.create_task(call)
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.wait([task])
        if not task.cancelled():
            task.exception()  # seen: who did not await it has another error to tell
