"""Brings the database to the schema of this version, from the installed package."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import sqlalchemy as sa

from staging_core.errors import SchemaOutdated

from .engine import Database

HEAD = "0002"
"""The newest migration in this package."""

VERSION_TABLE = "staging_schema"
_MIGRATIONS = Path(__file__).parent / "migrations"


async def version(database: Database) -> str | None:
    """The migration the database is at; None for a database without our tables."""
    async with database.read() as tx:
        return await tx.connection.run_sync(_version)


async def upgrade(database: Database) -> tuple[str | None, str]:
    """Apply what is missing; the versions before and after.

    Safe with several processes at once: all but the first wait and then find nothing to do.
    """
    before = await version(database)
    if before == HEAD:
        return before, HEAD
    async with database.write() as tx:
        await tx.connection.run_sync(_upgrade)
    return before, HEAD


async def check(database: Database) -> None:
    """``SchemaOutdated`` unless the database is at this version's schema."""
    found = await version(database)
    if found != HEAD:
        raise SchemaOutdated(f"The database is at schema {found or 'none'}, this needs {HEAD}.")


def _version(connection: sa.Connection) -> str | None:
    if not sa.inspect(connection).has_table(VERSION_TABLE):
        return None
    found = connection.execute(sa.text(f"SELECT version_num FROM {VERSION_TABLE}"))  # noqa: S608
    row = found.first()
    return None if row is None else str(row[0])


def _upgrade(connection: sa.Connection) -> None:
    from alembic import command
    from alembic.config import Config
    from alembic.util import CommandError

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    attributes: dict[str, Any] = config.attributes
    attributes["connection"] = connection
    try:
        command.upgrade(config, "head")
    except CommandError as wrong:
        found = _version(connection)
        raise SchemaOutdated(
            f"The database is at schema {found}, which this version (schema {HEAD}) does not know.",
            remedy="Install the version of staging-core that this database was last used with.",
        ) from wrong
