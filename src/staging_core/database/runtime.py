"""What operators have chosen while the installation runs; every process reads it here."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from .engine import Transaction
from .row import Row
from .tables import model_configs, runtime_settings
from .upsert import insert_or


async def settings(tx: Transaction) -> dict[str, Row]:
    """What was chosen, by key: ``value``, ``updated_by``, ``updated_at``."""
    return {row["key"]: row for row in await tx.rows(sa.select(runtime_settings))}


async def setting(tx: Transaction, key: str, *, lock: bool = False) -> Row | None:
    """The row of that key; ``lock``: nobody else changes it until this transaction ends."""
    query = sa.select(runtime_settings).where(runtime_settings.c.key == key)
    return await tx.row(query.with_for_update() if lock else query)


async def choose(tx: Transaction, key: str, value: Any, *, by: str) -> None:
    """From this commit on ``value`` holds; None: what holds where nothing was chosen."""
    if value is None:
        await tx.execute(sa.delete(runtime_settings).where(runtime_settings.c.key == key))
        return
    values = {"value": value, "updated_by": by, "updated_at": tx.now}
    statement = insert_or(tx.connection, runtime_settings).values(key=key, **values)
    await tx.execute(statement.on_conflict_do_update(index_elements=["key"], set_=values))


async def options(tx: Transaction) -> dict[str, dict[str, Any]]:
    """What every model is configured with, by its id; no secrets."""
    rows = await tx.rows(sa.select(model_configs.c.model, model_configs.c.options))
    return {row["model"]: row["options"] for row in rows}


async def config(tx: Transaction, model: str, *, lock: bool = False) -> Row | None:
    """A model's row; ``lock`` as for ``setting``."""
    query = sa.select(model_configs).where(model_configs.c.model == model)
    return await tx.row(query.with_for_update() if lock else query)


async def configure(
    tx: Transaction, model: str, *, options: dict[str, Any], secrets: dict[str, str], by: str
) -> None:
    """From this commit on the model is configured so; ``secrets`` are sealed."""
    values = {"options": options, "secrets": secrets, "updated_by": by, "updated_at": tx.now}
    statement = insert_or(tx.connection, model_configs).values(model=model, **values)
    await tx.execute(statement.on_conflict_do_update(index_elements=["model"], set_=values))
