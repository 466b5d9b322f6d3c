"""Operators see who has signed in, and give and take roles."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from staging_core import Credentials, Principal, Staging
from staging_core.models import Identity

from .conftest import Cli


class Knows:
    """An authenticator that knows whoever is named."""

    async def authenticate(self, credentials: Credentials) -> Principal | None:
        name = credentials.bearer or ""
        identity = Identity(issuer="https://i", subject=name, email=f"{name}@example.com")
        return Principal(account_id="", user_id="", identity=identity)


@pytest.fixture
def people(cli: Cli) -> dict[str, Principal]:
    """Two people who have signed in."""

    async def sign_in() -> dict[str, Any]:
        settings: dict[str, Any] = {
            "auth": [Knows()],
            "secret_key": "0" * 16,
            "stager": "fake:",
            "plugins": (),
        }
        async with Staging(worker=False, **settings) as staging:
            return {
                name: await staging.authenticate(Credentials(bearer=name))
                for name in ("ada", "bob")
            }

    return asyncio.run(sign_in())


def test_users_are_listed_newest_first_and_found(cli: Cli, people: dict[str, Principal]) -> None:
    listed = cli("users", "list", "--json").json["users"]
    assert [user["subject"] for user in listed] == ["bob", "ada"]
    assert listed[1] == {
        "id": people["ada"].user_id,
        "account_id": people["ada"].account_id,
        "role": "member",
        "issuer": "https://i",
        "subject": "ada",
        "email": "ada@example.com",
        "full_name": None,
        "created_at": listed[1]["created_at"],
        "last_seen_at": listed[1]["last_seen_at"],
    }
    for words in (("--email", "ada@example.com"), ("--account", people["ada"].account_id)):
        (found,) = cli("users", "list", *words, "--json").json["users"]
        assert found["subject"] == "ada"
    assert len(cli("users", "list", "--limit", "1", "--json").json["users"]) == 1
    assert cli("users", "list", "--role", "operator", "--json").json == {"users": []}
    table = cli("users", "list").out.splitlines()
    assert table[0].split()[:4] == ["user", "role", "email", "subject"]
    assert len(table) == 3


def test_a_role_is_granted_and_taken_back(cli: Cli, people: dict[str, Principal]) -> None:
    ada = people["ada"].user_id
    assert cli("users", "grant", ada, "operator", "--json").json["role"] == "operator"
    (operator,) = cli("users", "list", "--role", "operator", "--json").json["users"]
    assert operator["id"] == ada
    assert cli("users", "grant", ada, "admin").out == f"{ada}: admin\n"
    assert cli("users", "revoke", ada).out == f"{ada}: member\n"
    assert cli("users", "list", "--role", "admin", "--json").json == {"users": []}


def test_a_user_who_is_not_there_and_a_role_that_is_none_are_named(cli: Cli) -> None:
    ran = cli("users", "grant", "nobody", "admin", "--json")
    assert (ran.code, ran.json["error"]["code"]) == (1, "not_found")
    assert "sign-in" in ran.json["error"]["remedy"]
    wrong = cli("users", "grant", "nobody", "king", "--json")
    assert (wrong.code, wrong.json["error"]["code"]) == (2, "wrong_use")
