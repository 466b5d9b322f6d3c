"""A rule: a query that finds nothing where an invariant holds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import msgspec
import sqlalchemy as sa

from staging_core.config import Settings
from staging_core.database.engine import Transaction

from .violation import Violation

Now: TypeAlias = sa.ColumnElement[float]
"""Unix seconds by the database's clock, when the question is asked."""

Find = Callable[[Settings, Now], sa.Select[Any]]
"""Of the settings and the time, the query whose one column names each violation's subject."""

_NOW = sa.bindparam("now", type_=sa.Float)


class Rule(msgspec.Struct, frozen=True):
    """``invariant``: its number; ``what``: the sentence about each subject that ``find`` finds."""

    invariant: str
    what: str
    find: Find


class Rules:
    """Rules that are put to the database in one question, written once and asked many times."""

    def __init__(self, settings: Settings, rules: tuple[Rule, ...]) -> None:
        self._rules = rules
        self._question: sa.CompoundSelect[Any] = sa.union_all(
            *(
                sa.select(
                    sa.literal_column(str(place)).label("rule"),
                    sa.cast(next(iter(found.c)), sa.Text).label("subject"),
                )
                for place, rule in enumerate(rules)
                for found in [rule.find(settings, _NOW).subquery()]
            )
        )

    async def violations(self, tx: Transaction) -> list[Violation]:
        """What the rules find."""
        rows = await tx.rows(self._question, {"now": tx.now})
        found = [(self._rules[row["rule"]], row["subject"]) for row in rows]
        return [Violation(rule.invariant, rule.what, subject) for rule, subject in found]
