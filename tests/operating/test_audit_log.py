"""What is done about rights, keys and models leaves an entry, in the transaction that does it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from staging_core import Principal, Staging
from staging_core.database import audit_log
from staging_core.database.tables import audit_log as table
from staging_core.errors import Forbidden, ValidationFailed
from staging_core.models import Actor, AuditEntry

from .house import ADA, OPERATOR, Configurable, installed

both = pytest.mark.parametrize("database", ["sqlite", "postgresql"], indirect=True)
on_postgresql = pytest.mark.parametrize("database", ["postgresql"], indirect=True)
QWEN = "qwen/qwen-image-edit"


async def told(staging: Staging, **which: Any) -> list[AuditEntry]:
    return await staging.operating_as(OPERATOR).audit_log.page(**which)


@both
def test_a_key_leaves_an_entry_when_it_is_made_and_when_it_is_revoked(
    tmp_path: Path, database: dict[str, Any]
) -> None:
    async def scenario() -> None:
        async with installed(tmp_path, **database) as staging:
            me = staging.acting_as(ADA, request_id="request-1")
            made = await me.keys.create("import")
            for _ in range(2):
                await me.keys.revoke(made.key.id)
            revoked, created = await told(staging)
            assert (created.action, revoked.action) == ("key.created", "key.revoked")
            for entry in (created, revoked):
                assert (entry.actor, entry.actor_account_id) == (ADA.user_id, ADA.account_id)
                assert (entry.account_id, entry.target) == (ADA.account_id, made.key.id)
                assert entry.request_id == "request-1"
            assert created.after == {
                "prefix": made.key.prefix,
                "scopes": ["events:read", "images:read", "images:write"],
                "expires_at": None,
            }
            assert made.secret not in repr(await told(staging))

    asyncio.run(scenario())


@both
def test_a_role_leaves_an_entry_with_what_it_was(tmp_path: Path, database: dict[str, Any]) -> None:
    async def scenario() -> None:
        async with installed(tmp_path, **database) as staging:
            await staging.acting_as(ADA).profile.get()
            await staging.operating("root").grant("ada", "admin")
            (entry,) = await told(staging)
            assert (entry.action, entry.actor, entry.actor_account_id) == (
                "role.granted",
                "root",
                None,
            )
            assert (entry.account_id, entry.target) == (ADA.account_id, "ada")
            assert (entry.before, entry.after) == ({"role": "member"}, {"role": "admin"})

    asyncio.run(scenario())


@both
def test_a_models_entry_tells_that_there_is_a_secret_and_not_which(
    tmp_path: Path, database: dict[str, Any]
) -> None:
    async def scenario() -> None:
        async with installed(tmp_path, Configurable(), "fake:", **database) as staging:
            models = staging.operating_as(OPERATOR).models
            await models.configure(QWEN, {"token": "canary", "steps": 3})
            await models.activate("fake")
            activated, configured = await told(staging)
            assert (activated.action, activated.target) == ("model.activated", "active_model")
            assert (activated.before, activated.after) == ({"value": QWEN}, {"value": "fake"})
            assert (configured.action, configured.target) == ("model.configured", QWEN)
            assert configured.before == {"options": {}, "secrets": []}
            assert configured.after == {
                "options": {"steps": 3},
                "secrets": ["token"],
                "secrets_changed": ["token"],
            }
            assert "canary" not in repr((activated, configured))

    asyncio.run(scenario())


def test_what_was_refused_leaves_none(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with installed(tmp_path) as staging:
            with pytest.raises(ValidationFailed):
                await staging.operating_as(OPERATOR).models.activate("none")
            with pytest.raises(ValidationFailed):
                await staging.operating_as(OPERATOR).models.configure(QWEN, {"steps": 99})
            with pytest.raises(Forbidden):
                staging.operating_as(ADA)
            assert await told(staging) == []

    asyncio.run(scenario())


def test_no_entry_no_act(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are one transaction: where the log cannot be written, nothing is done."""

    async def full(*_: Any, **__: Any) -> None:
        raise OSError("the log is full")

    async def scenario() -> None:
        async with installed(tmp_path) as staging:
            await staging.acting_as(ADA).profile.get()
            monkeypatch.setattr(audit_log, "add", full)
            acts = (
                lambda: staging.acting_as(ADA).keys.create("k"),
                lambda: staging.operating("root").grant("ada", "operator"),
                lambda: staging.operating("root").models.configure(QWEN, {"steps": 1}),
                lambda: staging.operating("root").settings.change("max_queued", 5),
            )
            for act in acts:
                with pytest.raises(OSError, match="the log is full"):
                    await act()
            assert await staging.acting_as(ADA).keys.page() == []
            assert [user.role for user in await staging.operating("root").users()] == ["member"]
            assert (await staging.operating("root").models.config(QWEN)).updated_at is None
            setting = await staging.operating("root").settings.get("max_queued")
            assert setting.updated_at is None

    asyncio.run(scenario())


# --- reading it -----------------------------------------------------------------------------------


async def fill(staging: Staging, entries: int) -> None:
    """One entry a second, of two actors in two accounts."""
    for number in range(entries):
        async with staging.ports.database.write() as tx:
            tx.now = 1000.0 + number
            actor = Actor(user_id=f"user-{number % 2}", account_id=f"account-{number % 2}")
            await audit_log.add(
                tx, "key.created", actor, target=f"key-{number}", account_id=actor.account_id
            )


@both
def test_pages_go_from_the_newest_to_the_oldest_without_a_gap(
    tmp_path: Path, database: dict[str, Any]
) -> None:
    async def scenario() -> None:
        async with installed(tmp_path, **database) as staging:
            await fill(staging, 7)
            seen: list[str] = []
            last: AuditEntry | None = None
            while page := await told(staging, before=last, limit=3):
                seen += [entry.target for entry in page]
                last = page[-1]
            assert seen == [f"key-{number}" for number in reversed(range(7))]

    asyncio.run(scenario())


@both
def test_filters_hold_together(tmp_path: Path, database: dict[str, Any]) -> None:
    async def scenario() -> None:
        async with installed(tmp_path, **database) as staging:
            await fill(staging, 6)
            for which, numbers in (
                ({"actor": "user-1"}, [5, 3, 1]),
                ({"account_id": "account-0"}, [4, 2, 0]),
                ({"target": "key-3"}, [3]),
                ({"since": 1002.0, "until": 1004.0}, [3, 2]),
                ({"actor": "user-1", "since": 1003.0}, [5, 3]),
                ({"action": "role.granted"}, []),
                ({"actor": "user-1", "account_id": "account-0"}, []),
            ):
                targets = [entry.target for entry in await told(staging, **which)]
                assert targets == [f"key-{number}" for number in numbers], which

    asyncio.run(scenario())


# --- keeping it -----------------------------------------------------------------------------------


@both
def test_entries_go_when_their_time_is_over(tmp_path: Path, database: dict[str, Any]) -> None:
    async def scenario() -> None:
        async with installed(tmp_path, audit_log_s=3600, **database) as staging:
            await fill(staging, 3)
            await staging.acting_as(ADA).keys.create("k")
            done = await staging.sweep(bucket=True)
            assert done["audit_log_dropped"] == 3
            assert [entry.action for entry in await told(staging)] == ["key.created"]

    asyncio.run(scenario())


async def try_to(staging: Staging, account_id: str | None, statement: sa.Executable) -> None:
    async with staging.ports.database.write(account_id) as tx:
        await tx.execute(statement)


@on_postgresql
def test_the_database_itself_lets_nobody_change_an_entry(
    tmp_path: Path, database: dict[str, Any]
) -> None:
    async def scenario() -> None:
        async with installed(tmp_path, **database) as staging:
            await staging.acting_as(ADA).keys.create("k")
            change = sa.update(table).values(actor="somebody else")
            for account_id in (ADA.account_id, None):
                with pytest.raises(DBAPIError, match="permission denied"):
                    await try_to(staging, account_id, change)
            with pytest.raises(DBAPIError, match="permission denied"):
                await try_to(staging, ADA.account_id, sa.delete(table))
            made_up = sa.insert(table).values(
                id="x", account_id="another", action="key.created", actor="x", created_at=0
            )
            with pytest.raises(DBAPIError, match="row-level security"):
                await try_to(staging, ADA.account_id, made_up)
            assert [entry.actor for entry in await told(staging)] == [ADA.user_id]

    asyncio.run(scenario())


@both
def test_a_user_who_signs_in_for_the_first_time_leaves_one_entry(
    tmp_path: Path, database: dict[str, Any]
) -> None:
    async def scenario() -> None:
        from staging_core.models import Credentials, Identity

        class Believes:
            async def authenticate(self, credentials: Credentials) -> Principal | None:
                identity = Identity(issuer="https://issuer.example", subject="ada", email="a@b.c")
                return Principal(account_id="", user_id="", identity=identity)

        settings = {"auth": [Believes()], "secret_key": "0" * 16, **database}
        async with installed(tmp_path, **settings) as staging:
            for _ in range(3):
                principal = await staging.authenticate(Credentials(bearer="x"))
            assert principal is not None
            (entry,) = await told(staging)
            assert (entry.action, entry.target) == ("user.created", principal.user_id)
            assert entry.account_id == principal.account_id
            assert entry.after == {"issuer": "https://issuer.example"}

    asyncio.run(scenario())
