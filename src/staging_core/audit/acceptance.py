"""I1, I3 and I5: what was accepted is there, once, and goes on."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from staging_core.config import Settings
from staging_core.database import tables
from staging_core.states import ACTIVE

from .rule import Now, Rule

_FORGOTTEN_S = 120.0
_UNREAD_S = 2 * 3600.0
_APART_S = 1.0
LATE = "A job that should have gone on has not."


def lost_jobs(settings: Settings, now: Now) -> sa.Select[Any]:
    """Images whose job is not there."""
    images, jobs = tables.images, tables.jobs
    return (
        sa.select(images.c.job_id)
        .outerjoin(jobs, jobs.c.id == images.c.job_id)
        .where(jobs.c.id.is_(None))
    )


def unread_reports(settings: Settings, now: Now) -> sa.Select[Any]:
    """Callbacks that no sweep has read again."""
    inbox = tables.inbox
    old = inbox.c.received_at < now - _UNREAD_S
    return sa.select(inbox.c.event_id).where(inbox.c.read_at.is_(None), old)


def doubled_orders(settings: Settings, now: Now) -> sa.Select[Any]:
    """Idempotency keys under which more than one order was accepted."""
    groups = tables.groups
    return (
        sa.select(groups.c.idempotency_key)
        .where(groups.c.idempotency_key.is_not(None))
        .group_by(groups.c.account_id, groups.c.idempotency_key)
        .having(sa.func.count() > 1)
    )


def doubled_jobs(settings: Settings, now: Now) -> sa.Select[Any]:
    """Jobs that were made while another one of the same image had not ended."""
    jobs, earlier = tables.jobs, tables.jobs.alias("earlier")
    before = (earlier.c.image_id == jobs.c.image_id) & (
        sa.tuple_(earlier.c.created_at, earlier.c.id) < sa.tuple_(jobs.c.created_at, jobs.c.id)
    )
    # Processes' clocks are apart by less.
    ended = sa.func.coalesce(earlier.c.finished_at, jobs.c.created_at + 2 * _APART_S)
    return (
        sa.select(jobs.c.id)
        .join(earlier, before)
        .where(ended > jobs.c.created_at + _APART_S)
        .distinct()
    )


def forgotten_jobs(settings: Settings, now: Now) -> sa.Select[Any]:
    """Jobs that want a worker, and that no sweep has found for minutes."""
    jobs = tables.jobs
    before = now - _FORGOTTEN_S - settings.lease_s
    return sa.select(jobs.c.id).where(
        jobs.c.state.in_(ACTIVE),
        jobs.c.lease_until < before,
        jobs.c.due_at < before,
    )


def miscounted(settings: Settings, now: Now) -> sa.Select[Any]:
    """Accounts whose counters are not those of their jobs, so that claims pass them by."""
    accounts, jobs = tables.accounts, tables.jobs
    queued = sa.func.count(jobs.c.id).filter(jobs.c.state == "queued")
    in_flight = sa.func.count(jobs.c.id).filter(jobs.c.state.in_(ACTIVE))
    return (
        sa.select(accounts.c.id)
        .outerjoin(jobs, jobs.c.account_id == accounts.c.id)
        .group_by(accounts.c.id, accounts.c.queued, accounts.c.in_flight)
        .having((accounts.c.queued != queued) | (accounts.c.in_flight != in_flight))
    )


def untold(settings: Settings, now: Now) -> sa.Select[Any]:
    """Accounts that do not know how many webhook endpoints they have, so that none is told."""
    accounts, endpoints = tables.accounts, tables.webhook_endpoints
    there = (
        sa.select(sa.func.count())
        .where(endpoints.c.account_id == accounts.c.id)
        .correlate(accounts)
        .scalar_subquery()
    )
    return sa.select(accounts.c.id).where(accounts.c.webhook_endpoints != there)


RULES = (
    Rule("I1", "An accepted job is not in the database.", lost_jobs),
    Rule("I1", "A provider's report was never read.", unread_reports),
    Rule("I3", "An image has a job that was made while another one had not ended.", doubled_jobs),
    Rule("I3", "One idempotency key has two orders.", doubled_orders),
    Rule("I5", LATE, forgotten_jobs),
    Rule("I5", "An account's counters are not those of its jobs.", miscounted),
    Rule("I5", "An account's number of webhook endpoints is not theirs.", untold),
)
