"""I2: a ready job was made once, and jobs are charged what their attempts cost."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from staging_core.config import Settings
from staging_core.database import tables

from .rule import Rule

ROUNDING_USD = 1e-6


def made_otherwise_than_once(settings: Settings, now: float) -> sa.Select[Any]:
    """Ready jobs without a succeeded attempt, and jobs with several."""
    attempts, jobs = tables.attempts, tables.jobs
    succeeded = sa.func.count(attempts.c.id)
    return (
        sa.select(jobs.c.id)
        .outerjoin(attempts, (attempts.c.job_id == jobs.c.id) & (attempts.c.state == "succeeded"))
        .group_by(jobs.c.id, jobs.c.state)
        .having((succeeded > 1) | ((jobs.c.state == "ready") & (succeeded != 1)))
    )


def charged_otherwise(settings: Settings, now: float) -> sa.Select[Any]:
    """Jobs whose cost is not the sum of their attempts'."""
    attempts, jobs = tables.attempts, tables.jobs
    spent = sa.func.coalesce(sa.func.sum(attempts.c.cost_usd), 0.0)
    return (
        sa.select(jobs.c.id)
        .outerjoin(attempts, attempts.c.job_id == jobs.c.id)
        .group_by(jobs.c.id, jobs.c.cost_usd)
        .having(sa.func.abs(jobs.c.cost_usd - spent) > ROUNDING_USD)
    )


RULES = (
    Rule(
        "I2",
        "A job has several succeeded attempts, or is ready without one.",
        made_otherwise_than_once,
    ),
    Rule("I2", "A job's cost is not the sum of its attempts'.", charged_otherwise),
)
