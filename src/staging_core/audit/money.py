"""I2, I9: every hold is settled once, as its job ended; balances are the sum of their entries."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from staging_core.config import Settings
from staging_core.database import tables
from staging_core.models import TERMINAL

from .rule import Now, Rule

images, jobs, ledger, balances = tables.images, tables.jobs, tables.ledger, tables.balances


def below_zero(settings: Settings, now: Now) -> sa.Select[Any]:
    """Balances that may have less than nothing; the database itself refuses them."""
    return sa.select(balances.c.account_id).where(
        sa.or_(balances.c.available < 0, balances.c.reserved < 0)
    )


def owed_otherwise(settings: Settings, now: Now) -> sa.Select[Any]:
    """Balances of which more is owed than jobs hold, or less than nothing."""
    return sa.select(balances.c.account_id).where(
        sa.or_(
            balances.c.owed < 0,
            balances.c.owed > balances.c.reserved,
            balances.c.owed_taken < 0,
        )
    )


def otherwise_than_its_entries(settings: Settings, now: Now) -> sa.Select[Any]:
    """Balances whose row says something else than their entries come to."""
    of_this = (ledger.c.account_id == balances.c.account_id) & (ledger.c.balance == balances.c.name)
    return (
        sa.select(balances.c.account_id)
        .outerjoin(ledger, of_this)
        .group_by(balances.c.account_id, balances.c.name, balances.c.available, balances.c.reserved)
        .having(
            (_book("available") != balances.c.available)
            | (_book("reserved") != balances.c.reserved)
        )
    )


def without_a_balance(settings: Settings, now: Now) -> sa.Select[Any]:
    """Entries of a balance that is not there."""
    there = sa.exists().where(
        balances.c.account_id == ledger.c.account_id, balances.c.name == ledger.c.balance
    )
    return sa.select(ledger.c.id).where(~there)


def held_otherwise(settings: Settings, now: Now) -> sa.Select[Any]:
    """Balances that hold something else than what their running jobs took."""
    running = (
        sa.select(sa.func.count())
        .where(
            jobs.c.account_id == balances.c.account_id,
            jobs.c.reserved_in == balances.c.name,
            jobs.c.settled_at.is_(None),
        )
        .scalar_subquery()
    )
    return sa.select(balances.c.account_id).where(balances.c.reserved != running)


def settled_otherwise(settings: Settings, now: Now) -> sa.Select[Any]:
    """Jobs that took something, and have not exactly the entries that their state asks for."""
    of_kind = {
        kind: sa.func.coalesce(sa.func.sum(sa.case((ledger.c.kind == kind, 1), else_=0)), 0)
        for kind in ("reserve", "capture", "release")
    }
    is_ready = sa.case((jobs.c.state == "ready", 1), else_=0)
    is_without = sa.case((jobs.c.state.in_(sorted(TERMINAL - {"ready"})), 1), else_=0)
    return (
        sa.select(jobs.c.id)
        .outerjoin(ledger, ledger.c.job_id == jobs.c.id)
        .where(jobs.c.reserved_in.is_not(None))
        .group_by(jobs.c.id, jobs.c.state)
        .having(
            (of_kind["reserve"] != 1)
            | (of_kind["capture"] != is_ready)
            | (of_kind["release"] != is_without)
        )
    )


def given_back_otherwise(settings: Settings, now: Now) -> sa.Select[Any]:
    """Jobs whose picture was lost and not given back once, or given back and not lost.

    An image has a job after a ready one only when that one's picture was lost.
    """
    is_lost = (jobs.c.state == "ready") & (images.c.job_id != jobs.c.id)
    given_back = (
        (ledger.c.account_id == jobs.c.account_id)
        & (ledger.c.job_id == jobs.c.id)
        & (ledger.c.kind == "adjust")
    )
    return (
        sa.select(jobs.c.id)
        .join(images, images.c.id == jobs.c.image_id)
        .outerjoin(ledger, given_back)
        .where(jobs.c.reserved_in.is_not(None))
        .group_by(jobs.c.id, jobs.c.state, images.c.job_id)
        .having(sa.func.count(ledger.c.id) != sa.case((is_lost, 1), else_=0))
    )


def _book(name: str) -> sa.ColumnElement[int]:
    """What has come into a book, less what has gone out of it."""
    change = sa.case(
        (ledger.c.to_book == name, ledger.c.images),
        (ledger.c.from_book == name, -ledger.c.images),
        else_=0,
    )
    return sa.func.coalesce(sa.func.sum(change), 0)


RULES = (
    Rule("I9", "A balance is below zero.", below_zero),
    Rule("I9", "More credits are owed than jobs hold.", owed_otherwise),
    Rule("I9", "A balance is not the sum of its entries.", otherwise_than_its_entries),
    Rule("I9", "The ledger has an entry of a balance that is not there.", without_a_balance),
    Rule("I9", "A balance holds something else than its running jobs took.", held_otherwise),
    Rule("I2", "A job's hold is not settled once, as it ended.", settled_otherwise),
    Rule("I2", "A job's lost picture is not given back once.", given_back_otherwise),
)
