"""I2: a ready job was made once, jobs cost what their attempts do; I6: deleted is deleted."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from staging_core.config import Settings
from staging_core.database import tables

from .rule import Now, Rule

ROUNDING_USD = 1e-6


def made_otherwise_than_once(settings: Settings, now: Now) -> sa.Select[Any]:
    """Ready jobs without a succeeded attempt, and jobs with several."""
    attempts, jobs = tables.attempts, tables.jobs
    succeeded = sa.func.count(attempts.c.id)
    return (
        sa.select(jobs.c.id)
        .outerjoin(attempts, (attempts.c.job_id == jobs.c.id) & (attempts.c.state == "succeeded"))
        .group_by(jobs.c.id, jobs.c.state)
        .having((succeeded > 1) | ((jobs.c.state == "ready") & (succeeded != 1)))
    )


def charged_otherwise(settings: Settings, now: Now) -> sa.Select[Any]:
    """Jobs whose cost is not the sum of their attempts'."""
    attempts, jobs = tables.attempts, tables.jobs
    spent = sa.func.coalesce(sa.func.sum(attempts.c.cost_usd), 0.0)
    return (
        sa.select(jobs.c.id)
        .outerjoin(attempts, attempts.c.job_id == jobs.c.id)
        .group_by(jobs.c.id, jobs.c.cost_usd)
        .having(sa.func.abs(jobs.c.cost_usd - spent) > ROUNDING_USD)
    )


def kept_of_deleted(settings: Settings, now: Now) -> sa.Select[Any]:
    """Files that stay though the image they are of is deleted, and cleared."""
    files, images, jobs = tables.files, tables.images, tables.jobs
    return (
        sa.select(files.c.key)
        .join(jobs, jobs.c.id == files.c.job_id)
        .join(images, images.c.id == jobs.c.image_id)
        .where(images.c.cleared_at.is_not(None), files.c.expires_at.is_(None))
    )


def kept_without_use(settings: Settings, now: Now) -> sa.Select[Any]:
    """Originals that stay though every image of them is deleted, and cleared."""
    images, originals = tables.images, tables.originals
    used = sa.exists().where(images.c.original_id == originals.c.id, images.c.cleared_at.is_(None))
    return sa.select(originals.c.id).where(originals.c.gone_at.is_(None), ~used)


def counted_otherwise(settings: Settings, now: Now) -> sa.Select[Any]:
    """Accounts whose counters of usage do not come to their ready jobs."""
    accounts, jobs, usage = tables.accounts, tables.jobs, tables.usage
    used = (
        sa.select(sa.func.coalesce(sa.func.sum(usage.c.images), 0))
        .where(usage.c.account_id == accounts.c.id)
        .scalar_subquery()
    )
    ready = (
        sa.select(sa.func.count())
        .where(jobs.c.account_id == accounts.c.id, jobs.c.state == "ready")
        .scalar_subquery()
    )
    return sa.select(accounts.c.id).where(used != ready)


RULES = (
    Rule("I2", "An account's usage is not the number of its ready jobs.", counted_otherwise),
    Rule("I6", "An object of a deleted image is kept.", kept_of_deleted),
    Rule("I6", "An original is kept that no image uses.", kept_without_use),
    Rule(
        "I2",
        "A job has several succeeded attempts, or is ready without one.",
        made_otherwise_than_once,
    ),
    Rule("I2", "A job's cost is not the sum of its attempts'.", charged_otherwise),
)
