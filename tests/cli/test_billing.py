"""Whoever sits at the machine tells what accounts may have, gives it and takes it."""

from __future__ import annotations

from pathlib import Path

import pytest

from .conftest import Cli

SETTINGS = """
billing = "plans:"

[plans.free]
images = 2

[plans.studio]
name = "Studio"
images = 200
price_cents = 4905
overage_images = 100
overage_cents = 40

[packs.ten]
credits = 10
price_cents = 900
currency = "eur"
"""


@pytest.fixture(autouse=True)
def _settings(folder: Path) -> None:
    (folder / "staging.toml").write_text(SETTINGS)


def credit(cli: Cli, images: int, key: str, *more: str) -> dict[str, object]:
    answer = cli("billing", "credit", "acme", str(images), "--key", key, *more, "--json").json
    assert isinstance(answer, dict)
    return answer


def test_plans_and_packs_are_those_of_the_settings(cli: Cli) -> None:
    told = cli("billing", "plans", "--json").json
    assert told["default_plan"] == "free"
    assert told["plans"]["studio"]["overage_images"] == 100
    assert told["packs"]["ten"]["credits"] == 10
    lines = cli("billing", "plans").out.splitlines()
    assert [" ".join(line.split()) for line in lines] == [
        "code kind images price beyond name",
        "free plan 2 0.00 usd a month free",
        "studio plan 200 49.05 usd a month 100 at 0.40 usd Studio",
        "ten pack 10 9.00 eur ten",
    ]


def test_money_is_told_in_the_digits_of_its_currency(cli: Cli, folder: Path) -> None:
    yen = '[plans.free]\nimages = 2\nprice_cents = 2900\ncurrency = "jpy"\n'
    dinars = '[packs.ten]\ncredits = 10\nprice_cents = 900\ncurrency = "kwd"\n'
    (folder / "staging.toml").write_text(f'billing = "plans:"\n{yen}{dinars}')
    lines = cli("billing", "plans").out.splitlines()
    assert [" ".join(line.split()) for line in lines[1:]] == [
        "free plan 2 2900 jpy a month free",
        "ten pack 10 0.900 kwd ten",
    ]


def test_credits_are_given_and_taken_and_each_stands_in_the_ledger(cli: Cli) -> None:
    assert credit(cli, 7, "a", "--note", "a present")["credits"] == 7
    assert credit(cli, -3, "b")["credits"] == 4
    taken, given = cli("billing", "ledger", "acme", "--json").json["entries"]
    assert (given["images"], given["to_book"], given["note"]["reason"]) == (
        7,
        "available",
        "a present",
    )
    assert (taken["images"], taken["from_book"], taken["note"]["reason"]) == (
        3,
        "available",
        "Taken by the operator.",
    )
    head, *lines = cli("billing", "ledger", "acme", "--limit", "1").out.splitlines()
    assert head.split()[:3] == ["at", "entry", "balance"]
    (line,) = lines
    assert line.split()[2:7] == ["adjust", "credits", "3", "available", "adjusted"]
    (entry, *_) = cli("audit-log", "--action", "billing.credited", "--json").json["entries"]
    assert (entry["target"], entry["after"]["images"]) == ("acme", -3)


def test_under_one_key_it_is_done_once_and_another_number_is_refused(cli: Cli) -> None:
    assert credit(cli, 7, "a") == credit(cli, 7, "a")
    for other in (8, -7):
        ran = cli("billing", "credit", "acme", str(other), "--key", "a", "--json")
        assert (ran.code, ran.json["error"]["code"]) == (2, "idempotency_mismatch")
    assert cli("billing", "standing", "acme", "--json").json["credits"] == 7
    assert credit(cli, -7, "b") == credit(cli, -7, "b")
    assert len(cli("billing", "ledger", "acme", "--json").json["entries"]) == 2


def test_what_is_not_there_is_not_taken(cli: Cli) -> None:
    credit(cli, 2, "a")
    ran = cli("billing", "credit", "acme", "-3", "--key", "b", "--json")
    assert (ran.code, ran.json["error"]["code"]) == (2, "credits_missing")
    nothing = cli("billing", "credit", "acme", "0", "--key", "c", "--json")
    assert (nothing.code, nothing.json["error"]["code"]) == (2, "bad_request")
    keyless = cli("billing", "credit", "acme", "1", "--json")
    assert (keyless.code, keyless.json["error"]["code"]) == (2, "wrong_use")


def test_a_plan_is_given_and_taken_back(cli: Cli) -> None:
    given = cli("billing", "plan", "acme", "studio", "--json").json
    assert (given["plan_code"], given["allowance"], given["subscribed"]) == ("studio", 200, True)
    lines = cli("billing", "standing", "acme").out.splitlines()
    assert lines[0].split() == ["plan", "studio"]
    assert lines[3].split() == ["allowance", "200", "left", "of", "200"]
    taken = cli("billing", "plan", "acme", "none").out.splitlines()
    assert taken[0].split() == ["plan", "free,", "as", "everybody"]


def test_an_account_or_a_plan_that_is_none_is_named(cli: Cli) -> None:
    nobody = cli("billing", "standing", "nobody", "--json")
    assert (nobody.code, nobody.json["error"]["code"]) == (1, "not_found")
    wrong = cli("billing", "plan", "acme", "studo", "--json")
    assert (wrong.code, wrong.json["error"]["code"]) == (2, "unknown_plan")
    assert "studio" in wrong.json["error"]["remedy"]


def test_no_plan_is_called_as_taking_one_back_is(cli: Cli, folder: Path) -> None:
    (folder / "staging.toml").write_text(SETTINGS + "\n[plans.none]\nimages = 0\n")
    refused = cli("billing", "plans")
    assert refused.code != 0
    assert "`none`" in refused.err
    assert "another code" in refused.err
