"""The schema on PostgreSQL: made by its owner, by many at once, and used by two versions."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from staging_core import Settings, Staging
from staging_core.database import rights, schema
from staging_core.database.engine import open_database
from staging_core.database.tables import images, usage
from staging_core.errors import SchemaOutdated, SettingError
from staging_core.testing.servers.databases import LOGIN, OWNER, Databases, databases, upgrade
from staging_core.testing.servers.postgres import postgres_binaries

from .conftest import Install
from .photos import photo


@pytest.fixture
def empty(postgresql: Databases) -> Iterator[dict[str, Any]]:
    with postgresql.fresh(empty=True) as settings:
        yield settings


def opened(home: Path, **settings: Any) -> str:
    """Open an installation and close it; what its database says of itself."""

    async def run() -> str:
        staging = Staging(home=home, stager="fake:", plugins=(), worker=False, **settings)
        async with staging:
            return staging.ports.database.place.described

    return asyncio.run(run())


# 16 and 18 come with the wheel; 15 is tested wherever the system has it.
VERSIONS = (16, 18, *({15} & set(postgres_binaries())))


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("one_url", [False, True])
def test_each_version_is_upgraded_opened_and_stages_a_photo(
    version: int, one_url: bool, tmp_path: Path
) -> None:
    with databases(version) as server, server.fresh(empty=True) as settings:
        if one_url:
            settings["database"] = settings["database_admin"]
        settings["database_schema"] = "shop"
        with pytest.raises(SettingError) as caught:
            opened(tmp_path, **settings)
        assert "staging db upgrade" in caught.value.remedy
        upgrade(settings)
        upgrade(settings)

        async def stage_one() -> str:
            async with Staging(home=tmp_path, stager="fake:", plugins=(), **settings) as staging:
                from staging_core import OWNER as ME

                me = staging.acting_as(ME)
                group = await me.images.submit(photo(), room="bedroom", style="modern")
                return (await me.wait(group)).images[0].job.state

        assert asyncio.run(stage_one()) == "ready"
        assert f"PostgreSQL {version}" in opened(tmp_path, **settings)


def test_four_processes_that_upgrade_an_empty_database_at_once_all_succeed(
    empty: dict[str, Any], tmp_path: Path
) -> None:
    environment = {
        **os.environ,
        "STAGING_HOME": str(tmp_path),
        "STAGING_DATABASE": empty["database"],
        "STAGING_DATABASE_ADMIN": empty["database_admin"],
    }
    command = [sys.executable, "-m", "staging_core", "db", "upgrade"]
    processes = [
        subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for _ in range(4)
    ]
    try:
        told = [process.communicate(timeout=120) for process in processes]
    finally:
        for process in processes:
            process.kill()
    assert [process.returncode for process in processes] == [0] * 4, told
    assert sum(b"from nothing" in out for out, _ in told) == 1
    assert "PostgreSQL" in opened(tmp_path, **empty)


def test_a_superuser_and_a_login_that_ignores_policies_are_refused(
    postgresql: Databases, empty: dict[str, Any], tmp_path: Path
) -> None:
    upgrade(empty)
    superuser = postgresql.server.url(empty["database"].rpartition("/")[2])
    with pytest.raises(SettingError, match="is a superuser") as caught:
        opened(tmp_path, database=superuser)
    assert "database_admin" in caught.value.remedy
    postgresql.server.run(f"ALTER ROLE {LOGIN} BYPASSRLS")
    try:
        with pytest.raises(SettingError, match="BYPASSRLS"):
            opened(tmp_path, **empty)
    finally:
        postgresql.server.run(f"ALTER ROLE {LOGIN} NOBYPASSRLS")


def test_a_login_that_may_not_take_the_roles_is_named_with_the_remedy(
    postgresql: Databases, empty: dict[str, Any], tmp_path: Path
) -> None:
    upgrade(empty)
    postgresql.server.run("DROP ROLE IF EXISTS stranger", "CREATE ROLE stranger LOGIN")
    stranger = empty["database"].replace(f"{LOGIN}:{LOGIN}", "stranger")
    with pytest.raises(SettingError, match="'stranger' may not take the role") as caught:
        opened(tmp_path, database=stranger)
    assert "staging db upgrade" in caught.value.remedy


def test_an_owner_who_may_make_no_roles_is_told_and_goes_on_once_they_are_there(
    postgresql: Databases, empty: dict[str, Any], tmp_path: Path
) -> None:
    names = {"database_app_role": "shop_app", "database_system_role": "shop_system"}
    settings = {**empty, **names}
    postgresql.server.run(f"ALTER ROLE {OWNER} NOCREATEROLE")
    try:
        with pytest.raises(SettingError, match="may not make the roles") as caught:
            upgrade(settings)
        assert "--sql" in caught.value.remedy
        version = int(postgresql.server.run("SHOW server_version_num")[0][0]) // 10_000
        roles = rights.Roles.of(Settings.from_keywords(**settings))
        postgresql.server.run(*rights.role_statements(roles, version=version))
        upgrade(settings)
    finally:
        postgresql.server.run(f"ALTER ROLE {OWNER} CREATEROLE")
    assert "shop_app" in opened(tmp_path, **settings)


# --- what was there before ------------------------------------------------------------------------


def migrations_up_to(folder: Path, last: str) -> Path:
    """Those of an earlier version of ours."""
    migrations = folder / "earlier"
    shutil.copytree(schema.MIGRATIONS, migrations)
    for later in (migrations / "versions").glob("[0-9]*.py"):
        if later.name[:4] > last:
            later.unlink()
    return migrations


BEFORE = (
    "INSERT INTO staging_accounts (id, position, created_at) VALUES ('a', 0, 1)",
    "INSERT INTO staging_originals (id, account_id, sha256, key, working_key, content_type, width,"
    " height, created_at) VALUES ('o', 'a', 's', 'k', 'w', 'image/png', 1, 1, 1)",
    "INSERT INTO staging_groups (id, account_id, original_id, fingerprint, quote, created_at)"
    " VALUES ('g', 'a', 'o', 'f', '{}', 1)",
    "INSERT INTO staging_images (id, account_id, group_id, original_id, variant, request, job_id,"
    """ created_at) VALUES ('i', 'a', 'g', 'o', 0, '{"style":"japandi"}', 'j2', 1)""",
    *(
        "INSERT INTO staging_jobs (id, account_id, image_id, group_id, state, model, lane, due_at,"  # noqa: S608
        " timings_ms, report, created_at, updated_at, finished_at) VALUES"
        f" ('{job}', 'a', 'i', 'g', '{state}', 'm', 'l', 1, '{{}}', '{{}}', 1, 1, {at})"
        for job, state, at in (
            ("j1", "error", 1767225599),
            ("j2", "ready", 1767225599),
            ("j3", "ready", 1767225600),
            ("j4", "ready", 1767225601),
        )
    ),
)


@pytest.mark.parametrize("server", [False, True])
def test_what_was_there_is_listed_and_counted_after_the_upgrade(
    server: bool, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    chosen = request.getfixturevalue("empty") if server else {}

    async def scenario() -> None:
        settings = Settings.from_keywords(home=tmp_path, **chosen)
        async with open_database(settings, owner=True) as owner:
            async with owner.write() as tx:
                earlier = migrations_up_to(tmp_path, "0003")
                await tx.connection.run_sync(schema._migrate, earlier)
                for statement in BEFORE:
                    await tx.connection.exec_driver_sql(statement)
            assert await schema.upgrade(owner) == ("0003", schema.HEAD)
        async with open_database(settings) as database, database.read("a") as tx:
            (image,) = await tx.rows(sa.select(images.c.style))
            assert image["style"] == "japandi"
            counted = await tx.rows(sa.select(usage.c.month, usage.c.images))
            assert sorted(map(tuple, (row.values() for row in counted))) == [
                ("2025-12", 1),
                ("2026-01", 2),
            ]

    asyncio.run(scenario())


# --- two versions on one schema -------------------------------------------------------------------

NEXT = '''"""Made up: the next version adds a column."""

import sqlalchemy as sa
from alembic import op

revision = "9000"
down_revision = "{head}"
branch_labels = None
depends_on = None
oldest = "{oldest}"


def upgrade() -> None:
    op.add_column("staging_jobs", sa.Column("note", sa.Text(), server_default="", nullable=False))
    op.execute("UPDATE staging_jobs SET note = 'seen by the owner'")
'''


def next_version(folder: Path, oldest: str) -> Path:
    """Our migrations, and one more of a version to come."""
    migrations = folder / "migrations"
    shutil.copytree(schema.MIGRATIONS, migrations)
    later = migrations / "versions" / "9000_next.py"
    later.write_text(NEXT.format(head=schema.HEAD, oldest=oldest))
    return migrations


@pytest.mark.parametrize("database", ["sqlite", "postgresql"], indirect=True)
def test_a_worker_of_this_version_works_on_beside_a_newer_schema_that_allows_it(
    install: Install, tmp_path: Path, database: dict[str, Any]
) -> None:
    async def scenario() -> None:
        async with install() as staging:
            from staging_core import OWNER as ME

            me = staging.acting_as(ME)
            group = await me.images.submit(photo(), room="bedroom", style="modern")
            settings = staging.settings
            async with open_database(settings, owner=True) as owner:
                newer = next_version(tmp_path, schema.HEAD)
                assert await schema.upgrade(owner, migrations=newer) == (schema.HEAD, "9000")
            await staging.run_worker(until_idle=True)
            assert (await me.images.get(group.images[0].id)).job.state == "ready"
        async with install() as staging:  # also when it starts only now
            assert await schema.version(staging.ports.database) == "9000"
        if database:
            async with open_database(settings, owner=True) as owner:
                assert await schema.upgrade(owner) == ("9000", "9000")

    asyncio.run(scenario())


def test_a_newer_schema_that_is_too_new_is_left_alone(install: Install, tmp_path: Path) -> None:
    async def scenario() -> None:
        async with install() as staging:
            settings = staging.settings
        async with open_database(settings, owner=True) as owner:
            await schema.upgrade(owner, migrations=next_version(tmp_path, "9000"))
        with pytest.raises(SchemaOutdated, match="9000"):
            async with install():
                pass

    asyncio.run(scenario())


STUBBORN = """
revision, down_revision, oldest = "9000", "{head}", "{head}"
branch_labels = depends_on = None


def upgrade() -> None:
    op.add_column("staging_events", sa.Column("note", sa.Text(), server_default="", nullable=False))
    op.add_column("staging_jobs", sa.Column("note", sa.Text(), server_default="", nullable=False))
"""
WAITS = "SELECT count(*) FROM pg_locks WHERE NOT granted AND mode = 'AccessExclusiveLock'"


def test_an_upgrade_that_meets_a_worker_head_on_gives_way_and_begins_anew(
    postgresql: Databases, empty: dict[str, Any], tmp_path: Path
) -> None:
    """The worker has a job and wants to write its event; the upgrade has it the other way round."""
    import asyncpg

    upgrade(empty)
    name = empty["database"].rpartition("/")[2]
    migrations = tmp_path / "migrations"
    shutil.copytree(schema.MIGRATIONS, migrations)
    text = "import sqlalchemy as sa\nfrom alembic import op\n" + STUBBORN
    (migrations / "versions" / "9000_next.py").write_text(text.format(head=schema.HEAD))

    async def scenario() -> None:
        url = postgresql.server.url(name).replace("+asyncpg", "")
        worker = await asyncpg.connect(url)
        await worker.execute("SET deadlock_timeout = '60s'")  # so that it is not the one to go
        await worker.execute("BEGIN; LOCK TABLE staging_jobs IN ROW EXCLUSIVE MODE")
        settings = Settings.from_keywords(home=tmp_path, **empty)
        async with open_database(settings, owner=True) as owner:
            upgrading = asyncio.create_task(schema.upgrade(owner, migrations=migrations))
            while not await worker.fetchval(WAITS):  # noqa: ASYNC110 - the server tells nobody
                await asyncio.sleep(0.01)
            await worker.execute("LOCK TABLE staging_events IN ROW EXCLUSIVE MODE; COMMIT")
            await worker.close()
            assert await upgrading == (schema.HEAD, "9000")

    asyncio.run(scenario())
