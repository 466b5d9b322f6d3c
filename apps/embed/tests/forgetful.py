"""A repository that forgets whose rows it asks for: every filter by account holds of all rows.

Statements are changed on their way to the database, so that none of the repository's own is left
out: what SQLAlchemy runs, and what goes to the driver prepared. Joins stay as they are, since they
compare rows with rows; so does what is written.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import msgspec
import sqlalchemy as sa
from sqlalchemy.sql import operators, visitors
from sqlalchemy.sql.elements import BinaryExpression, BindParameter

from staging_core.database.engine import Database
from staging_core.database.postgres import Postgres
from staging_core.database.prepared import Compiled, Prepared
from staging_core.database.rights import account_tables
from staging_core.database.tables import metadata

ACCOUNTS = {metadata.tables[table].c[column] for table, column in account_tables().items()}


def without_filters(statement: Any) -> Any:
    """The statement, with every filter by account true."""
    return visitors.replacement_traverse(statement, {}, _true_for_all)


class _Unfiltered(Prepared):
    """A prepared statement without its filters."""

    def on(self, dialect: str) -> sa.Executable:
        changed: sa.Executable = without_filters(super().on(dialect))
        return changed


@contextmanager
def forgetful(database: Database) -> Iterator[None]:
    """Within the block, the repository of ``database`` forgets."""
    engine = database.engine.sync_engine

    def before(_: Any, statement: Any, many: Any, one: Any, __: Any) -> tuple[Any, Any, Any]:
        return without_filters(statement), many, one

    def compiled(prepared: Prepared, dialect: sa.Dialect) -> Compiled:
        return Compiled(_Unfiltered(prepared._statement), dialect)

    sa.event.listen(engine, "before_execute", before, retval=True)
    try:
        with patch.object(Prepared, "compiled", compiled):
            yield
    finally:
        sa.event.remove(engine, "before_execute", before)


@contextmanager
def seeing_all(database: Database) -> Iterator[None]:
    """Within the block, PostgreSQL's policies hold no account to its own rows either."""
    if not isinstance(database.place, Postgres):
        yield
        return
    roles = database.place.roles
    with patch.object(database.place, "roles", msgspec.structs.replace(roles, app=roles.system)):
        yield


def _true_for_all(element: Any, **_: Any) -> Any:
    return sa.true() if _names_an_account(element) else None


def _names_an_account(element: Any) -> bool:
    """Whether it compares an account's column with a value."""
    if not isinstance(element, BinaryExpression) or element.operator is not operators.eq:
        return False
    sides = (element.left, element.right)
    return any(isinstance(side, BindParameter) for side in sides) and any(
        isinstance(side, sa.ColumnElement) and ACCOUNTS & set(side.base_columns) for side in sides
    )
