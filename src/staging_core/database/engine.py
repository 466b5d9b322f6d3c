"""The database: short transactions, and the clock that leases are measured by."""

from __future__ import annotations

import asyncio
import math
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from typing import Any, Protocol, TypeVar, cast

import sqlalchemy as sa
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from staging_core.config import Settings
from staging_core.errors import DatabaseFailed, SettingError

from . import deliveries, events
from .prepared import Call, Prepared, Run
from .row import Row

Committed = Callable[[list[events.News]], None]
T = TypeVar("T")

_AT_ONCE = 1_000
_TRIES = 8
_PAUSE_S = 0.1

_REMEDY = (
    "Write it as sqlite+aiosqlite:///path/to/staging.db or postgresql+asyncpg://USER@HOST/NAME."
)


class Collided(Exception):
    """Others were faster than the locks of this transaction: begin anew."""


class Transaction:
    """One open transaction. ``now``: Unix seconds by the database's clock, the same throughout.

    Events are collected and written last, right before the commit, so that an account's
    position counter is held as shortly as possible and no lower position appears later.
    ``delivers``: whether it leaves a webhook to be delivered at once.
    """

    def __init__(self, connection: AsyncConnection, now: float, run: Run | None = None) -> None:
        self.connection = connection
        self.now = now
        self.delivers = False
        self._run = run
        self._also: list[Call] = []
        self._counts: list[Call] = []
        self._last: list[Call] = []
        self._drafts: list[events.Draft] = []

    def here(self, at: float) -> float:
        """By this machine's clock, what is ``at`` by the database's: for those outside."""
        return at + time.time() - self.now

    async def execute(
        self,
        statement: sa.Executable,
        values: Mapping[str, Any] | Sequence[Mapping[str, Any]] | None = None,
    ) -> sa.CursorResult[Any]:
        """Run one statement; ``values``: of its own parameters, or several of these."""
        await self._flush()
        result = await self.connection.execute(statement, values)
        assert isinstance(result, sa.CursorResult)
        return result

    async def row(
        self, statement: sa.Executable | Prepared, values: Mapping[str, Any] | None = None
    ) -> Row | None:
        """The statement's first row, or None."""
        found = await self.rows(statement, values)
        return found[0] if found else None

    async def rows(
        self, statement: sa.Executable | Prepared, values: Mapping[str, Any] | None = None
    ) -> list[Row]:
        """All of the statement's rows."""
        if not isinstance(statement, Prepared):
            result = await self.execute(statement, values)
        elif self._run is not None:
            await self._keep_apart(statement)
            calls, self._also = [*self._also, (statement, values or {})], []
            return await self._run(calls)
        else:
            result = await self.execute(statement.on(self.connection.dialect.name), values)
        return cast("list[Row]", list(result.mappings())) if result.returns_rows else []

    async def each(self, statement: sa.Executable) -> AsyncIterator[Row]:
        """The statement's rows, some at a time: however many, they take the same memory."""
        await self._flush()
        options = {"yield_per": _AT_ONCE}
        async with self.connection.stream(statement, execution_options=options) as result:
            async for row in result.mappings():
                yield cast("Row", row)

    async def also(self, statement: Prepared, values: Mapping[str, Any]) -> None:
        """Write what nobody waits for: where that saves a message, with the next statement.

        That statement does not see it, and its rows are locked before these.
        """
        if self._run is None:
            await self.rows(statement, values)
        else:
            await self._keep_apart(statement)
            self._also.append((statement, values))

    def count(self, statement: Prepared, values: Mapping[str, Any]) -> None:
        """Write it right before the events, so before accounts are locked: for what all share."""
        self._counts.append((statement, values))

    def at_last(self, statement: Prepared, values: Mapping[str, Any]) -> None:
        """Write it after the events, whose accounts are then locked: for what accounts have."""
        self._last.append((statement, values))

    async def _keep_apart(self, statement: Prepared) -> None:
        if any(statement.meets(other) for other, _ in self._also):
            await self._flush()

    async def _flush(self) -> None:
        """What was left for the next statement, where there was none that could take it along."""
        if self._run is not None and self._also:
            calls, self._also = self._also, []
            await self._run(calls)

    def tell(self, draft: events.Draft) -> None:
        """Add an event; it is numbered and written right before the commit."""
        self._drafts.append(draft)

    async def write_events(self, *, notify: bool) -> list[events.News]:
        """Number and write the events told so far, in order; ``notify``: other processes too.

        With them goes what their accounts' webhook endpoints are told.
        """
        for statement, values in self._counts:
            await self.rows(statement, values)
        told = await events.append(self, self._drafts, notify=notify)
        for statement, values in self._last:
            await self.also(statement, values)
        await self._flush()
        if told.messages:
            self.delivers = await deliveries.add(self.connection, told.messages, self.now)
        return told.news


class Place(Protocol):
    """Where the tables are, as their database is spoken to."""

    engine: AsyncEngine
    dialect: str
    described: str

    async def check(self) -> None:
        """A ``StagingError`` that names what is wrong, unless it can be used."""
        ...

    def transaction(
        self, account_id: str | None, *, writes: bool
    ) -> AbstractAsyncContextManager[tuple[AsyncConnection, float, Run | None]]:
        """A transaction and the time it began; it commits when the block ends.

        The third is what runs prepared statements, where there is a shorter way than through
        SQLAlchemy.
        """
        ...

    def outage(self, error: BaseException) -> str | None:
        """What is wrong when the database is away, full or locked; None for any other error."""
        ...

    def collided(self, error: BaseException | None) -> bool:
        """Whether two transactions only stood in each other's way, so that trying again helps."""
        ...

    async def hear(self, wake: Callable[[str | None], None]) -> None:
        """Pass on what transactions notified, until cancelled; None when some may be missed."""
        ...


class Database:
    """Opens transactions in one place.

    A database that is full, locked or away is ``DatabaseFailed``. ``notifies``: whether commits
    with events are told to other processes by the database itself. ``sound_since``: when it first
    answered after it had last failed this process, in Unix seconds by its own clock.
    """

    def __init__(self, place: Place) -> None:
        self.place = place
        self.engine = place.engine
        self.notifies = False
        self.sound_since = -math.inf
        self._failed = False
        self._listeners: list[Committed] = []
        self._couriers: list[Callable[[], None]] = []

    @property
    def dialect(self) -> str:
        """``sqlite`` or ``postgresql``."""
        return self.place.dialect

    def on_commit(self, listener: Committed) -> None:
        """Call ``listener`` after each commit that wrote events; it must be quick and not raise."""
        self._listeners.append(listener)

    @contextmanager
    def on_delivery(self, wake: Callable[[], None]) -> Iterator[None]:
        """Call ``wake`` after each commit within the block that left webhooks to deliver."""
        self._couriers.append(wake)
        try:
            yield
        finally:
            self._couriers.remove(wake)

    @asynccontextmanager
    async def write(self, account_id: str | None = None) -> AsyncIterator[Transaction]:
        """A transaction that commits when the block ends and rolls back when it raises.

        ``account_id``: the only account whose rows it may see or change, where the database can
        hold it to that; None for the engine's own work across accounts (claims, sweeps, audits).
        """
        with self._named():
            async with self.place.transaction(account_id, writes=True) as begun:
                transaction = self._answered(Transaction(*begun))
                yield transaction
                told = await transaction.write_events(notify=self.notifies)
        if told:
            for listener in self._listeners:
                listener(told)
        if transaction.delivers:
            for wake in self._couriers:
                wake()

    async def transact(
        self, account_id: str | None, deed: Callable[[Transaction], Awaitable[T]]
    ) -> T:
        """Do ``deed`` in a transaction as by ``write``, and anew when another stood in its way.

        For what has no effect outside the transaction.
        """
        for _ in range(_TRIES - 1):
            try:
                async with self.write(account_id) as tx:
                    return await deed(tx)
            except Collided:
                pass
            except DatabaseFailed as wrong:
                if not self.place.collided(wrong.__cause__):
                    raise
            await asyncio.sleep(random.uniform(0, _PAUSE_S))  # noqa: S311
        try:
            async with self.write(account_id) as tx:
                return await deed(tx)
        except Collided as wrong:
            raise DatabaseFailed("The database failed: others were faster each time.") from wrong

    @asynccontextmanager
    async def read(self, account_id: str | None = None) -> AsyncIterator[Transaction]:
        """A transaction that only reads; ``account_id`` as for ``write``."""
        with self._named():
            async with self.place.transaction(account_id, writes=False) as begun:
                yield self._answered(Transaction(*begun))

    async def close(self) -> None:
        """Close all connections."""
        await self.engine.dispose()

    def _answered(self, transaction: Transaction) -> Transaction:
        if self._failed:
            self._failed, self.sound_since = False, transaction.now
        return transaction

    @contextmanager
    def _named(self) -> Iterator[None]:
        """An outage by its name; what the driver raised stays as the cause."""
        try:
            yield
        except Exception as wrong:
            reason = self.place.outage(wrong)
            if reason is None:
                raise
            self._failed = True
            raise DatabaseFailed(f"The database failed: {reason}.") from wrong


@asynccontextmanager
async def open_database(
    settings: Settings, *, owner: bool = False, clock: Callable[[], float] | None = None
) -> AsyncIterator[Database]:
    """Open what the settings choose; ``SettingError`` or ``HomeUnwritable`` names what is wrong.

    ``owner``: as the one who migrates. ``clock`` stands in for the database's, in tests.
    """
    place = _place(settings, owner, clock)
    database = Database(place)
    try:
        await place.check()
        yield database
    finally:
        await database.close()


def _place(settings: Settings, owner: bool, clock: Callable[[], float] | None) -> Place:
    given = (settings.database_admin if owner else None) or settings.database
    try:
        url = make_url(given)
    except ArgumentError as wrong:
        raise SettingError(
            "The setting `database` is not a database URL.", remedy=_REMEDY
        ) from wrong
    if url.drivername == "sqlite+aiosqlite":
        from .sqlite import Sqlite

        return Sqlite(url, clock or time.time)
    if url.drivername == "postgresql+asyncpg":
        from .postgres import Postgres

        return Postgres(settings, url, owner=owner, clock=clock)
    raise SettingError(f"The database driver {url.drivername!r} is not supported.", remedy=_REMEDY)
