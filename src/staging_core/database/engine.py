"""The database: one engine, short transactions, and the clock that leases are measured by."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, closing, contextmanager
from pathlib import Path
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import make_url
from sqlalchemy.exc import (
    ArgumentError,
    DBAPIError,
    OperationalError,
    SQLAlchemyError,
)
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from staging_core.errors import DatabaseFailed, HomeUnwritable, SettingError
from staging_core.models import JobEvent

from . import events

Committed = Callable[[list[JobEvent]], None]

_LOCKED_S = 30.0


class Transaction:
    """One open transaction. ``now``: Unix seconds by the database's clock, the same throughout.

    Events are collected and written last, right before the commit, so that an account's
    position counter is held as shortly as possible and no lower position appears later.
    """

    def __init__(self, connection: AsyncConnection, now: float) -> None:
        self.connection = connection
        self.now = now
        self._drafts: list[events.Draft] = []

    async def execute(self, statement: sa.Executable) -> sa.CursorResult[Any]:
        """Run one statement."""
        result = await self.connection.execute(statement)
        assert isinstance(result, sa.CursorResult)
        return result

    async def row(self, statement: sa.Executable) -> sa.RowMapping | None:
        """The statement's first row, or None."""
        return (await self.execute(statement)).mappings().first()

    async def rows(self, statement: sa.Executable) -> list[sa.RowMapping]:
        """All of the statement's rows."""
        return list((await self.execute(statement)).mappings())

    def tell(self, draft: events.Draft) -> None:
        """Add an event; it is numbered and written right before the commit."""
        self._drafts.append(draft)

    async def write_events(self) -> list[JobEvent]:
        """Number and write the events told so far, in order."""
        return await events.append(self.connection, self._drafts, self.now)


class Database:
    """Opens transactions on one engine.

    ``write`` takes the writer's place at once (``BEGIN IMMEDIATE`` on SQLite, where deferred
    upgrades silently lose updates); ``read`` goes on beside it. A database that is full, locked or
    away is ``DatabaseFailed``.
    """

    def __init__(self, engine: AsyncEngine, *, clock: Callable[[], float] = time.time) -> None:
        self.engine = engine
        self._clock = clock
        self._listeners: list[Committed] = []
        # SQLite's busy handler is not fair; waiting in line inside the process is.
        self._writer = asyncio.Lock()

    @property
    def dialect(self) -> str:
        """``sqlite`` or ``postgresql``."""
        return self.engine.dialect.name

    def on_commit(self, listener: Committed) -> None:
        """Call ``listener`` after each commit that wrote events; it must be quick and not raise."""
        self._listeners.append(listener)

    @asynccontextmanager
    async def write(self, account_id: str | None = None) -> AsyncIterator[Transaction]:
        """A transaction that commits when the block ends and rolls back when it raises.

        ``account_id``: the only account whose rows it may see or change, where the database can
        hold it to that; None for the engine's own work across accounts (claims, sweeps, audits).
        """
        with _named():
            async with self._writer, self.engine.connect() as plain:
                connection = await plain.execution_options(staging_write=True)
                async with connection.begin():
                    transaction = Transaction(connection, self._clock())
                    yield transaction
                    told = await transaction.write_events()
        if told:
            for listener in self._listeners:
                listener(told)

    @asynccontextmanager
    async def read(self, account_id: str | None = None) -> AsyncIterator[Transaction]:
        """A transaction that only reads; ``account_id`` as for ``write``."""
        with _named():
            async with self.engine.connect() as connection, connection.begin():
                yield Transaction(connection, self._clock())

    async def close(self) -> None:
        """Close all connections."""
        await self.engine.dispose()


@contextmanager
def _named() -> Iterator[None]:
    """An outage by its name; what the driver raised stays as the cause."""
    try:
        yield
    except (OperationalError, PoolTimeout) as wrong:
        raise DatabaseFailed(f"The database failed: {_reason(wrong)}.") from wrong


def _reason(wrong: SQLAlchemyError) -> str:
    """The driver's own words: without the statement, its values and the URL."""
    return str(wrong.orig) if isinstance(wrong, DBAPIError) else "no connection was free in time"


@asynccontextmanager
async def open_database(
    url: str, *, clock: Callable[[], float] = time.time
) -> AsyncIterator[Database]:
    """Open ``url``; ``SettingError`` or ``HomeUnwritable`` names what is wrong with it."""
    engine = _engine(url)
    database = Database(engine, clock=clock)
    try:
        await asyncio.to_thread(_try, engine.url.database or "", engine.url.render_as_string())
        yield database
    finally:
        await database.close()


def _engine(url: str) -> AsyncEngine:
    try:
        parsed = make_url(url)
    except ArgumentError as wrong:
        raise SettingError(
            "The setting `database` is not a database URL.",
            remedy="Write it as sqlite+aiosqlite:///path/to/staging.db.",
        ) from wrong
    if parsed.drivername != "sqlite+aiosqlite":
        raise SettingError(
            f"The database driver {parsed.drivername!r} is not supported.",
            remedy="Use sqlite+aiosqlite:///path/to/staging.db.",
        )
    if parsed.database in (None, "", ":memory:"):
        raise SettingError(
            "The setting `database` names no file, and jobs cannot be kept in memory.",
            remedy="Write it as sqlite+aiosqlite:///path/to/staging.db.",
        )
    _make_folder(Path(parsed.database or "").parent)
    engine = create_async_engine(
        parsed,
        json_serializer=lambda value: msgspec.json.encode(value).decode(),
        json_deserializer=msgspec.json.decode,
        connect_args={"timeout": _LOCKED_S},
    )
    sa.event.listen(engine.sync_engine, "connect", _prepare_sqlite)
    sa.event.listen(engine.sync_engine, "begin", _begin_sqlite)
    sa.event.listen(engine.sync_engine, "invalidate", _release_sqlite)
    return engine


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as wrong:
        raise HomeUnwritable(f"The folder {folder} cannot be made.") from wrong


def _prepare_sqlite(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # we say BEGIN ourselves, see _begin_sqlite
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    # FULL: a job that was accepted is on the disk, also when the machine loses its power.
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.close()


def _begin_sqlite(connection: sa.Connection) -> None:
    writes = connection.get_execution_options().get("staging_write", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _release_sqlite(connection: Any, _record: object, _error: object) -> None:
    """A cancelled statement keeps its closed connection, and so the lock, until it is collected."""
    connection.rollback()


def _try(file: str, shown: str) -> None:
    """Open the file once as we will: a driver that fails to leaves a thread behind."""
    try:
        with closing(sqlite3.connect(file, timeout=_LOCKED_S)) as connection:
            connection.execute("PRAGMA journal_mode=WAL")
    except sqlite3.OperationalError as wrong:
        raise HomeUnwritable(f"The database {shown} cannot be opened: {wrong}.") from wrong
    except sqlite3.DatabaseError as wrong:
        raise SettingError(
            f"{shown} is no database: {wrong}.",
            remedy="Name another file in the setting `database`, or restore this one.",
        ) from wrong
