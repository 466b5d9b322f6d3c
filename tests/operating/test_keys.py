"""Operators make keys for any account: the first one where only keys let in, and any other."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

import pytest

from staging_core import Credentials, Principal, Staging
from staging_core.errors import BadInput, NotFound, Unauthorized, ValidationFailed
from staging_core.models import SCOPES

from .house import ADA, OPERATOR, installed

both = pytest.mark.parametrize("database", ["sqlite", "postgresql"], indirect=True)


def house(home: Path, **settings: Any) -> Staging:
    """An installation that only keys let in to."""
    return installed(home, **{"auth": "keys:", "secret_key": "0" * 16, **settings})


async def enters(staging: Staging, secret: str) -> Principal | None:
    return await staging.authenticate(Credentials(bearer=secret))


@both
def test_the_first_key_makes_account_and_user_and_lets_them_in(
    tmp_path: Path, database: dict[str, Any]
) -> None:
    async def scenario() -> None:
        async with house(tmp_path, **database) as staging:
            keys = staging.operating("olga").keys
            assert await keys.are_missing()
            made = await keys.create("first", account_id="house", user_id="ada", role="operator")
            assert not await keys.are_missing()

            who = await enters(staging, made.secret)
            assert who is not None
            assert (who.account_id, who.user_id, who.role) == ("house", "ada", "operator")
            assert who.scopes == SCOPES.keys()
            assert await staging.operating_as(who).statistics()
            # From here on it goes without anybody at the machine.
            assert (await staging.acting_as(who).keys.create("camera")).secret

            entries = await staging.operating("olga").audit_log.page(account_id="house")
            told = [(entry.action, entry.actor, entry.target) for entry in entries]
            assert sorted(told) == sorted(
                [
                    ("user.created", "olga", "ada"),
                    ("role.granted", "olga", "ada"),
                    ("key.created", "olga", made.key.id),
                    ("key.created", "ada", entries[0].target),
                ]
            )
            assert made.secret not in str(entries)

    asyncio.run(scenario())


def test_a_key_without_a_role_may_what_having_photos_furnished_needs(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with house(tmp_path) as staging:
            keys = staging.operating("olga").keys
            made = await keys.create("camera", account_id="acme", user_id="bob")
            who = await enters(staging, made.secret)
            assert who is not None
            assert who.role == "member"
            assert who.scopes == {"images:read", "images:write", "events:read"}
            narrow = await keys.create("x", account_id="acme", user_id="bob", scopes=["keys:write"])
            assert narrow.key.scopes == ("keys:write",)
            short = await keys.create("x", account_id="acme", user_id="bob", expires_in_s=60)
            assert short.key.expires_at is not None
            assert 0 < short.key.expires_at - time.time() < 61

    asyncio.run(scenario())


@both
def test_who_is_there_already_is_made_no_second_time_and_keeps_their_role(
    tmp_path: Path, database: dict[str, Any]
) -> None:
    async def scenario() -> None:
        async with house(tmp_path, **database) as staging:
            operating = staging.operating("olga")
            first = {"account_id": "acme", "user_id": "ada"}
            await operating.keys.create("one", role="admin", **first)
            again = await operating.keys.create("two", **first)
            who = await enters(staging, again.secret)
            assert who is not None
            assert who.role == "admin"
            assert len(await operating.users()) == 1
            created = await operating.audit_log.page(action="user.created")
            granted = await operating.audit_log.page(action="role.granted")
            assert (len(created), len(granted)) == (1, 1)

    asyncio.run(scenario())


@both
def test_keys_of_all_accounts_are_listed_and_revoked(
    tmp_path: Path, database: dict[str, Any]
) -> None:
    async def scenario() -> None:
        async with house(tmp_path, **database) as staging:
            keys = staging.operating("olga").keys
            one = await keys.create("one", account_id="acme", user_id="ada")
            two = await keys.create("two", account_id="other", user_id="bob", role="admin")
            bob = await enters(staging, two.secret)
            assert bob is not None
            three = await staging.acting_as(bob).keys.create("made with it")
            listed = await keys.page()
            assert [key.id for key in listed] == [three.key.id, two.key.id, one.key.id]
            assert [key.id for key in await keys.page(account_id="acme")] == [one.key.id]
            assert [key.id for key in await keys.page(user_id="bob", limit=1)] == [three.key.id]
            assert [key.id for key in await keys.page(before=listed[1])] == [one.key.id]

            for _ in range(2):
                assert (await keys.revoke(two.key.id)).revoked_at is not None
            for gone in (two, three):
                with pytest.raises(Unauthorized):
                    await enters(staging, gone.secret)
            assert await enters(staging, one.secret) is not None
            revoked = await staging.operating("olga").audit_log.page(action="key.revoked")
            assert {entry.target for entry in revoked} == {two.key.id, three.key.id}
            assert {entry.actor for entry in revoked} == {"olga"}
            await keys.revoke(one.key.id)
            assert await keys.are_missing()

    asyncio.run(scenario())


def test_what_cannot_be_is_refused_and_makes_nothing(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with house(tmp_path) as staging:
            keys = staging.operating("olga").keys
            usual = {"account_id": "acme", "user_id": "ada"}
            for wrong in (
                {"name": ""},
                {"name": "x", "expires_in_s": -1.0},
                {"name": "x", "scopes": ["nope"]},
                {"name": "x", "account_id": "with space"},
                {"name": "x", "user_id": ""},
            ):
                with pytest.raises(BadInput):
                    await keys.create(**{**usual, **wrong})  # type: ignore[arg-type]
            with pytest.raises(ValidationFailed):
                await keys.create("", **usual)
            with pytest.raises(NotFound, match="somebody's own"):
                await keys.create("x", account_id="personal-" + "0" * 32, user_id="eve")
            with pytest.raises(NotFound):
                await keys.revoke("nope")
            assert await staging.operating("olga").users() == []

    asyncio.run(scenario())


def test_others_who_can_sign_in_need_no_first_key(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with installed(tmp_path) as staging:
            assert not await staging.operating_as(OPERATOR).keys.are_missing()
            made = await staging.acting_as(ADA).keys.create("mine")
            assert made.key.user_id == ADA.user_id

    asyncio.run(scenario())
