"""The very statements that the engine ran, run once more by a bare driver: the floor of a write."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any, NamedTuple

import sqlalchemy as sa

from staging_core.database.engine import Database

BEGIN, COMMIT = "BEGIN", "COMMIT"


class Statement(NamedTuple):
    """``values``: of one row, or, where there are ``many``, of each."""

    text: str
    values: Any = ()
    many: bool = False


class Log:
    """Statements in order; what is logged must use one connection at a time."""

    def __init__(self) -> None:
        self.statements: list[Statement] = []

    def taken(self) -> tuple[list[Statement], int]:
        """What was logged since the last call, and how many transactions that are."""
        taken, self.statements = self.statements, []
        return taken, sum(each.text == COMMIT for each in taken)


@contextmanager
def logged(database: Database) -> Iterator[Log]:
    """Everything that is executed and committed while the block runs."""
    log = Log()
    with _by_sqlalchemy(database, log):
        if database.dialect == "sqlite":
            yield log
            return
        with _by_the_driver(log):
            yield log


@contextmanager
def _by_sqlalchemy(database: Database, log: Log) -> Iterator[None]:
    engine = database.engine.sync_engine

    def executed(
        _connection: object, _cursor: object, text: str, values: Any, _context: object, many: bool
    ) -> None:
        log.statements.append(Statement(text, values, many))

    def committed(_connection: object) -> None:
        if database.dialect == "sqlite":  # whose BEGIN is a statement of ours
            log.statements.append(Statement(COMMIT))

    sa.event.listen(engine, "before_cursor_execute", executed)
    sa.event.listen(engine, "commit", committed)
    try:
        yield
    finally:
        sa.event.remove(engine, "before_cursor_execute", executed)
        sa.event.remove(engine, "commit", committed)


@contextmanager
def _by_the_driver(log: Log) -> Iterator[None]:
    """Begin, commit and prepared statements, which pass SQLAlchemy by."""
    from staging_core.database.connection import Connection

    begin, execute, fetch = Connection.begin, Connection.execute, Connection.fetch

    async def begun(self: Connection, *settings: tuple[str, str]) -> None:
        log.statements.append(Statement(BEGIN))
        await begin(self, *settings)

    async def executed(self: Connection, text: str, *values: Any, **more: Any) -> Any:
        if text == COMMIT:
            log.statements.append(Statement(COMMIT))
        return await execute(self, text, *values, **more)

    async def fetched(self: Connection, text: str, *values: Any, **more: Any) -> Any:
        log.statements.append(Statement(text, values))
        return await fetch(self, text, *values, **more)

    try:
        Connection.begin, Connection.execute = begun, executed  # type: ignore[method-assign]
        Connection.fetch = fetched
        yield
    finally:
        Connection.begin, Connection.execute = begin, execute  # type: ignore[method-assign]
        Connection.fetch = fetch


class BareSqlite:
    """The standard library's driver with the engine's durability."""

    def __init__(self, file: str) -> None:
        self._connection = sqlite3.connect(file, isolation_level=None)
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
            self._connection.execute(f"PRAGMA {pragma}")

    async def run(self, statements: list[Statement]) -> float:
        """Seconds that the statements take."""
        began = time.perf_counter()
        for text, values, many in statements:
            if many:
                self._connection.executemany(text, values)
            else:
                with closing(self._connection.execute(text, values)) as cursor:
                    cursor.fetchall()
        return time.perf_counter() - began

    async def close(self) -> None:
        """End it."""
        self._connection.close()


class BarePostgres:
    """asyncpg, one connection."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    @classmethod
    async def open(cls, address: str) -> BarePostgres:
        """Connect."""
        import asyncpg

        return cls(await asyncpg.connect(address))

    async def run(self, statements: list[Statement]) -> float:
        """Seconds that the statements take."""
        began = time.perf_counter()
        for text, values, many in statements:
            if text in (BEGIN, COMMIT):
                await self._connection.execute(text)
            elif many:
                await self._connection.executemany(text, values)
            else:
                await self._connection.fetch(text, *values)
        return time.perf_counter() - began

    async def close(self) -> None:
        """End it."""
        await asyncio.wait_for(self._connection.close(), 10)


Bare = BareSqlite | BarePostgres


async def bare(kind: str, where: str) -> Bare:
    """A bare driver's connection to a database of that kind."""
    return BareSqlite(where) if kind == "sqlite" else await BarePostgres.open(where)
