"""I4: attempts are bounded, and each has one prediction, cancelled when nobody wants it."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from staging_core.config import Settings
from staging_core.database import tables
from staging_core.database.attempts import OPEN
from staging_core.models import TERMINAL

from .rule import Now, Rule

UNWANTED = "A prediction that nobody wants is not cancelled."
_UNWANTED_S = 2 * 3600.0
_WITHOUT_ATTEMPT = TERMINAL | {"queued", "preparing", "finalizing", "needs_review"}
"""States in which no attempt of a job is open."""


def unbounded(settings: Settings, now: Now) -> sa.Select[Any]:
    """Attempts over the limit, and attempts still open though their job does without them."""
    attempts, jobs = tables.attempts, tables.jobs
    over = attempts.c.number > settings.max_attempts
    left_open = attempts.c.state.in_(OPEN) & jobs.c.state.in_(_WITHOUT_ATTEMPT)
    joined = sa.select(attempts.c.id).join(jobs, jobs.c.id == attempts.c.job_id)
    return joined.where(over | left_open)


def sharing_a_prediction(settings: Settings, now: Now) -> sa.Select[Any]:
    """Predictions of more than one attempt."""
    attempts = tables.attempts
    return (
        sa.select(attempts.c.handle)
        .where(attempts.c.handle.is_not(None))
        .group_by(attempts.c.model, attempts.c.handle)
        .having(sa.func.count() > 1)
    )


def several_open(settings: Settings, now: Now) -> sa.Select[Any]:
    """Jobs with more than one open attempt."""
    attempts = tables.attempts
    return (
        sa.select(attempts.c.job_id)
        .where(attempts.c.state.in_(OPEN))
        .group_by(attempts.c.job_id)
        .having(sa.func.count() > 1)
    )


def not_cancelled(settings: Settings, now: Now) -> sa.Select[Any]:
    """Predictions that should have been cancelled long ago."""
    outbox = tables.outbox
    old = outbox.c.created_at < now - _UNWANTED_S
    return sa.select(outbox.c.id).where(outbox.c.kind == "cancel_prediction", old)


RULES = (
    Rule("I4", "An attempt is one too many, or open though its job has gone on.", unbounded),
    Rule("I4", "Two attempts share a prediction.", sharing_a_prediction),
    Rule("I4", "A job has two open attempts.", several_open),
    Rule("I4", UNWANTED, not_cancelled),
)
