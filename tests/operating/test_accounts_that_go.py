"""An account is taken along as one file, and deleted with everything in it."""

from __future__ import annotations

import asyncio
import io
import json
import zipfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from staging_core import Credentials, Principal, Staging
from staging_core.database import account_rows
from staging_core.database.tables import metadata
from staging_core.errors import AccountClosing, Forbidden, Unauthorized, ValidationFailed
from staging_core.models import SCOPES, Identity

from .house import OPERATOR, WISH, installed, photo

both = pytest.mark.parametrize("database", ["sqlite", "postgresql"], indirect=True)
ADMIN = Principal(account_id="acme", user_id="ada", role="admin")
MEMBER = Principal(account_id="acme", user_id="max")
OTHER = Principal(account_id="other", user_id="otto", role="admin")


async def furnish(staging: Staging, who: Principal, number: int = 0) -> str:
    """A project with an image that is ready, a profile, a key, an upload; the image's id."""
    me = staging.acting_as(who)
    project = await me.projects.create("Villa Acme")
    group = await me.images.submit(
        photo(number), prompt="with a green sofa", project_id=project.id, **WISH
    )
    await staging.run_worker(until_idle=True)
    await me.profile.patch({"email": f"{who.user_id}@example.com"})
    await me.keys.create("import", scopes=SCOPES)
    await me.tickets.issue()
    await me.uploads.presign("room.jpg", "image/jpeg", 1000)
    if who.has_role("admin"):
        await me.webhooks.create("https://hooks.example/staging")
    return group.images[0].id


async def whole(chunks: AsyncIterator[bytes]) -> zipfile.ZipFile:
    return zipfile.ZipFile(io.BytesIO(b"".join([chunk async for chunk in chunks])))


async def tables_with(staging: Staging, account_id: str) -> set[str]:
    async with staging.ports.database.read() as tx:
        return {
            table.name
            for table in account_rows.tables()
            if await account_rows.page(tx, table, account_id, after=None, limit=1)
        }


async def until_gone(staging: Staging, account_id: str) -> None:
    async with asyncio.timeout(60):
        while await tables_with(staging, account_id):
            await staging.sweep()
            await asyncio.sleep(0.1)


# --- taken along ----------------------------------------------------------------------------------


@both
def test_an_export_has_every_row_and_picture_and_no_secret(
    tmp_path: Path, database: dict[str, Any]
) -> None:
    async def scenario() -> None:
        async with installed(tmp_path, "fake:", **database) as staging:
            image_id = await furnish(staging, ADMIN)
            await furnish(staging, OTHER, 1)
            me = staging.acting_as(ADMIN)
            secret = (await me.keys.create("another")).secret
            file = await whole(await me.account.export())
            assert file.testzip() is None
            told = json.loads(file.read("account.json"))
            assert told["account_id"] == "acme"
            rows = {
                name.removeprefix("rows/").removesuffix(".jsonl"): [
                    json.loads(line) for line in file.read(name).splitlines()
                ]
                for name in file.namelist()
                if name.startswith("rows/")
            }
            assert [row["id"] for row in rows["images"]] == [image_id]
            assert [row["email"] for row in rows["users"]] == ["ada@example.com"]
            assert len(rows["api_keys"]) == 2
            for name in ("accounts", "projects", "originals", "jobs", "events", "uploads"):
                assert rows[name], name
            everything = json.dumps(rows)
            assert "other" not in {row.get("account_id") for each in rows.values() for row in each}
            assert secret not in everything
            assert "secret" not in rows["webhook_endpoints"][0]
            assert "digest" not in rows["api_keys"][0]
            image = await me.images.get(image_id)
            pictures = {file.read(name) for name in file.namelist() if name.startswith("pictures/")}
            assert pictures == {
                await me.images.read(image_id, kind="original"),
                await me.images.read(image_id),
            }
            assert image.staged_key is not None
            (entry, *_) = await staging.operating_as(OPERATOR).audit_log.page(limit=1)
            assert (entry.action, entry.account_id) == ("account.exported", "acme")

    asyncio.run(scenario())


def test_a_long_table_is_exported_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        monkeypatch.setattr("staging_core.account_export._PAGE", 2)
        async with installed(tmp_path, "fake:") as staging:
            me = staging.acting_as(ADMIN)
            made = [(await me.projects.create(f"{number}")).id for number in range(5)]
            file = await whole(await me.account.export())
            rows = [json.loads(line) for line in file.read("rows/projects.jsonl").splitlines()]
            assert sorted(row["id"] for row in rows) == sorted(made)

    asyncio.run(scenario())


def test_every_column_that_could_be_a_secret_is_marked() -> None:
    """A table that is new cannot be exported with its secrets by mistake."""
    # Of a photo; a time.
    harmless = {"staging_originals.digest", "staging_webhook_endpoints.previous_secret_until"}
    for table in account_rows.exported():
        for column in table.c:
            if any(word in column.name for word in ("digest", "secret", "token", "password")):
                name = f"{table.name}.{column.name}"
                assert column.info.get(account_rows.SECRET) or name in harmless, name


def test_no_table_with_an_account_is_forgotten() -> None:
    named = {table.name for table in account_rows.tables()}
    owned = {name for name, table in metadata.tables.items() if "account_id" in table.c}
    assert named == (owned - {"staging_audit_log"}) | {"staging_accounts"}


# --- deleted --------------------------------------------------------------------------------------


@both
def test_a_deleted_account_is_gone_with_all_rows_and_objects(
    tmp_path: Path, database: dict[str, Any]
) -> None:
    async def scenario() -> None:
        async with installed(tmp_path, "fake:", **database) as staging:
            await furnish(staging, ADMIN)
            kept = await furnish(staging, OTHER, 1)
            others = await tables_with(staging, "other")
            me = staging.acting_as(ADMIN, request_id="r-9")
            running = await me.images.submit(photo(2), **WISH)
            assert running.images[0].job.state == "queued"
            await me.account.delete(confirm="acme")
            with pytest.raises(AccountClosing):
                await me.images.submit(photo(3), **WISH)
            with pytest.raises(AccountClosing):
                await me.projects.create("late")
            assert await me.keys.page() == []
            await until_gone(staging, "acme")
            assert await tables_with(staging, "other") == others
            image = await staging.acting_as(OTHER).images.get(kept)
            keys = {entry.key async for entry in staging.ports.storage.entries("")}
            folder = image.original_key.split("/")[1]
            assert image.staged_key in keys
            assert all(folder in key for key in keys if "/" in key)
            page = await staging.operating_as(OPERATOR).audit_log.page(account_id="acme")
            entry = page[0]
            assert (entry.action, entry.target) == ("account.deleted", "acme")
            assert (entry.actor, entry.request_id) == ("ada", "r-9")
            assert entry.before is not None
            assert list(entry.before["usage"].values()) == [1]
            told = repr(page)
            for personal in ("example.com", "Villa", "sofa", "import", "room.jpg"):
                assert personal not in told

    asyncio.run(scenario())


def test_it_has_to_be_named_and_may_be_said_twice(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with installed(tmp_path, "fake:") as staging:
            me = staging.acting_as(ADMIN)
            await me.projects.create("Villa")
            for wrong in ("", "other", "ACME", "acme "):
                with pytest.raises(ValidationFailed):
                    await me.account.delete(confirm=wrong)
            await me.projects.create("still open")
            since = await me.account.delete(confirm="acme")
            assert await me.account.delete(confirm="acme") == since
            entries = await staging.operating_as(OPERATOR).audit_log.page(action="account.deleted")
            assert len(entries) == 1

    asyncio.run(scenario())


def test_only_an_admin_with_the_scope_exports_or_deletes(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with installed(tmp_path, "fake:") as staging:
            held = Principal(
                account_id="acme", user_id="ada", role="admin", scopes=frozenset({"images:write"})
            )
            for who in (MEMBER, held):
                account = staging.acting_as(who).account
                with pytest.raises(Forbidden):
                    await account.export()
                with pytest.raises(Forbidden):
                    await account.delete(confirm="acme")

    asyncio.run(scenario())


# --- who signs in to it ---------------------------------------------------------------------------


class Believes:
    """An authenticator that believes everybody."""

    async def authenticate(self, credentials: Credentials) -> Principal | None:
        if credentials.bearer != "ada":
            return None
        identity = Identity(issuer="https://issuer.example", subject="ada", email="a@example.com")
        return Principal(account_id="", user_id="", identity=identity)


@both
def test_a_person_deletes_their_own_account_and_gets_an_empty_one_later(
    tmp_path: Path, database: dict[str, Any]
) -> None:
    async def scenario() -> None:
        settings = {"auth": [Believes(), "keys:"], "secret_key": "0" * 16, **database}
        async with installed(tmp_path, "fake:", **settings) as staging:
            ada = await staging.authenticate(Credentials(bearer="ada"))
            assert ada is not None
            me = staging.acting_as(ada)
            await me.projects.create("Villa")
            key = Credentials(bearer=(await me.keys.create("import")).secret)
            assert await staging.authenticate(key) is not None
            await me.account.delete(confirm=ada.account_id)
            with pytest.raises(AccountClosing):
                await staging.authenticate(Credentials(bearer="ada"))
            with pytest.raises(Unauthorized):
                await staging.authenticate(key)
            await until_gone(staging, ada.account_id)
            again = await staging.authenticate(Credentials(bearer="ada"))
            assert again is not None
            assert again.account_id == ada.account_id
            assert again.user_id != ada.user_id
            assert await staging.acting_as(again).projects.page() == []
            with pytest.raises(Unauthorized):
                await staging.authenticate(key)

    asyncio.run(scenario())


def test_a_result_that_comes_late_goes_nowhere(tmp_path: Path) -> None:
    """A worker holds the job while the account is deleted; what it brings is in no row."""

    async def scenario() -> None:
        stager = "fake:?delay_ms=3000"
        async with installed(tmp_path, stager, lease_s=60) as staging:
            me = staging.acting_as(ADMIN)
            await me.images.submit(photo(), **WISH)
            working = asyncio.create_task(staging.run_worker(until_idle=True))
            fake: Any = next(iter(staging.ports.stagers.values()))
            await fake.called.wait()
            await me.account.delete(confirm="acme")
            await asyncio.wait_for(working, 30)
            await until_gone(staging, "acme")
            async with staging.ports.database.read() as tx:
                assert await tx.rows(sa.select(metadata.tables["staging_jobs"])) == []

    asyncio.run(scenario())
