"""Statements that are run for every job: built once, compiled once, and given to the driver as is.

SQLAlchemy writes them, so that they are the same on both databases. On PostgreSQL what it would do
each time anew (find the compiled form, translate to the DB-API and back) costs more than the query,
so there the driver gets the text and the values; SQLite gets them through SQLAlchemy.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql.compiler import SQLCompiler

from .row import Row

if TYPE_CHECKING:
    from .connection import Connection

Process = Callable[[Any], Any]
Upsert = Callable[[Any], sa.Executable]
"""From ``insert`` in the words of a database (it has ``on_conflict_…``) to the statement."""

_INSERTS: dict[str, Any] = {"postgresql": postgresql.insert, "sqlite": sqlite.insert}


class Prepared:
    """A statement whose values all come by the names of its parameters."""

    def __init__(self, statement: sa.Executable | Upsert) -> None:
        self._statement = statement
        self._compiled: Compiled | None = None

    def on(self, dialect: str) -> sa.Executable:
        """The statement for ``sqlite`` or ``postgresql``."""
        if isinstance(self._statement, sa.Executable):
            return self._statement
        return self._statement(_INSERTS[dialect])

    def compiled(self, dialect: sa.Dialect) -> Compiled:
        """For PostgreSQL, whose dialects are all the same here."""
        if self._compiled is None:
            self._compiled = Compiled(self, dialect)
        return self._compiled


def places(table: sa.Table, names: Iterable[str]) -> dict[str, sa.BindParameter[Any]]:
    """Parameters for columns of ``table``; ``placed`` names their values."""
    return {name: sa.bindparam(f"to_{name}", type_=table.c[name].type) for name in names}


def placed(values: Mapping[str, Any]) -> dict[str, Any]:
    """Values of columns, by the names of their parameters in ``places``."""
    return {f"to_{name}": value for name, value in values.items()}


Run = Callable[[Prepared, Mapping[str, Any]], Awaitable[list[Row]]]
"""Runs a prepared statement in an open transaction."""


class Compiled:
    """A prepared statement in the words of the driver, with places for its values.

    What the driver answers is in our own form already: it reads JSON by itself.
    """

    def __init__(self, prepared: Prepared, dialect: sa.Dialect) -> None:
        statement = prepared.on(dialect.name)
        assert isinstance(statement, sa.ClauseElement)
        compiled = statement.compile(dialect=dialect)
        assert isinstance(compiled, SQLCompiler)
        # What SQLAlchemy would add at the time of the call is not here.
        assert not compiled.insert_prefetch
        assert not compiled.update_prefetch
        assert not compiled.post_compile_params
        self._text = compiled.string
        self._places = [_place(name, compiled) for name in compiled.positiontup or ()]

    async def fetch(self, driver: Connection, values: Mapping[str, Any]) -> list[Row]:
        """Run it; its rows."""
        given = [
            fixed if name is None else values[name] if write is None else write(values[name])
            for name, fixed, write in self._places
        ]
        return [dict(record) for record in await driver.fetch(self._text, *given)]


def _place(name: str, compiled: SQLCompiler) -> tuple[str | None, Any, Process | None]:
    """A parameter's name, or the value that the statement itself gives; and how it is written."""
    write = compiled._bind_processors.get(name)  # nothing public tells them
    parameter = compiled.binds[name]
    if parameter.required:
        return name, None, write  # type: ignore[return-value]
    fixed = parameter.effective_value
    return None, fixed if write is None else write(fixed), None  # type: ignore[operator]
