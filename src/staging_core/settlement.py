"""How a held job leaves a worker's hands when it is not ready: later, again, or for good.

The error is the verb: ``Busy`` and ``SpendCapped`` wait and count nothing, ``Moderated`` takes
another way where there is one, ``Refused`` and a bad picture end the job, everything else is
another attempt until there were enough.
"""

from __future__ import annotations

import logging
import random
from dataclasses import dataclass, replace
from typing import Any

from .database import attempts, files, gates, images, jobs, spend
from .database.engine import Collided, Transaction
from .database.row import Row
from .errors import (
    AlreadyFinal,
    AttemptsExhausted,
    BadPicture,
    Busy,
    Cancelled,
    DatabaseFailed,
    Moderated,
    ObjectMissing,
    ProviderClosed,
    Refused,
    Retryable,
    RoomNotUnderstood,
    SpendCapped,
    StagingError,
    StorageError,
)
from .errors.verbs import busy_s
from .fallback import Way, another_way
from .interfaces import Defers, Stager, supports
from .landing import cancel_later, look_later
from .models import TERMINAL, Picture
from .photo import put_picture, sha256_of
from .ports import Ports
from .text import keepable

log = logging.getLogger("staging_core")

MAX_CRASHES = 3
"""A job is dead when so many workers died, or stumbled outside an attempt, while they held it."""

_SHORTEST_BUSY_S = 0.25
_LONGEST_UNASKED_S = 300.0
_OUTAGE_S = 86_400.0
"""A job of the last day waits for a storage that is away, or a provider that wants to be paid."""

_OUTAGE_TRIES = 4
"""The pauses that a storage is given are as after so many tries."""

_OUTAGES = (StorageError, DatabaseFailed)
_NOT_MADE = frozenset({"busy", "released"})
"""Outcomes of attempts of which nothing was made."""

_CAPPED_S = 900.0
"""Jobs that a cap keeps waiting try again so often: it may have been raised."""

_FINAL = (Refused, Moderated, BadPicture, ObjectMissing, AttemptsExhausted)


ATTEMPTING = frozenset({"staging", "submitted", "waiting", "fetching"})
"""States in which a failure is the attempt's, and counts as one."""


@dataclass(frozen=True, slots=True)
class _Failure:
    """What went wrong with a held job. ``ended``: no prediction of it can still run."""

    job: Row
    error: StagingError
    timings_ms: dict[str, float]
    outcome: str = "failed"
    ended: bool = False
    cost_usd: float | None = None

    @property
    def in_attempt(self) -> bool:
        """Whether the attempt failed, and not we before it: a photo unread was never sent."""
        unread = self.job["state"] == "submitted" and isinstance(self.error, StorageError)
        return self.job["state"] in ATTEMPTING and not unread


async def settle_failure(
    ports: Ports,
    job: Row,
    error: Exception,
    timings_ms: dict[str, float],
    *,
    outcome: str = "failed",
    ended: bool = False,
    cost_usd: float | None = None,
) -> None:
    """Let go of ``job`` as ``error`` says; ``Abandoned`` when it is no longer ours.

    ``outcome``: the attempt's. ``ended``: the provider certainly has no prediction of it that
    still runs. ``cost_usd``: what the attempt cost, where that was told.
    """
    verb = _verb(error)
    failure = _Failure(job, verb, timings_ms, outcome, ended, cost_usd)
    if failure.in_attempt:
        ports.telemetry.count("staging.attempts", model=job["model"], outcome=verb.code)
    if cost_usd:
        ports.telemetry.count("staging.provider.cost", cost_usd, model=job["model"])
    if isinstance(verb, SpendCapped):
        await _put_off(ports, failure, verb)
    elif isinstance(verb, Busy):
        await _busy(ports, failure, verb)
    elif isinstance(verb, Moderated) and (way := await another_way(ports, job)):
        await _go_another_way(ports, failure, way)
    elif isinstance(verb, _FINAL):
        await _end_for_good(ports, failure)
    else:
        await _try_again(ports, failure)


async def end_job(
    tx: Transaction,
    job: Row,
    error: StagingError,
    *,
    kept: tuple[str, ...] = (),
    ended: bool = False,
    cost_usd: float | None = None,
    **values: Any,
) -> Row:
    """The job fails: reason and history stay, of its objects only ``kept``."""
    await _close_attempt(tx, job, "failed", error, ended=ended, cost_usd=cost_usd)
    await files.keep_only(tx, job["id"], kept)
    return await jobs.move(
        tx,
        job,
        "error",
        told={"error": error.code, "message": _said(error)},
        error=error.code,
        message=_said(error),
        **values,
    )


def tell_end(ports: Ports, job: Row) -> None:
    """Tell how long a job took that has just ended; ``job``: its row by now."""
    seconds = job["finished_at"] - job["created_at"]
    labels = {"model": job["model"], "state": job["state"]}
    ports.telemetry.measure("staging.jobs.duration", seconds, **labels)
    if job["error"] is not None:
        ports.telemetry.count("staging.jobs.failed", code=job["error"], model=job["model"])


async def cancel_job(tx: Transaction, account_id: str, job_id: str) -> None:
    """End a job that has not ended; who holds it finds its fence gone. Else ``AlreadyFinal``.

    In ``Database.transact``: ``Collided`` when the job got an attempt a moment ago.
    """
    held = await attempts.open_of(tx, job_id)  # locked before its job, as by everybody
    job = await jobs.fetch(tx, account_id, job_id, lock=True)
    if job["state"] in TERMINAL:
        raise AlreadyFinal(f"The job is {job['state']} already.")
    if held is None and await attempts.open_seen(tx, job_id) is not None:
        raise Collided
    reason = Cancelled()
    await _close_attempt(tx, job, "cancelled", reason)
    await files.keep_only(tx, job_id, ())
    await jobs.move(
        tx,
        job,
        "cancelled",
        told={"error": reason.code},
        fence=job["fence"] + 1,
        error=reason.code,
        message=reason.message,
    )


async def _close_attempt(
    tx: Transaction,
    job: Row,
    outcome: str,
    error: StagingError,
    *,
    ended: bool = False,
    cost_usd: float | None = None,
) -> None:
    """The job does without its open attempt; a prediction that may run is stopped or looked for."""
    closed = await attempts.end(
        tx, job["id"], outcome, error=error.code, message=_said(error) or None
    )
    for attempt in closed:
        if cost_usd is not None:
            await attempts.book(tx, attempt["id"], cost_usd)
        elif ended or outcome in _NOT_MADE or job["state"] == "fetching":
            spend.settle(tx, attempt, attempt["cost_usd"])
        if ended or job["state"] == "fetching":
            continue
        if attempt["handle"] is not None:
            await cancel_later(tx, attempt, attempt["handle"])
        elif job["state"] == "submitted":
            await look_later(tx, attempt)


async def _busy(ports: Ports, failure: _Failure, busy: Busy) -> None:
    """Later; where a provider said so, nobody asks there until then."""
    delay_s = busy_pause_s(busy)
    job = failure.job
    closed = isinstance(busy, ProviderClosed)
    if closed:
        log.error("%s turns us away: %s %s", job["model"], busy.message, busy.remedy)
        if await _is_old(ports, job):
            await _end_for_good(ports, failure)
            return
    async with ports.database.write(job["account_id"]) as tx:
        await _again(tx, failure, outcome="busy", delay_s=delay_s)
        if job["state"] == "submitted":
            card = ports.stagers[job["model"]].card
            if is_of_all(busy):
                await gates.close(tx, card, seconds=delay_s)
            if closed:
                await gates.rest(tx, card, seconds=delay_s)


def busy_pause_s(busy: Busy) -> float:
    """How long to wait; bounded once more, since a plugin may have written the attribute itself."""
    return max(busy_s(busy.retry_after_s), _SHORTEST_BUSY_S)


def unasked_s(busy: Busy) -> float:
    """How long its provider is asked nothing: what is paid for does not lie there for ever."""
    return min(busy_pause_s(busy), _LONGEST_UNASKED_S)


def is_of_all(busy: Busy) -> bool:
    """Whether it holds for everything that the provider might be asked."""
    return not isinstance(busy, ProviderClosed) or busy.whole


async def _put_off(ports: Ports, failure: _Failure, capped: SpendCapped) -> None:
    """Until a new day may bring what the job costs; its turn at the provider is another's."""
    job = failure.job
    ports.telemetry.count("staging.spend.capped", setting=capped.setting)
    async with ports.database.write(job["account_id"]) as tx:
        left_s = max(capped.ends_at - tx.now, 0.0)
        # Spread, so that what waits for the same minute does not come in one.
        delay_s = min(left_s, _CAPPED_S) * random.uniform(1.0, 1.1)  # noqa: S311
        told = {"setting": capped.setting}
        await _again(tx, failure, delay_s=delay_s, told=told, phase=capped.code)
        if supports(ports.stagers[job["model"]], Stager) is None:
            await gates.leave(tx, ports.stagers[job["model"]].card)


async def _go_another_way(ports: Ports, failure: _Failure, way: Way) -> None:
    """The next attempt has another seed, or is another model's."""
    job = failure.job
    values: dict[str, Any] = {}
    if way.model is not None:
        values = {"model": way.model, "lane": ports.stagers[way.model].card.lane}
    async with ports.database.write(job["account_id"]) as tx:
        told = {"seed": way.seed, "model": way.model}
        await _again(tx, failure, told=told, **values)
        if way.seed is not None:
            image = await images.row(tx, job["image_id"])
            await images.reseed(tx, image["id"], image["request"], way.seed)


async def _try_again(ports: Ports, failure: _Failure) -> None:
    """A new attempt after a while, unless there were enough."""
    job, error, in_attempt = failure.job, failure.error, failure.in_attempt
    log.warning("job %s: %s: %s", job["id"], error.code, error.message, exc_info=error)
    longest_s = ports.settings.backoff_max_s
    if not in_attempt and isinstance(error, _OUTAGES) and not await _is_old(ports, job):
        # Nothing was spent, and an outage is not the job's fault: it would end the whole queue.
        async with ports.database.write(job["account_id"]) as tx:
            await _again(tx, failure, delay_s=backoff_s(_OUTAGE_TRIES, longest_s))
        return
    crashes = job["crashes"] + (0 if in_attempt else 1)
    enough = (
        job["attempts"] >= ports.settings.max_attempts if in_attempt else crashes >= MAX_CRASHES
    )
    if enough:
        tried = job["attempts"] if in_attempt else crashes
        dead = AttemptsExhausted(f"Tried {tried} times; at last: {error.message}")
        dead.__cause__ = error
        await _end_for_good(ports, replace(failure, error=dead), crashes=crashes)
        return
    delay_s = backoff_s(job["attempts"] + crashes, longest_s)
    async with ports.database.write(job["account_id"]) as tx:
        await _again(tx, failure, delay_s=delay_s, crashes=crashes)
        await _note_failure(tx, ports, failure)


async def _note_failure(tx: Transaction, ports: Ports, failure: _Failure) -> None:
    """A provider that fails again and again is left alone for a while; see ``gates``."""
    stager = ports.stagers[failure.job["model"]]
    deferred = failure.job["state"] != "staging"
    if failure.in_attempt and deferred and supports(stager, Defers) is not None:
        await gates.failed(tx, stager.card, longest_s=ports.settings.backoff_max_s)


async def _is_old(ports: Ports, job: Row) -> bool:
    async with ports.database.read(job["account_id"]) as tx:
        return is_old(tx, job)


def is_old(tx: Transaction, job: Row) -> bool:
    """Whether the job waits no longer for what is not its fault."""
    return bool(tx.now >= job["created_at"] + _OUTAGE_S)


def backoff_s(tries: int, longest_s: float) -> float:
    """Doubling from one second, at most ``longest_s``, spread over its upper half."""
    doubled = 2.0 ** min(max(tries - 1, 0), 30)
    return min(longest_s, doubled) * random.uniform(0.5, 1.0)  # noqa: S311


async def _again(
    tx: Transaction,
    failure: _Failure,
    *,
    outcome: str | None = None,
    delay_s: float = 0.0,
    told: dict[str, Any] | None = None,
    **values: Any,
) -> None:
    """Back to the queue; ``values`` go into the job's row, ``told`` into the event."""
    job, error = failure.job, failure.error
    await _close_attempt(
        tx,
        job,
        outcome or failure.outcome,
        error,
        ended=failure.ended,
        cost_usd=failure.cost_usd,
    )
    await jobs.move(
        tx,
        job,
        "queued",
        told={"reason": error.code, "retry_in_s": round(delay_s, 3), **(told or {})},
        due_at=tx.now + delay_s,
        **values,
    )


async def _end_for_good(ports: Ports, failure: _Failure, **values: Any) -> None:
    job, error = failure.job, failure.error
    values |= {
        "timings_ms": failure.timings_ms,
        "ended": failure.ended,
        "cost_usd": failure.cost_usd,
    }
    overlay = error.overlay_png if isinstance(error, RoomNotUnderstood) else None
    if overlay is None:
        async with ports.database.write(job["account_id"]) as tx:
            row = await end_job(tx, job, error, **values)
        tell_end(ports, row)
        return
    picture = Picture(data=overlay, content_type="image/png", width=0, height=0)
    stored = await put_picture(ports, job, picture, kind="overlay", name="overlay")
    values["report"] = {"overlay_key": stored.key}
    async with ports.database.write(job["account_id"]) as tx:
        row = await end_job(tx, job, error, kept=(stored.key,), **values)
        await files.keep(tx, stored, sha256=sha256_of(overlay))
    tell_end(ports, row)


def _said(error: StagingError) -> str:
    """Its message for the database: a provider's words that it refused would end nothing."""
    return keepable(error.message)


def _verb(error: Exception) -> StagingError:
    """What any exception means; an unknown one's text is for the log, not for users."""
    if isinstance(error, StagingError):
        return error
    verb = Retryable(f"The attempt broke off unexpectedly ({type(error).__name__}).")
    verb.__cause__ = error
    return verb
