"""Databases for benchmarks: a SQLite file, or a database of a real PostgreSQL."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

from sqlalchemy.engine import make_url

from staging_core.testing.servers.databases import Databases, databases
from staging_core.testing.servers.postgres import Postgres

KINDS = ("sqlite", "postgresql")


class SqlitePlace:
    """A file. ``settings``: what ``Staging`` is told; ``where``: what a bare driver is told."""

    kind = "sqlite"

    def __init__(self, file: Path) -> None:
        self.where = str(file)
        self.settings: dict[str, Any] = {"database": f"sqlite+aiosqlite:///{file}"}

    @contextmanager
    def copied(self) -> Iterator[str]:
        """Where the same is once more; nobody may be connected."""
        file = Path(self.where).with_name(f"{uuid4().hex}.db")
        shutil.copyfile(self.where, file)
        yield str(file)


class PostgresPlace:
    """A database with our schema; ``where`` is a superuser's address, as asyncpg takes it."""

    kind = "postgresql"

    def __init__(self, server: Postgres, settings: dict[str, Any]) -> None:
        self.server = server
        self.settings = settings
        self.name = str(make_url(settings["database"]).database)
        self.where = _bare(server, self.name)

    @contextmanager
    def copied(self) -> Iterator[str]:
        """Where the same is once more; nobody may be connected."""
        name = self.server.create_database(template=self.name)
        try:
            yield _bare(self.server, name)
        finally:
            self.server.drop_database(name)


Place = SqlitePlace | PostgresPlace


@contextmanager
def places(kind: str, home: Path, number: int = 1) -> Iterator[list[Place]]:
    """Fresh databases of one kind (``sqlite``, ``postgresql``), all on one server."""
    if kind == "sqlite":
        yield [SqlitePlace(home / f"{uuid4().hex}.db") for _ in range(number)]
        return
    with databases() as found, ExitStack() as stack:
        yield [_fresh(found, stack) for _ in range(number)]


def _fresh(found: Databases, stack: ExitStack) -> Place:
    return PostgresPlace(found.server, stack.enter_context(found.fresh()))


def _bare(server: Postgres, name: str) -> str:
    return server.url(name).replace("+asyncpg", "")
