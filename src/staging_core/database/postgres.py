"""PostgreSQL: a pool of connections, and a role for every transaction.

Who asks for one account's transaction gets the *app* role, which the database itself holds to that
account's rows; the engine's own work across accounts gets the *system* role. The login has no
rights of its own. A connection that died in the pool is replaced when the next transaction begins.
"""

from __future__ import annotations

import asyncio
import logging
import math
import re
import time
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, cast

import sqlalchemy as sa
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from staging_core.config import Settings
from staging_core.errors import DatabaseFailed, MissingExtra, SettingError

from . import rights
from .events import CHANNEL
from .json_columns import JSON_OPTIONS
from .prepared import Run, fetch
from .rights import Roles, checked_name

if TYPE_CHECKING:
    from .connection import Connection

log = logging.getLogger("staging_core")

_PAUSE_S = 0.1
_LONGEST_PAUSE_S = 2.0
_ALIVE_S = 1.0  # a listener that only waits would not notice that its server is gone
_CONNECT_S = 10.0
_POOL_S = 30.0
_STATEMENT_S = 120.0
# Server side: what a process that froze may hold on to, in milliseconds.
_LIMITS = {"lock_timeout": "30000", "idle_in_transaction_session_timeout": "60000"}

_OPTIONS = frozenset(("ssl", "host", "port", "passfile", "target_session_attrs"))
_CACHE_OPTION = "prepared_statement_cache_size"
# Connection lost, deadlock and serialization, resources, lock not free, operator, system, timeout.
_OUTAGES = ("08", "40", "53", "55P03", "57", "58", "25P03")
_COLLISIONS = ("40", "55P03")
_REFUSALS = ("28", "3D000", "42501")

_CLOCK = "SELECT extract(epoch FROM clock_timestamp())::float8"
_CLOCK_HOLDS_S = 5.0


class Postgres:
    """One login's transactions; as ``owner`` it migrates, in no role but its own."""

    dialect = "postgresql"

    def __init__(
        self, settings: Settings, url: URL, *, owner: bool, clock: Callable[[], float] | None
    ) -> None:
        self.roles = Roles.of(settings)
        self.owner = owner
        self.described = "PostgreSQL"
        self._schema = settings.database_schema
        self._clock = clock
        self.engine = create_async_engine(
            _driver_url(url),
            connect_args=_connect_args(settings.database_schema, owner=owner) | _cache(url),
            pool_size=1 if owner else settings.database_pool,
            max_overflow=0,
            pool_timeout=_POOL_S,
            pool_use_lifo=True,
            hide_parameters=True,
            **JSON_OPTIONS,
        )
        self._clock_asked_at, self._clock_ahead = -math.inf, 0.0
        sa.event.listen(self.engine.sync_engine, "connect", self._connected)
        self._listener = create_async_engine(
            url,
            connect_args=_connect_args(settings.database_schema, owner=owner, listens=True),
            poolclass=sa.NullPool,
        )

    async def check(self) -> None:
        """``SettingError`` where the login or its password is wrong, or it may too much."""
        try:
            connection, driver = await self._begun(None, writes=False, plain=True)
            async with aclosing(connection), _whole(connection, driver):
                if not self.owner:
                    self.described = await rights.check(connection, self.roles)
        except Exception as wrong:
            if (reason := self.outage(wrong)) is not None:
                raise DatabaseFailed(f"The database failed: {reason}.") from wrong
            if _is(wrong, *_REFUSALS):
                raise SettingError(
                    f"The database refuses the login: {_words(wrong)}.",
                    remedy="Correct the setting `database` (or `database_admin`).",
                ) from wrong
            raise

    async def make_schema(self, connection: AsyncConnection) -> None:
        """The schema that the settings name, unless it is there."""
        if self._schema is not None:
            await connection.exec_driver_sql(f"CREATE SCHEMA IF NOT EXISTS {self._schema}")

    @asynccontextmanager
    async def transaction(
        self, account_id: str | None, *, writes: bool
    ) -> AsyncIterator[tuple[AsyncConnection, float, Run]]:
        """A transaction and the time it began by the database's clock; it commits at the end."""
        connection, driver = await self._begun(account_id, writes=writes, plain=self.owner)
        async with aclosing(connection), _whole(connection, driver):
            yield connection, await self._now(driver), partial(fetch, driver, self.engine.dialect)

    async def _begun(
        self, account_id: str | None, *, writes: bool, plain: bool
    ) -> tuple[AsyncConnection, Connection]:
        """Role and account hold until its end; a connection found dead is replaced once."""
        role = self.roles.system if account_id is None else self.roles.app
        settings = (
            ("role", role),
            ("staging.account", account_id or ""),
            ("transaction_read_only", "off" if writes else "on"),
        )
        for last in (False, True):
            connection = await self.engine.connect()
            driver = await _driver(connection)
            try:
                await driver.begin(*(() if plain else settings))
            except BaseException as wrong:
                lost = driver.is_closed()
                # Cut short in the middle of this, nobody knows what it will be doing next.
                await connection.invalidate(wrong)
                await connection.__aexit__(None, None, None)
                if last or not lost:
                    raise
            else:
                return connection, driver
        raise AssertionError  # the loop returns or raises

    async def _now(self, driver: Connection) -> float:
        """The database's clock: asked every few seconds, and of every new connection."""
        if self._clock is not None:
            return self._clock()
        asked_at = time.monotonic()
        if asked_at - self._clock_asked_at > _CLOCK_HOLDS_S:
            told: float = await driver.fetchval(_CLOCK)
            answered_at = time.monotonic()
            self._clock_ahead = told - (asked_at + answered_at) / 2
            self._clock_asked_at = answered_at
        return time.monotonic() + self._clock_ahead

    def _connected(self, *_: object) -> None:
        """It may be another server by now, with a clock of its own."""
        self._clock_asked_at = -math.inf

    async def hear(self, wake: Callable[[str | None], None]) -> None:
        """Listen on a connection of its own, and again on a new one whenever it is lost."""
        pause_s = _PAUSE_S
        while True:
            try:
                async with self._listener.connect() as connection:
                    raw = await connection.get_raw_connection()
                    await raw.driver_connection.add_listener(  # type: ignore[union-attr]
                        CHANNEL, lambda *heard: wake(heard[-1])
                    )
                    wake(None)
                    pause_s = _PAUSE_S
                    while True:
                        await asyncio.sleep(_ALIVE_S)
                        await connection.execute(sa.text("SELECT 1"))
                        await connection.rollback()
            except Exception as error:
                if self.outage(error) is None:
                    log.warning("the database's notifications are not heard", exc_info=True)
                await asyncio.sleep(pause_s)
                pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)

    def outage(self, error: BaseException) -> str | None:
        """What is wrong when the database is full, locked or away; None for any other error."""
        if isinstance(error, PoolTimeout):
            return "no connection was free in time"
        if isinstance(error, OSError):  # no call but the database's is made in a transaction
            return "it did not answer in time" if isinstance(error, TimeoutError) else "it is away"
        lost = isinstance(error, DBAPIError) and error.connection_invalidated
        return _words(error) if lost or _is(error, *_OUTAGES) else None

    def collided(self, error: BaseException | None) -> bool:
        """Whether two transactions only stood in each other's way, so that trying again helps."""
        return error is not None and _is(error, *_COLLISIONS)


@asynccontextmanager
async def _whole(connection: AsyncConnection, driver: Connection) -> AsyncIterator[None]:
    """Commit at the end, or undo; nothing is open on a connection that goes back to the pool.

    SQLAlchemy does neither where it ran no statement, and sees nothing of a connection that broke
    under the driver or was cut short in the middle of a statement.
    """
    try:
        yield
        await connection.commit()
        if driver.is_in_transaction():
            await driver.execute("COMMIT")
    except Exception as wrong:
        if driver.is_closed() or isinstance(wrong, TimeoutError):
            await connection.invalidate(wrong)
        else:
            await _undo(connection, driver)
        if driver.is_closed() and type(wrong).__name__ == "InterfaceError":
            raise DatabaseFailed("The database failed: the connection was lost.") from wrong
        raise
    except BaseException as wrong:
        await connection.invalidate(wrong)
        raise


async def _undo(connection: AsyncConnection, driver: Connection) -> None:
    """Roll back; a connection that cannot is not used again."""
    try:
        await connection.rollback()
        if driver.is_in_transaction():
            await driver.execute("ROLLBACK")
    except Exception as wrong:  # what made us undo it is what is told
        await connection.invalidate(wrong)


async def _driver(connection: AsyncConnection) -> Connection:
    driver: Any = (await connection.get_raw_connection()).driver_connection
    return cast("Connection", driver)


def _driver_url(url: URL) -> URL:
    unknown = set(url.query) - _OPTIONS - {_CACHE_OPTION}
    if unknown:
        name = min(unknown)
        raise SettingError(
            f"The database URL has an option {name!r} that is not known.",
            remedy="Set `database_schema` for a schema. The URL takes "
            f"{', '.join(sorted(_OPTIONS | {_CACHE_OPTION}))}.",
        )
    return url


def _cache(url: URL) -> dict[str, Any]:
    """The option holds for the driver's own prepared statements as for SQLAlchemy's."""
    given = url.query.get(_CACHE_OPTION)
    if given is None:
        return {}
    if not (isinstance(given, str) and given.isdecimal()):
        raise SettingError(f"The database URL's option {_CACHE_OPTION!r} is not a number.")
    return {"statement_cache_size": int(given)}


def _connect_args(schema: str | None, *, owner: bool, listens: bool = False) -> dict[str, Any]:
    try:
        from .connection import Connection
    except ModuleNotFoundError as wrong:
        raise MissingExtra(
            "PostgreSQL needs the package 'asyncpg', which is not installed.",
            remedy="pip install 'staging-core[postgres]'.",
        ) from wrong
    told: dict[str, str] = {} if owner else dict(_LIMITS)
    told["application_name"] = "staging listener" if listens else "staging"
    if schema is not None:
        told["search_path"] = f'"{checked_name(schema, "database_schema")}"'
    return {
        "timeout": _CONNECT_S,
        "command_timeout": None if owner else _STATEMENT_S,
        "server_settings": told,
        **({} if listens else {"connection_class": Connection}),
    }


def _state(error: BaseException) -> str:
    cause = error.orig if isinstance(error, DBAPIError) else error
    return str(getattr(cause, "sqlstate", None) or "")


def _is(error: BaseException, *classes: str) -> bool:
    state = _state(error)
    return bool(state) and state.startswith(classes)


def _words(error: BaseException) -> str:
    """The server's own words: without the statement, its values and the URL."""
    said = str(error.orig if isinstance(error, DBAPIError) else error)
    return re.sub(r"^<class '[^']*'>: ", "", said.partition("\n")[0]).rstrip(".")
