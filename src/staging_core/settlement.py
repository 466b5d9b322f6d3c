"""How a held job leaves a worker's hands when it is not ready: later, again, or for good.

The error is the verb: ``Busy`` waits and counts nothing, ``Refused``, ``Moderated`` and a bad
picture end the job, everything else is another attempt until there were enough.
"""

from __future__ import annotations

import logging
import random
import time
from typing import Any

import sqlalchemy as sa

from .database import attempts, files, jobs
from .database.engine import Transaction
from .errors import (
    AlreadyFinal,
    AttemptsExhausted,
    BadPicture,
    Busy,
    Cancelled,
    Moderated,
    ObjectMissing,
    Refused,
    Retryable,
    RoomNotUnderstood,
    StagingError,
    StorageError,
)
from .models import TERMINAL, Picture
from .photo import put_picture, sha256_of
from .ports import Ports

log = logging.getLogger("staging_core")

MAX_CRASHES = 3
"""A job is dead when so many workers died, or stumbled outside an attempt, while they held it."""

_LONGEST_BUSY_S = 3600.0
_OUTAGE_S = 86_400.0
_OUTAGE_TRIES = 4
"""A job of the last day waits for a storage that is away, with pauses as after so many tries."""

_FINAL = (Refused, Moderated, BadPicture, ObjectMissing, AttemptsExhausted)


async def settle_failure(
    ports: Ports, job: sa.RowMapping, error: Exception, timings_ms: dict[str, float]
) -> None:
    """Let go of ``job`` as ``error`` says; ``Abandoned`` when it is no longer ours."""
    verb = _verb(error)
    if isinstance(verb, Busy):
        await _again(
            ports,
            job,
            verb,
            outcome="busy",
            delay_s=min(max(verb.retry_after_s, 0.0), _LONGEST_BUSY_S),
        )
    elif isinstance(verb, _FINAL):
        await _end_for_good(ports, job, verb, timings_ms)
    else:
        await _try_again(ports, job, verb, timings_ms)


async def end_job(
    tx: Transaction,
    job: sa.RowMapping,
    error: StagingError,
    *,
    kept: tuple[str, ...] = (),
    **values: Any,
) -> None:
    """The job fails: reason and history stay, of its objects only ``kept``."""
    await attempts.end(tx, job["id"], "failed", error=error.code, message=error.message)
    await files.keep_only(tx, job["id"], kept)
    await jobs.move(
        tx,
        job,
        "error",
        told={"error": error.code, "message": error.message},
        error=error.code,
        message=error.message,
        **values,
    )


async def cancel_job(tx: Transaction, account_id: str, job_id: str) -> None:
    """End a job that has not ended; who holds it finds its fence gone. Else ``AlreadyFinal``."""
    job = await jobs.fetch(tx, account_id, job_id)
    if job["state"] in TERMINAL:
        raise AlreadyFinal(f"The job is {job['state']} already.")
    reason = Cancelled()
    await attempts.end(tx, job_id, "cancelled", error=reason.code)
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


async def _try_again(
    ports: Ports, job: sa.RowMapping, error: StagingError, timings_ms: dict[str, float]
) -> None:
    """A new attempt after a while, unless there were enough."""
    log.warning("job %s: %s: %s", job["id"], error.code, error.message, exc_info=error)
    staging = job["state"] == "staging"
    if not staging and isinstance(error, StorageError) and time.time() < _waits_until(job):
        # Nothing was spent, and an outage is not the job's fault: it would end the whole queue.
        delay_s = _backoff_s(_OUTAGE_TRIES, ports.settings.backoff_max_s)
        await _again(ports, job, error, outcome="failed", delay_s=delay_s)
        return
    crashes = job["crashes"] + (0 if staging else 1)
    enough = job["attempts"] >= ports.settings.max_attempts if staging else crashes >= MAX_CRASHES
    if enough:
        tried = job["attempts"] if staging else crashes
        dead = AttemptsExhausted(f"Tried {tried} times; at last: {error.message}")
        dead.__cause__ = error
        await _end_for_good(ports, job, dead, timings_ms, crashes=crashes)
        return
    delay_s = _backoff_s(job["attempts"] + crashes, ports.settings.backoff_max_s)
    await _again(ports, job, error, outcome="failed", delay_s=delay_s, crashes=crashes)


def _waits_until(job: sa.RowMapping) -> float:
    """When the job stops waiting for a storage that is away and counts what fails."""
    began: float = job["created_at"]
    return began + _OUTAGE_S


def _backoff_s(tries: int, longest_s: float) -> float:
    """Doubling from one second, at most ``longest_s``, spread over its upper half."""
    return min(longest_s, 2.0 ** max(tries - 1, 0)) * random.uniform(0.5, 1.0)  # noqa: S311


async def _again(
    ports: Ports,
    job: sa.RowMapping,
    error: StagingError,
    *,
    outcome: str,
    delay_s: float,
    crashes: int | None = None,
) -> None:
    async with ports.database.write(job["account_id"]) as tx:
        await attempts.end(tx, job["id"], outcome, error=error.code, message=error.message)
        await jobs.move(
            tx,
            job,
            "queued",
            told={"reason": error.code, "retry_in_s": round(delay_s, 3)},
            due_at=tx.now + delay_s,
            crashes=job["crashes"] if crashes is None else crashes,
        )


async def _end_for_good(
    ports: Ports,
    job: sa.RowMapping,
    error: StagingError,
    timings_ms: dict[str, float],
    **values: Any,
) -> None:
    values["timings_ms"] = timings_ms
    overlay = error.overlay_png if isinstance(error, RoomNotUnderstood) else None
    if overlay is None:
        async with ports.database.write(job["account_id"]) as tx:
            await end_job(tx, job, error, **values)
        return
    picture = Picture(data=overlay, content_type="image/png", width=0, height=0)
    stored = await put_picture(ports, job, picture, kind="overlay", name="overlay")
    values["report"] = {"overlay_key": stored.key}
    async with ports.database.write(job["account_id"]) as tx:
        await end_job(tx, job, error, kept=(stored.key,), **values)
        await files.keep(tx, stored, sha256=sha256_of(overlay))


def _verb(error: Exception) -> StagingError:
    """What any exception means; an unknown one's text is for the log, not for users."""
    if isinstance(error, StagingError):
        return error
    verb = Retryable(f"The attempt broke off unexpectedly ({type(error).__name__}).")
    verb.__cause__ = error
    return verb
