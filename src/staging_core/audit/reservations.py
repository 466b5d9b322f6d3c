"""I2: what a service outside holds is settled as its job ended, and the service is told so."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from staging_core.config import Settings
from staging_core.database import tables
from staging_core.models import TERMINAL

from .rule import Now, Rule

jobs, reservations = tables.jobs, tables.reservations

UNTOLD = "A credit service was not told for a day what became of a reservation."
"""The only rule here that is about time."""

_DAY_S = 86_400.0


def settled_otherwise(settings: Settings, now: Now) -> sa.Select[Any]:
    """Jobs with a reservation that is not there, or in another state than theirs asks for."""
    asked = sa.case(
        (jobs.c.state == "ready", "captured"),
        (jobs.c.state.in_(sorted(TERMINAL)), "released"),
        else_="kept",
    )
    return (
        sa.select(jobs.c.id)
        .outerjoin(reservations, reservations.c.id == jobs.c.reservation_id)
        .where(
            jobs.c.reservation_id.is_not(None),
            sa.func.coalesce(reservations.c.state, "") != asked,
        )
    )


def of_no_job(settings: Settings, now: Now) -> sa.Select[Any]:
    """Reservations that are kept for a job and have not exactly one."""
    return (
        sa.select(reservations.c.id)
        .outerjoin(jobs, jobs.c.reservation_id == reservations.c.id)
        .where(reservations.c.state.in_(("kept", "captured", "released")))
        .group_by(reservations.c.id)
        .having(sa.func.count(jobs.c.id) != 1)
    )


def untold(settings: Settings, now: Now) -> sa.Select[Any]:
    """Reservations that are over, or that no order has kept, and of which nobody was told."""
    return sa.select(reservations.c.id).where(
        reservations.c.told_at.is_(None),
        sa.or_(
            reservations.c.settled_at < now - _DAY_S,
            reservations.c.state.in_(("begun", "void"))
            & (reservations.c.created_at < now - _DAY_S),
        ),
    )


RULES = (
    Rule("I2", "A reservation is not settled as its job ended.", settled_otherwise),
    Rule("I2", "A reservation is kept and not of exactly one job.", of_no_job),
    Rule("I2", UNTOLD, untold),
)
