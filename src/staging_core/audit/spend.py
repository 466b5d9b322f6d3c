"""I9: what counts for the caps on provider cost is what the attempts of its day come to."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from staging_core.config import Settings
from staging_core.database import tables

from .rule import Now, Rule

attempts, spend, spend_days = tables.attempts, tables.spend, tables.spend_days

_ROUNDING = 1
"""Millionths of a US dollar."""


def counted_otherwise(settings: Settings, now: Now) -> sa.Select[Any]:
    """Accounts of which a day, or a project's, counts other than its attempts."""
    of_this = (
        (attempts.c.account_id == spend.c.account_id)
        & (attempts.c.spent_on == spend.c.day)
        & ((spend.c.project_id == "") | (attempts.c.spent_in == spend.c.project_id))
    )
    return (
        sa.select(spend.c.account_id)
        .outerjoin(attempts, of_this)
        .group_by(spend.c.account_id, spend.c.day, spend.c.project_id, spend.c.spent)
        .having(spend.c.spent != sa.func.coalesce(sa.func.sum(attempts.c.spent), 0))
    )


def less_than_its_accounts(settings: Settings, now: Now) -> sa.Select[Any]:
    """Days that count less than their accounts; of accounts that are deleted only a day knows."""
    its = (spend.c.day == spend_days.c.day) & (spend.c.project_id == "")
    return (
        sa.select(spend_days.c.day)
        .outerjoin(spend, its)
        .group_by(spend_days.c.day, spend_days.c.spent)
        .having(spend_days.c.spent < sa.func.coalesce(sa.func.sum(spend.c.spent), 0))
    )


def counted_as_less(settings: Settings, now: Now) -> sa.Select[Any]:
    """Attempts that count as less than they cost."""
    return sa.select(attempts.c.id).where(
        attempts.c.spent_on.is_not(None),
        attempts.c.spent + _ROUNDING < attempts.c.cost_usd * 1_000_000,
    )


RULES = (
    Rule("I9", "A day's spend is not what its attempts come to.", counted_otherwise),
    Rule("I9", "A day's spend is less than that of its accounts.", less_than_its_accounts),
    Rule("I9", "An attempt counts as less than it cost.", counted_as_less),
)
