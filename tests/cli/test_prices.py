"""Whoever sits at the machine has the double of Stripe list what the settings sell."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from staging_core.testing.stripe import RunningStripe, running_stripe

from .conftest import Cli

SETTINGS = """
billing = "stripe:"

[plans.free]
images = 2

[plans.pro]
images = 100
price_cents = 2900
overage_images = 50
overage_cents = 40
price_ids = ["price_of_last_year"]

[packs.ten]
credits = 10
price_cents = 900
"""


@pytest.fixture
def stripe(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[RunningStripe]:
    """The double, and an installation whose accounts pay there."""
    (folder / "staging.toml").write_text(SETTINGS)
    with running_stripe() as double:
        monkeypatch.setenv("STRIPE_SECRET_KEY", double.key)
        monkeypatch.setenv("STRIPE_WEBHOOK_SECRETS", "whsec_of_the_tests_1")
        monkeypatch.setenv("STRIPE_BASE_URL", double.url)
        yield double


def test_prices_are_made_once_and_printed_as_settings(cli: Cli, stripe: RunningStripe) -> None:
    listed = cli("billing", "plans", "push", "--json").json["prices"]
    plan, beyond, pack = [price["price_id"] for price in listed]
    assert [price["listing"]["amount_cents"] for price in listed] == [2900, 40, 900]
    ran = cli("billing", "plans", "push")
    assert tomllib.loads(ran.out) == {
        "plans": {
            "pro": {"price_ids": [plan, "price_of_last_year"], "overage_price_id": beyond},
        },
        "packs": {"ten": {"price_ids": [pack]}},
    }
    assert {price["id"] for price in stripe.objects("price")} == {plan, beyond, pack}


def test_doctor_names_plans_beyond_which_nothing_can_be_charged(
    cli: Cli, stripe: RunningStripe, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STAGING_PUBLIC_URL", "https://staging.example")
    assert "BAD overage: Nothing is sold beyond pro" in cli("doctor").out
    cli("billing", "plans", "push")
    assert "ok  overage: what is had beyond plans has its price" in cli("doctor").out


def test_doctor_names_prices_that_are_not_what_the_settings_say(
    cli: Cli, stripe: RunningStripe, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By hand, as ``plans push`` prints them: then the settings change, or a digit is wrong."""
    monkeypatch.setenv("STAGING_PUBLIC_URL", "https://staging.example")
    listed = cli("billing", "plans", "push", "--json").json["prices"]
    plan, beyond, pack = [price["price_id"] for price in listed]

    def written(cents: int, overage_cents: int) -> str:
        named = f'price_ids = ["{plan}"]\noverage_price_id = "{beyond}"\n'
        text = SETTINGS.replace('price_ids = ["price_of_last_year"]\n', named)
        text = text.replace("overage_cents = 40", f"overage_cents = {overage_cents}")
        text = text.replace("price_cents = 2900", f"price_cents = {cents}")
        (folder / "staging.toml").write_text(f'{text}price_ids = ["{pack}"]\n')
        return cli("doctor").out

    assert "ok  prices: what is sold costs what the settings say" in written(2900, 40)
    told = written(3900, 4)
    assert f"BAD prices: The price '{plan}' of the plan pro is to be 39.00 usd: it is 29.00" in told
    assert (
        f"The price '{beyond}' of an image beyond the plan pro is to be 0.04 usd: it is 0.40"
        in told
    )


def test_nothing_starts_that_sells_more_than_a_plan_that_nobody_pays(
    cli: Cli, stripe: RunningStripe, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STAGING_PUBLIC_URL", "https://staging.example")
    beyond = "images = 2\noverage_images = 5\noverage_cents = 40\n"
    (folder / "staging.toml").write_text(SETTINGS.replace("images = 2\n", beyond))
    ran = cli("doctor")
    assert ran.code == 1
    assert "BAD open: Nobody would be charged for what is beyond the plan free" in ran.out


def test_without_a_provider_it_says_so(cli: Cli) -> None:
    ran = cli("billing", "plans", "push", "--json")
    assert (ran.code, ran.json["error"]["code"]) == (1, "service_unavailable")
