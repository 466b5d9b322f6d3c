"""A database that is full, locked, broken or of another version says so, and nothing is lost."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path

import pytest
import sqlalchemy as sa

from staging_core import OWNER, Staging
from staging_core.audit import SOUND, Audit
from staging_core.errors import (
    DatabaseFailed,
    HomeUnwritable,
    SchemaOutdated,
    SettingError,
    StagingError,
)

from .conftest import Install
from .pictures import photo


def open_and_close(staging: Staging) -> None:
    async def scenario() -> None:
        async with staging:
            pass

    asyncio.run(scenario())


@asynccontextmanager
async def locked(file: Path) -> AsyncIterator[None]:
    """Another process writes, and does not come to an end.

    The lock is waited for in a thread: whoever has it may need this loop to let it go.
    """
    other = sqlite3.connect(file, isolation_level=None, check_same_thread=False)
    with closing(other):
        await asyncio.to_thread(other.execute, "BEGIN IMMEDIATE")
        yield


def test_a_file_that_is_no_database_is_named(install: Install, tmp_path: Path) -> None:
    file = tmp_path / "home" / "staging.db"
    file.write_bytes(b"Dear diary, " * 500)
    with pytest.raises(SettingError, match="no database"):
        open_and_close(install())
    assert file.read_bytes() == b"Dear diary, " * 500


def test_a_folder_where_the_database_belongs_is_named(install: Install, tmp_path: Path) -> None:
    file = tmp_path / "home" / "staging.db"
    file.unlink()
    file.mkdir()
    with pytest.raises(HomeUnwritable, match="unable to open"):
        open_and_close(install())


def test_a_database_in_memory_is_refused(install: Install) -> None:
    for url in ("sqlite+aiosqlite:///:memory:", "sqlite+aiosqlite://"):
        with pytest.raises(SettingError, match="memory"):
            open_and_close(install(database=url))


def test_a_database_of_a_later_version_is_left_alone(install: Install, tmp_path: Path) -> None:
    open_and_close(install())
    with closing(sqlite3.connect(tmp_path / "home" / "staging.db")) as database:
        database.execute("UPDATE staging_schema SET version_num = '9999', oldest = '9999'")
        database.commit()
    with pytest.raises(SchemaOutdated, match="9999"):
        open_and_close(install())


def test_a_full_disk_is_a_typed_error_and_accepts_nothing_by_half(install: Install) -> None:
    def fill(connection: sqlite3.Connection, _record: object) -> None:
        connection.execute("PRAGMA max_page_count = 1")  # SQLite takes the size it has now

    async def scenario() -> None:
        async with install(worker=False) as staging:
            me = staging.acting_as(OWNER)
            engine = staging.ports.database.engine
            await engine.dispose()
            sa.event.listen(engine.sync_engine, "connect", fill)

            async def submit_until_it_fails() -> None:
                for number in range(20):
                    await me.images.submit(
                        photo(number), room="bedroom", style="modern", variants=20
                    )

            with pytest.raises(DatabaseFailed, match="full") as caught:
                await submit_until_it_fails()
            assert "bedroom" not in str(caught.value.__cause__)  # logged with its traceback
            assert len(await me.images.page(limit=1000)) % 20 == 0
            assert await Audit(staging.ports).count() == SOUND

    asyncio.run(scenario())


def test_a_locked_database_is_a_typed_error_and_a_worker_goes_on_when_it_is_free(
    install: Install, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("staging_core.database.sqlite._LOCKED_S", 0.3)

    async def scenario() -> None:
        async with install("fake:?delay_ms=300", lease_s=1) as staging:
            me = staging.acting_as(OWNER)
            group = await me.images.submit(photo(), room="bedroom", style="modern")
            async with locked(tmp_path / "home" / "staging.db"):
                with pytest.raises(StagingError) as caught:
                    await me.images.submit(photo(1), room="bedroom", style="modern")
                assert caught.value.code == "database_failed"
                await asyncio.sleep(1)
            image = (await me.wait(group)).images[0]
            assert image.job.state == "ready"

    asyncio.run(scenario())


def test_a_cancelled_write_gives_the_lock_back_at_once(install: Install, tmp_path: Path) -> None:
    """Whoever cancelled it may still hold the task, and with it the statement that was cut."""

    async def write(staging: Staging) -> None:
        async with staging.ports.database.write() as tx:
            for _ in range(20):
                await tx.execute(sa.text("SELECT 1"))

    async def scenario() -> None:
        tasks = []
        async with install(worker=False) as staging:
            for number in range(40):
                tasks.append(asyncio.create_task(write(staging)))
                await asyncio.sleep(number / 10_000)  # wherever that is
                tasks[-1].cancel()
                await asyncio.wait(tasks)
                with closing(sqlite3.connect(tmp_path / "home" / "staging.db", timeout=0.5)) as db:
                    db.execute("BEGIN IMMEDIATE")

    asyncio.run(scenario())


def test_closing_while_the_database_is_locked_ends_without_an_error(
    install: Install, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("staging_core.database.sqlite._LOCKED_S", 0.1)

    async def scenario() -> None:
        staging = install(worker=False)
        await staging.__aenter__()
        async with locked(tmp_path / "home" / "staging.db"):
            await staging.__aexit__(None, None, None)

    asyncio.run(scenario())
