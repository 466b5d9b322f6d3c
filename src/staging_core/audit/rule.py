"""A rule: a query that finds nothing where an invariant holds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec
import sqlalchemy as sa

from staging_core.config import Settings
from staging_core.database.engine import Transaction

from .violation import Violation

Find = Callable[[Settings, float], sa.Select[Any]]
"""Of the settings and the time, the query whose one column names each violation's subject."""


class Rule(msgspec.Struct, frozen=True):
    """``invariant``: its number; ``what``: the sentence about each subject that ``find`` finds."""

    invariant: str
    what: str
    find: Find


async def violations_of(
    tx: Transaction, settings: Settings, rules: Sequence[Rule]
) -> list[Violation]:
    """What the rules find, in one question to the database."""
    queries: list[Any] = [
        sa.select(
            sa.literal_column(str(place)).label("rule"),
            sa.cast(next(iter(found.c)), sa.Text).label("subject"),
        )
        for place, rule in enumerate(rules)
        for found in [rule.find(settings, tx.now).subquery()]
    ]
    rows = await tx.rows(sa.union_all(*queries))
    found = [(rules[row["rule"]], row["subject"]) for row in rows]
    return [Violation(rule.invariant, rule.what, subject) for rule, subject in found]
