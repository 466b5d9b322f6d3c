"""The way of a job whose model answers later.

preparing -> submitted -> waiting -> fetching -> finalizing -> ready. While it waits its row is all
there is of it: no task, no picture, no connection. Whatever ``create`` raises, but for a certain
no, leaves the attempt ``unknown``, and that is found out before anything else is done.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable

import msgspec

from .awaited import Awaited, NotFetched
from .database import attempts, jobs
from .database.engine import Transaction
from .database.jobs import Abandoned
from .database.row import Row
from .errors import (
    AttemptsExhausted,
    Busy,
    DatabaseFailed,
    HookFailed,
    ObjectMissing,
    OutcomeUnknown,
    Refused,
    SettingError,
    StorageError,
)
from .interfaces import Photo
from .landing import land, land_twice
from .models import Absent, Attempt, CannotTell, Found, StageRequest
from .predictions import CALL_S, attempt_of, find, is_handle
from .settlement import settle_failure
from .spending import Spending, check_caps, spending_on
from .telemetry import provider_call

log = logging.getLogger("staging_core")

CERTAIN = (Busy, Refused, SettingError, StorageError)
"""What ``create`` may raise that says for certain: nothing was made. The last is the photo's."""

_WRITE_AGAIN_S = 0.5
_USUAL_POLLS = 5
"""So many ``poll_s`` a prediction takes of whose model nobody knows: 50 s."""

_FIRST_LOOK_S, _LONGEST_LOOK_S = 2.0, 15.0


class Deferred(Awaited):
    """One step of the way; which one, the job's state says."""

    _made: tuple[str, str] | None = None
    """The attempt that was just created, and its handle: in our hands before it is in the row."""

    async def _carry(self) -> None:
        if self.job["state"] == "submitted":
            await self._find_out()
        elif self.job["state"] == "waiting":
            await self._check()
        else:
            await self._begin()

    async def _settle(self, error: Exception) -> None:
        """In ``submitted`` and ``waiting`` only the provider's word ends an attempt, see there."""
        if self._made is not None and isinstance(error, DatabaseFailed):
            await self._write_down()
        elif self.job["state"] in ("submitted", "waiting"):
            if not isinstance(error, DatabaseFailed):
                raise error  # the lease runs out, and the prediction is looked at again
            await self._let_go()
        elif self.job["state"] == "fetching" and _may_pass(error):
            await self._fetch_again(error)
        else:
            await super()._settle(error)

    async def _give_back(self) -> None:
        """A prediction goes on without us; an answer that we did not wait for is unknown."""
        if self.job["state"] in ("preparing", "finalizing"):
            await super()._give_back()
            return
        if self.job["state"] == "submitted" and self._made is not None:
            await self._write_down()
            return
        async with self.ports.database.write(self.job["account_id"]) as tx:
            if self.job["state"] == "fetching":
                await jobs.move(tx, self.job, "waiting", due_at=tx.now)
                return
            if self.job["state"] == "submitted":
                await _lose(tx, self.job["id"])
            await jobs.wait(tx, self.job, due_at=tx.now)

    # --- preparing -> submitted -> waiting ------------------------------------------------------

    async def _begin(self) -> None:
        if self.job["checkpoint"] is not None:
            await self._finalize_again()
            return
        await check_caps(self.ports, self._card, self.job)
        _, given, request = await self._prepare()
        attempt = await self._intend(await spending_on(self.ports, self._card, given))
        try:
            handle = await self._create(request, given, attempt)
        except CERTAIN as no:
            # An attempt that never left the house is begun again, not counted.
            outcome = "released" if isinstance(no, StorageError) else "failed"
            await settle_failure(
                self.ports, self.job, no, self.timings, outcome=outcome, ended=True
            )
        except Exception as error:  # any other word of a provider leaves it open what it did
            await self._not_known(error)
        else:
            self._made = attempt.id, handle
            await self._known(attempt.id, handle, poll_s=self._first_poll_s(attempt))

    async def _intend(self, spending: Spending) -> Attempt:
        """A committed row says that we are about to ask for a prediction."""
        secrets = await self._secrets()
        async with self.ports.database.write(self.job["account_id"]) as tx:
            row = await attempts.begin(
                tx,
                self.job,
                time_limit_s=self.ports.settings.prediction_deadline_s,
                version=self._card.version,
            )
            if row["number"] > self.ports.settings.max_attempts:
                raise AttemptsExhausted(f"Tried {self.job['attempts']} times.")
            job = await jobs.move(
                tx,
                self.job,
                "submitted",
                told={"attempt": row["number"], "model": self.job["model"]},
                attempts=row["number"],
                timings_ms=self.timings,
                **self._no_more_capped(),
            )
            await spending.reserve(tx, row, job)
        self.job = job
        deadline = tx.here(row["deadline"])
        return msgspec.structs.replace(self._attempt(row), deadline=deadline, secrets=secrets)

    def _attempt(self, row: Row) -> Attempt:
        return attempt_of(row, self.ports.settings.public_url, self._model)

    async def _create(self, request: StageRequest, photo: Photo, attempt: Attempt) -> str:
        stager = self._stager
        call = provider_call(self.ports.telemetry, "create", self.job["model"])
        with self._timed("create"), call:
            async with asyncio.timeout(CALL_S):
                handle = await stager.create(request, photo, attempt)
        if not is_handle(handle):
            raise OutcomeUnknown("The model answered with a handle that is none.")
        return handle

    def _first_poll_s(self, attempt: Attempt) -> float:
        """Nobody asks about a prediction that will be reported, before its report seems lost."""
        poll_s = self.ports.settings.poll_s
        if attempt.callback_url is None:
            return poll_s
        return poll_s + (self._card.usual_s or _USUAL_POLLS * poll_s)

    async def _known(self, attempt_id: str, handle: str, *, poll_s: float = 0.0) -> None:
        """The handle is kept, also when the job is somebody else's by now; then it waits.

        Where a callback has named another meanwhile, that one is the attempt's.
        """
        async with self.ports.database.write(self.job["account_id"]) as tx:
            row = await attempts.row(tx, attempt_id)
            assert row is not None
            if row["handle"] not in (None, handle):
                await land_twice(tx, row, handle)
                handle = row["handle"]
            try:
                job = await self._wait_for(tx, row, handle, poll_s)
                self.next_at = job["due_at"]
            except Abandoned:
                job = self.job
                await land(tx, row, handle)
        self.job = job

    async def _wait_for(self, tx: Transaction, attempt: Row, handle: str, poll_s: float) -> Row:
        job = await jobs.move(
            tx,
            self.job,
            "waiting",
            told={"attempt": attempt["number"]},
            due_at=jobs.unless_woken(self.job, min(tx.now + poll_s, attempt["deadline"])),
            timings_ms=self.timings,
        )
        await attempts.write(tx, attempt["id"], state="waiting", handle=handle)
        return job

    async def _write_down(self) -> None:
        """The handle is nowhere but here: until it is written, whoever has the job by then."""
        assert self._made is not None
        while not await _is_written(self._known(*self._made)):
            pass

    async def _let_go(self) -> None:
        """Somebody looks at the prediction again as soon as the database is there."""
        while not await _is_written(self._give_back()):
            pass

    # --- submitted: what became of it? ----------------------------------------------------------

    async def _not_known(self, error: Exception) -> None:
        log.warning("job %s: nobody knows whether it was taken", self.job["id"], exc_info=error)
        async with self.ports.database.write(self.job["account_id"]) as tx:
            await _lose(tx, self.job["id"], error)
            limit_s = self.ports.settings.unknown_outcome_s
            due_at = jobs.unless_woken(self.job, tx.now + min(_FIRST_LOOK_S, limit_s))
            await jobs.wait(tx, self.job, due_at=due_at)
            await self._model_failed(tx)

    async def _find_out(self) -> None:
        """A callback has told, or the provider tells, or the time is over."""
        async with self.ports.database.write(self.job["account_id"]) as tx:
            await _lose(tx, self.job["id"])
            attempt = await attempts.open_of(tx, self.job["id"])
        if attempt is None:
            await super()._settle(OutcomeUnknown("Its attempt is not in the database any more."))
            return
        found = Found(handle=attempt["handle"]) if attempt["handle"] else await self._find(attempt)
        if isinstance(found, Found):
            await self._known(attempt["id"], found.handle)
        elif isinstance(found, Absent):
            await self._give_up("absent", "The provider does not know of the attempt.")
        else:
            await self._look_again(attempt)

    async def _find(self, row: Row) -> Found | Absent | CannotTell:
        return await find(self._model, self._attempt(row))

    async def _look_again(self, attempt: Row) -> None:
        limit = attempt["unknown_at"] + self.ports.settings.unknown_outcome_s
        async with self.ports.database.write(self.job["account_id"]) as tx:
            if tx.now < limit:
                elapsed = tx.now - attempt["unknown_at"]
                pause = min(max(elapsed / 2, _FIRST_LOOK_S), _LONGEST_LOOK_S)
                due_at = jobs.unless_woken(self.job, min(tx.now + pause, limit))
                await jobs.wait(tx, self.job, due_at=due_at)
                return
        await self._give_up("presumed_absent", "The provider never answered.")

    async def _give_up(self, outcome: str, why: str) -> None:
        await settle_failure(
            self.ports, self.job, OutcomeUnknown(why), self.timings, outcome=outcome
        )


def _may_pass(error: Exception) -> bool:
    """Whether outputs that are there may be had, and kept, a little later."""
    passing = NotFetched, StorageError, DatabaseFailed, HookFailed
    return isinstance(error, passing) and not isinstance(error, ObjectMissing)


async def _is_written(deed: Awaitable[None]) -> bool:
    """Do it; False, after a pause, while the database is away."""
    with contextlib.suppress(DatabaseFailed):
        await deed
        return True
    await asyncio.sleep(_WRITE_AGAIN_S)
    return False


async def _lose(tx: Transaction, job_id: str, error: Exception | None = None) -> None:
    """The answer to the job's attempt is lost, from now on."""
    attempt = await attempts.open_of(tx, job_id)
    if attempt is None or attempt["state"] != "started":
        return
    why = "Its worker was lost." if error is None else f"It broke off ({type(error).__name__})."
    await attempts.change(
        tx,
        attempt["id"],
        state="unknown",
        unknown_at=tx.now,
        error=OutcomeUnknown.code,
        message=why,
    )
