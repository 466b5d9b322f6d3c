"""For all tests: Hypothesis repeats itself in continuous integration; databases to run on."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from staging_core.testing.compiled_sql import shared_compiled_sql
from staging_core.testing.servers.databases import Databases, databases, migrated_file

settings.register_profile("dev", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True, print_blob=True)
settings.load_profile("ci" if os.environ.get("CI") else "dev")


@pytest.fixture(scope="session", autouse=True)
def _compiled_sql() -> Iterator[None]:
    with shared_compiled_sql():
        yield


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Databases]:
    """A PostgreSQL, started when the first test of this process asks for it."""
    with databases() as found:
        yield found


@pytest.fixture
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[dict[str, Any]]:
    """Settings of a fresh database; SQLite under the home unless a test asks for PostgreSQL.

    It is migrated already, where the home is ``tmp_path / "home"``.
    """
    if getattr(request, "param", "sqlite") == "sqlite":
        migrated_file(tmp_path / "home")
        yield {}
        return
    found: Databases = request.getfixturevalue("postgresql")
    with found.fresh() as chosen:
        yield chosen
