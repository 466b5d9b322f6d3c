"""Statements compiled once for all engines of a process.

SQLAlchemy keeps the SQL of a statement with the engine that first ran it. An installation has one
engine for as long as it runs; tests open a new one each, and half of what they compute would be the
same SQL again.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa

_Key = tuple[Any, ...]


class CompiledSql(dict[_Key, Any]):
    """What SQLAlchemy compiled, for engines of one kind instead of for one engine."""

    def get(self, key: _Key, default: Any = None) -> Any:
        """What was compiled for any engine of this kind."""
        return super().get(_of_kind(key), default)

    def __setitem__(self, key: _Key, compiled: Any) -> None:
        super().__setitem__(_of_kind(key), compiled)


@contextmanager
def shared_compiled_sql() -> Iterator[CompiledSql]:
    """While the block runs, all engines of this process share what they compile."""
    shared = CompiledSql()

    def connected(connection: sa.Connection) -> None:
        connection.execution_options(compiled_cache=shared)

    sa.event.listen(sa.Engine, "engine_connect", connected)
    try:
        yield shared
    finally:
        sa.event.remove(sa.Engine, "engine_connect", connected)


def _of_kind(key: _Key) -> _Key:
    """SQLAlchemy's key begins with the engine's own dialect; here: all that its SQL depends on."""
    dialect, *statement = key
    json = (getattr(dialect, f"_json_{way}serializer", None) for way in ("", "de"))
    return (type(dialect), dialect.server_version_info, *json, *statement)
