"""Whoever sits at the machine makes keys, lists and revokes them."""

from __future__ import annotations

import asyncio

import pytest

from staging_core import Credentials, Principal, Staging

from .conftest import Cli

WHOSE = ("--account", "house", "--user", "ada")


@pytest.fixture(autouse=True)
def _keys_only(folder: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STAGING_AUTH", "keys:")
    monkeypatch.setenv("STAGING_SECRET_KEY", "0" * 16)


def entering(secret: str) -> Principal | None:
    async def run() -> Principal | None:
        async with Staging.from_env(worker=False) as staging:
            return await staging.authenticate(Credentials(bearer=secret))

    return asyncio.run(run())


def test_a_key_is_printed_once_alone_on_stdout_and_opens_the_door(cli: Cli) -> None:
    ran = cli("keys", "create", "first", *WHOSE, "--role", "operator")
    assert ran.code == 0
    (secret,) = ran.out.splitlines()
    assert secret.startswith("sk_stg_")
    assert "ada in house" in ran.err
    assert secret not in ran.err
    who = entering(secret)
    assert who is not None
    assert (who.account_id, who.user_id, who.role) == ("house", "ada", "operator")
    assert secret not in cli("keys", "list", "--json").out


def test_where_no_key_is_taken_it_is_said_what_makes_them_be(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "STAGING_AUTH" not in cli("keys", "create", "first", *WHOSE).err
    monkeypatch.setenv("STAGING_AUTH", "local:")
    ran = cli("keys", "create", "second", *WHOSE)
    assert ran.code == 0
    assert "opens nothing until STAGING_AUTH has `keys:`" in ran.err


def test_programs_get_the_key_as_json(cli: Cli) -> None:
    words = ("--scope", "images:write", "--scope", "keys:write", "--expires-in", "90d")
    made = cli("keys", "create", "camera", *WHOSE, *words, "--json").json
    assert made["key"]["scopes"] == ["images:write", "keys:write"]
    assert made["key"]["expires_at"] - made["key"]["created_at"] == pytest.approx(90 * 86_400)
    assert entering(made["secret"]) is not None


def test_keys_are_listed_and_revoked(cli: Cli) -> None:
    first = cli("keys", "create", "first", *WHOSE, "--json").json["key"]
    other = cli("keys", "create", "x", "--account", "b", "--user", "bob", "--json").json["key"]
    listed = cli("keys", "list", "--json").json["keys"]
    assert [key["id"] for key in listed] == [other["id"], first["id"]]
    assert len(cli("keys", "list", "--account", "b", "--json").json["keys"]) == 1
    assert cli("keys", "revoke", first["id"]).out == f"{first['id']}: revoked\n"
    assert cli("keys", "revoke", other["id"], "--json").json["revoked_at"]
    assert [line.split()[2] for line in cli("keys", "list").out.splitlines()] == [
        "state",
        "revoked",
        "revoked",
    ]
    (entry, *_) = cli("audit-log", "--action", "key.revoked", "--json").json["entries"]
    assert entry["target"] == other["id"]


def test_a_scope_or_a_key_that_is_none_is_named(cli: Cli) -> None:
    wrong = cli("keys", "create", "x", *WHOSE, "--scope", "everything", "--json")
    assert (wrong.code, wrong.json["error"]["code"]) == (2, "wrong_use")
    gone = cli("keys", "revoke", "nope", "--json")
    assert (gone.code, gone.json["error"]["code"]) == (1, "not_found")
