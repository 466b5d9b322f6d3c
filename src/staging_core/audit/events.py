"""I7: the event log has no gap, no illegal move and one end per ended job."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import sqlalchemy as sa

from staging_core.config import Settings
from staging_core.database import tables
from staging_core.database.engine import Transaction
from staging_core.database.row import Row
from staging_core.models import TERMINAL
from staging_core.states import MOVES

from .rule import Now, Rule
from .violation import Violation, each


def broken_positions(settings: Settings, now: Now) -> sa.Select[Any]:
    """Accounts whose events are not numbered 1, 2, 3 up to the account's position."""
    accounts, events = tables.accounts, tables.events
    told, last = sa.func.count(events.c.position), sa.func.max(events.c.position)
    return (
        sa.select(accounts.c.id)
        .outerjoin(events, events.c.account_id == accounts.c.id)
        .group_by(accounts.c.id, accounts.c.position)
        .having((told != accounts.c.position) | (sa.func.coalesce(last, 0) != accounts.c.position))
    )


RULES = (Rule("I7", "An account's events are not numbered without a gap.", broken_positions),)


_JOBS, _EVENTS = tables.jobs, tables.events
_LOGS = (
    sa.select(
        _JOBS.c.id, _JOBS.c.state.label("now"), _EVENTS.c.seq, _EVENTS.c.type, _EVENTS.c.state
    )
    .outerjoin(_EVENTS, _EVENTS.c.job_id == _JOBS.c.id)
    .order_by(_JOBS.c.id, _EVENTS.c.seq)
)


async def broken_logs(tx: Transaction) -> list[Violation]:
    """Jobs whose events have a gap, an illegal move, or not exactly one end."""
    broken, log = list[str](), list[Row]()
    async for row in tx.each(_LOGS):
        if log and log[0]["id"] != row["id"]:
            broken += _broken(log)
            log = []
        log.append(row)
    if log:
        broken += _broken(log)
    return each("I7", "A job's events have a gap, an illegal move, or not one end.", broken)


def _broken(log: list[Row]) -> list[str]:
    """The job of these rows, unless they are sound; one without events has one empty row."""
    return [] if _sound(log, log[0]["now"]) else [log[0]["id"]]


def _sound(log: list[Row], state: str) -> bool:
    moves = [row["state"] for row in log if row["type"] == "state"]
    return (
        [row["seq"] for row in log] == list(range(1, len(log) + 1))
        and moves[:1] == ["queued"]
        and all(new in MOVES[old] for old, new in pairwise(moves))
        and moves[-1] == state
        and (log[-1]["state"] in TERMINAL) == (state in TERMINAL)
    )
