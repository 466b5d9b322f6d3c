"""Operators read at the machine who did what."""

from __future__ import annotations

import asyncio

import pytest

from staging_core import Principal, Staging

from .conftest import Cli

ADA = Principal(account_id="acme", user_id="ada")


@pytest.fixture
def key(cli: Cli) -> str:
    """The id of a key that Ada has made, after which she became an admin."""

    async def make() -> str:
        async with Staging(stager="fake:", plugins=(), worker=False) as staging:
            made = await staging.acting_as(ADA).keys.create("import")
            await staging.operating("root").grant("ada", "admin")
            return made.key.id

    return asyncio.run(make())


def test_acts_are_told_newest_first_and_found(cli: Cli, key: str) -> None:
    told = cli("audit-log", "--json").json["entries"]
    assert [(entry["action"], entry["target"]) for entry in told] == [
        ("role.granted", "ada"),
        ("key.created", key),
    ]
    assert told[0]["after"] == {"role": "admin"}
    for words, expected in (
        (("--action", "key.created"), [key]),
        (("--actor", "root"), ["ada"]),
        (("--account", "acme", "--since", "1h"), ["ada", key]),
        (("--target", key), [key]),
        (("--account", "another"), []),
        (("--limit", "1"), ["ada"]),
    ):
        found = cli("audit-log", *words, "--json").json["entries"]
        assert [entry["target"] for entry in found] == expected, words
    table = cli("audit-log").out.splitlines()
    assert table[0].split() == ["when", "action", "by", "target", "account"]
    assert table[1].split()[2:] == ["role.granted", "root", "ada", "acme"]


def test_an_act_of_another_kind_is_wrong_use(cli: Cli, key: str) -> None:
    assert cli("audit-log", "--action", "key.lost").code == 2
