"""Brings the database to the schema of this version, from the installed package."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from staging_core.errors import DatabaseFailed, SchemaOutdated

from .engine import Database

HEAD = "0031"
"""The newest migration in this package."""

VERSION_TABLE = "staging_schema"
MIGRATIONS = Path(__file__).parent / "migrations"
_LOCK = 0x57A61C  # of an advisory lock: ours, whatever else a host locks in the same database
_TRIES = 20
_PAUSE_S = 0.5
# A table's lock is not waited for longer: all who come after would stand in line behind us.
_YIELD_AFTER = sa.text("SET LOCAL lock_timeout = '3s'")


async def version(database: Database) -> str | None:
    """The migration the database is at; None for a database without our tables."""
    async with database.read() as tx:
        return (await tx.connection.run_sync(_found))[0]


async def upgrade(
    database: Database, *, migrations: Path = MIGRATIONS
) -> tuple[str | None, str | None]:
    """Apply what is missing, and on PostgreSQL give the roles their rights; the versions.

    Safe with several processes at once: all but the first wait and then find nothing to do. A
    database that a later version has upgraded, and that this one can use, is left as it is. Under
    workers at work it gives way whenever it and they wait for each other, and begins anew;
    ``DatabaseFailed`` when it did so for long and never had its turn.
    """
    if database.dialect == "sqlite" and await version(database) == HEAD == _newest(migrations):
        return HEAD, HEAD
    for _ in range(_TRIES - 1):
        try:
            return await _upgraded(database, migrations)
        except DatabaseFailed as wrong:
            if not database.place.collided(wrong.__cause__):
                raise
        await asyncio.sleep(_PAUSE_S * (1 + random.random()))  # noqa: S311
    return await _upgraded(database, migrations)


async def _upgraded(database: Database, migrations: Path) -> tuple[str | None, str | None]:
    """In one transaction: all of it, or nothing."""
    async with database.write() as tx:
        await _lock(tx.connection, database)
        before, oldest = await tx.connection.run_sync(_found)
        if before is None or not _is_later(before, oldest):
            await _bring(tx.connection, database, migrations)
        after, _ = await tx.connection.run_sync(_found)
    return before, after


async def check(database: Database) -> None:
    """``SchemaOutdated`` unless code of this version can run on the database's schema.

    That is its own schema, or a later one that says so: migrations expand first, so that a worker
    of the version before works on beside the new one.
    """
    async with database.read() as tx:
        found, oldest = await tx.connection.run_sync(_found)
    if found == HEAD or (found is not None and _is_later(found, oldest)):
        return
    if found is not None and found > HEAD:
        raise _too_new(found)
    raise SchemaOutdated(f"The database is at schema {found or 'none'}, this needs {HEAD}.")


async def bring_up_to_date(database: Database) -> None:
    """An embedded database is ours to upgrade; a server's is its owner's. ``SchemaOutdated``."""
    if database.dialect == "sqlite":
        await upgrade(database)
    await check(database)


def _is_later(found: str, oldest: str | None) -> bool:
    """Whether the schema is of a later version, and says that this version's code may use it."""
    return found > HEAD and oldest is not None and oldest <= HEAD


async def _lock(connection: AsyncConnection, database: Database) -> None:
    """One process at a time, until its transaction ends; on SQLite a writer is alone anyway."""
    if database.dialect == "postgresql":
        await connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))


async def _bring(connection: AsyncConnection, database: Database, migrations: Path) -> None:
    if database.dialect == "sqlite":
        await connection.run_sync(_migrate, migrations)
        return
    from . import rights
    from .postgres import Postgres

    assert isinstance(database.place, Postgres)
    await connection.execute(_YIELD_AFTER)
    await database.place.make_schema(connection)
    await rights.release_owner(connection)
    await connection.run_sync(_migrate, migrations)
    await rights.make_roles(connection, database.place.roles)
    await rights.grant(connection, database.place.roles, version_table=VERSION_TABLE)


def _found(connection: sa.Connection) -> tuple[str | None, str | None]:
    """The schema's version, and the oldest schema whose code can run on it."""
    inspector = sa.inspect(connection)
    if not inspector.has_table(VERSION_TABLE):
        return None, None
    row = connection.execute(sa.text(f"SELECT * FROM {VERSION_TABLE}")).mappings().first()  # noqa: S608
    return (None, None) if row is None else (str(row["version_num"]), row.get("oldest"))


def _migrate(connection: sa.Connection, migrations: Path) -> None:
    from alembic import command
    from alembic.script import ScriptDirectory
    from alembic.util import CommandError

    config = _config(migrations)
    attributes: dict[str, Any] = config.attributes
    attributes["connection"] = connection
    try:
        command.upgrade(config, "head")
    except CommandError as wrong:
        raise _too_new(_found(connection)[0]) from wrong
    newest = ScriptDirectory.from_config(config).get_revision("head")
    oldest = getattr(newest.module, "oldest", None)
    if oldest is not None:
        statement = sa.text(f"UPDATE {VERSION_TABLE} SET oldest = :oldest")  # noqa: S608
        connection.execute(statement, {"oldest": oldest})


def _newest(migrations: Path) -> str:
    return max(path.name[:4] for path in (migrations / "versions").glob("[0-9]*.py"))


def _config(migrations: Path) -> Any:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(migrations).replace("%", "%%"))
    return config


def _too_new(found: str | None) -> SchemaOutdated:
    return SchemaOutdated(
        f"The database is at schema {found}, which this version (schema {HEAD}) does not know.",
        remedy="Install the version of staging-core that this database was last used with.",
    )
