"""I8: no row, and no object, belongs to another account than what it hangs on."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from staging_core.config import Settings
from staging_core.database import tables
from staging_core.database.engine import Transaction
from staging_core.database.folders import folder

from .rule import Find, Now, Rule
from .violation import Violation, each

_HANGS_ON: tuple[tuple[sa.Table, str, sa.Table], ...] = (
    (tables.groups, "original_id", tables.originals),
    (tables.images, "group_id", tables.groups),
    (tables.images, "original_id", tables.originals),
    (tables.images, "project_id", tables.projects),
    (tables.jobs, "image_id", tables.images),
    (tables.jobs, "group_id", tables.groups),
    (tables.attempts, "job_id", tables.jobs),
    (tables.events, "job_id", tables.jobs),
    (tables.files, "job_id", tables.jobs),
    (tables.uploads, "original_id", tables.originals),
    (tables.words, "image_id", tables.images),
    (tables.webhook_deliveries, "endpoint_id", tables.webhook_endpoints),
    (tables.webhook_attempts, "delivery_id", tables.webhook_deliveries),
)


def _strangers(table: sa.Table, column: str, parent: sa.Table) -> Find:
    def find(settings: Settings, now: Now) -> sa.Select[Any]:
        joined = sa.select(table.c[column]).join(parent, parent.c.id == table.c[column])
        return joined.where(table.c.account_id != parent.c.account_id)

    return find


RULES = tuple(
    Rule(
        "I8",
        f"A row of {table.name} is of another account than its {column}.",
        _strangers(table, column, parent),
    )
    for table, column, parent in _HANGS_ON
)


_KEPT = sa.select(tables.files.c.key, tables.files.c.account_id)


async def in_a_strangers_folder(tx: Transaction) -> list[Violation]:
    """Objects that lie in another account's folder than their row's."""
    wrong = [
        row["key"]
        async for row in tx.each(_KEPT)
        if row["key"].split("/")[1] != folder(row["account_id"])
    ]
    return each("I8", "An object lies in another account's folder.", wrong)
