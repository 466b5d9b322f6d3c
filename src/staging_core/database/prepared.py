"""Statements that are run for every job: built once, compiled once, and given to the driver as is.

SQLAlchemy writes them, so that they are the same on both databases. On PostgreSQL what it would do
each time anew (find the compiled form, translate to the DB-API and back) costs more than the query,
so there the driver gets the text and the values; SQLite gets them through SQLAlchemy.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property, lru_cache
from types import FunctionType
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

    def meets(self, other: Prepared) -> bool:
        """Whether both may write the same row, which one message cannot."""
        mine, its = self._written, other._written
        return mine is not None and its is not None and mine[0] is its[0] and (mine[1] or its[1])

    @cached_property
    def _written(self) -> tuple[sa.FromClause, bool] | None:
        """The table that it writes to, and whether it touches rows that are there."""
        statement = self.on("postgresql")
        if isinstance(statement, sa.Insert):
            return statement.table, isinstance(self._statement, FunctionType)
        if isinstance(statement, sa.Update | sa.Delete):
            return statement.table, True
        return None

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


Call = tuple[Prepared, Mapping[str, Any]]
"""A statement and the values of its parameters."""

Run = Callable[[Sequence[Call]], Awaitable[list[Row]]]
"""Runs prepared statements in an open transaction, in one message; the rows of the last."""


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
        self.text = compiled.string
        self.places = [_place(name, compiled) for name in compiled.positiontup or ()]

    def given(self, values: Mapping[str, Any]) -> Iterator[Any]:
        """The values in the order of their places, as the driver takes them."""
        for name, fixed, write in self.places:
            yield fixed if name is None else values[name] if write is None else write(values[name])


async def fetch(driver: Connection, dialect: sa.Dialect, calls: Sequence[Call]) -> list[Row]:
    """Run the statements; the rows of the last."""
    parts = tuple([prepared.compiled(dialect) for prepared, _ in calls])
    given = [
        value
        for part, (_, values) in zip(parts, calls, strict=True)
        for value in part.given(values)
    ]
    text = parts[0].text if len(parts) == 1 else _together(parts)
    return [dict(record) for record in await driver.fetch(text, *given)]


_PLACE = re.compile(r"\$(\d+)")
_WITH = "WITH "


@lru_cache(maxsize=256)
def _together(parts: tuple[Compiled, ...]) -> str:
    """One statement that does what all do: what only writes, as ``WITH``; the rows of the last.

    All see the same rows, those from before it, and what is only written is so after the last.
    """
    texts, before = [], 0
    for part in parts:
        texts.append(_moved(part.text, before))
        before += len(part.places)
    written = ", ".join(f"also_{n} AS ({text})" for n, text in enumerate(texts[:-1]))
    last = texts[-1]
    if last.startswith(_WITH):
        return f"{_WITH}{written}, {last.removeprefix(_WITH)}"
    return f"{_WITH}{written} {last}"


def _moved(text: str, by: int) -> str:
    """Its places counted from ``by``; no statement of ours has a literal that looks like one."""
    return _PLACE.sub(lambda place: f"${int(place[1]) + by}", text)


def _place(name: str, compiled: SQLCompiler) -> tuple[str | None, Any, Process | None]:
    """A parameter's name, or the value that the statement itself gives; and how it is written."""
    write = compiled._bind_processors.get(name)  # nothing public tells them
    parameter = compiled.binds[name]
    if parameter.required:
        return name, None, write  # type: ignore[return-value]
    fixed = parameter.effective_value
    return None, fixed if write is None else write(fixed), None  # type: ignore[operator]
