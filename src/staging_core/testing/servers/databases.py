"""Databases for tests: a PostgreSQL for the session, in it a fresh one for a test; or a file."""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from staging_core import Settings
from staging_core.database import schema
from staging_core.database.engine import open_database
from staging_core.testing.servers.postgres import Postgres, postgres

OWNER = "tests_owner"
LOGIN = "tests_login"
_FILE = "staging.db"


class Databases:
    """Fresh databases of a server: with our schema, or empty."""

    def __init__(self, server: Postgres) -> None:
        self.server = server
        for name, rights in ((OWNER, "LOGIN CREATEROLE"), (LOGIN, "LOGIN")):
            if name not in {row["rolname"] for row in server.run("SELECT rolname FROM pg_roles")}:
                server.run(f"CREATE ROLE {name} {rights} PASSWORD '{name}'")
        self._template = server.create_database(owner=OWNER)
        upgrade(self.settings(self._template))

    def settings(self, name: str) -> dict[str, Any]:
        """What ``Staging`` needs to be told to use a database of this server."""
        return {
            "database": self.server.url(name, user=LOGIN),
            "database_admin": self.server.url(name, user=OWNER),
        }

    @contextmanager
    def fresh(self, *, empty: bool = False) -> Iterator[dict[str, Any]]:
        """The settings of a database that is dropped with the block."""
        template = None if empty else self._template
        name = self.server.create_database(owner=OWNER, template=template)
        try:
            yield self.settings(name)
        finally:
            self.server.drop_database(name)


def upgrade(settings: dict[str, Any]) -> None:
    """``staging db upgrade``."""

    async def run() -> None:
        async with open_database(Settings.from_keywords(**settings), owner=True) as database:
            await schema.upgrade(database)

    asyncio.run(run())


def migrated_file(home: Path) -> None:
    """The database of a home that has none: SQLite, at the newest schema without being migrated.

    Callable with and without a running event loop.
    """
    file = home / _FILE
    if not file.exists():
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        file.write_bytes(_migrated())


@cache
def _migrated() -> bytes:
    """Migrating takes longer than most tests; a process does it once."""
    with tempfile.TemporaryDirectory(prefix="staging-sqlite-") as folder:
        with ThreadPoolExecutor(1) as elsewhere:
            elsewhere.submit(upgrade, {"home": Path(folder)}).result()
        return (Path(folder) / _FILE).read_bytes()


@contextmanager
def databases(version: int | None = None) -> Iterator[Databases]:
    """A server for a session: ``STAGING_TEST_POSTGRES_VERSION``, else the newest there is."""
    asked = os.environ.get("STAGING_TEST_POSTGRES_VERSION")
    with postgres(version or (int(asked) if asked else None)) as server:
        yield Databases(server)
