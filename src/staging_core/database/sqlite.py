"""SQLite: one file, one writer at a time, readers beside it."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing, nullcontext
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from staging_core.errors import HomeUnwritable, SettingError

from .json_columns import JSON_OPTIONS

_LOCKED_S = 30.0
_CACHE_KIB = 16 * 1024


class Sqlite:
    """A file's transactions. The machine's clock is the database's: all who use it share one."""

    dialect = "sqlite"
    described = f"SQLite {sqlite3.sqlite_version}"

    def __init__(self, url: URL, clock: Callable[[], float]) -> None:
        _check(url)
        self._url = url
        self._clock = clock
        # SQLite's busy handler is not fair; waiting in line inside the process is.
        self._writer = asyncio.Lock()
        self.engine = create_async_engine(
            url, connect_args={"timeout": _LOCKED_S}, hide_parameters=True, **JSON_OPTIONS
        )
        sa.event.listen(self.engine.sync_engine, "connect", _prepare)
        sa.event.listen(self.engine.sync_engine, "begin", _begin)
        sa.event.listen(self.engine.sync_engine, "invalidate", _release)

    async def check(self) -> None:
        """``SettingError`` or ``HomeUnwritable`` unless the file can be opened."""
        shown = self._url.render_as_string()
        await asyncio.to_thread(_try, self._url.database or "", shown)

    @asynccontextmanager
    async def transaction(
        self, _account_id: str | None, *, writes: bool
    ) -> AsyncIterator[tuple[AsyncConnection, float, None]]:
        """A transaction and the time it began; it commits when the block ends.

        A writer takes its place at once (``BEGIN IMMEDIATE``): upgrades from reading to writing
        silently lose updates. There are no roles, so accounts are kept apart by the queries alone.
        """
        async with self._writer if writes else nullcontext(), self.engine.connect() as plain:
            connection = await plain.execution_options(staging_write=writes)
            async with connection.begin():
                yield connection, self._clock(), None

    def outage(self, error: BaseException) -> str | None:
        """What is wrong when the database is full, locked or away; None for any other error."""
        if isinstance(error, PoolTimeout):
            return "no connection was free in time"
        if isinstance(error, OperationalError):
            return _words(error)
        return None

    def collided(self, error: BaseException | None) -> bool:
        """Never: a writer is alone."""
        return False

    async def hear(self, wake: Callable[[str | None], None]) -> None:
        """A file tells nobody of its changes."""


def _words(error: DBAPIError) -> str:
    """The driver's own words: without the statement, its values and the URL."""
    return str(error.orig)


def _check(url: URL) -> None:
    if url.database in (None, "", ":memory:"):
        raise SettingError(
            "The setting `database` names no file, and jobs cannot be kept in memory.",
            remedy="Write it as sqlite+aiosqlite:///path/to/staging.db.",
        )
    folder = Path(url.database or "").parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as wrong:
        raise HomeUnwritable(f"The folder {folder} cannot be made.") from wrong


def _prepare(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # we say BEGIN ourselves, see _begin
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    # FULL: a job that was accepted is on the disk, also when the machine loses its power.
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.execute("PRAGMA foreign_keys=ON")
    # A connection holds what it read, as far as it has room: SQLite's 2 MB are less than what a
    # search among a million images reads.
    cursor.execute(f"PRAGMA cache_size=-{_CACHE_KIB}")
    cursor.close()


def _begin(connection: sa.Connection) -> None:
    writes = connection.get_execution_options().get("staging_write", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _release(connection: Any, _record: object, _error: object) -> None:
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
