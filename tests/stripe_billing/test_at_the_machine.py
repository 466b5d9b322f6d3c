"""Whoever sits at the machine compares with Stripe, and brings here what nobody told of."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from staging_core.cli.main import run
from staging_core.testing.stripe import RunningStripe

from .conftest import SECRETS, Play, Shop

SETTINGS = """
billing = "stripe:"
stager = ["fake:"]
plugins = ["staging-core"]

[plans.free]
images = 2

[plans.pro]
images = 100
price_cents = 2900

[packs.ten]
credits = 10
price_cents = 1000
"""
NOTHING = {
    "missed": 0,
    "customers": 0,
    "subscriptions": 0,
    "purchases": 0,
    "differing": 0,
    "paid_twice": [],
}


@pytest.fixture
def here(tmp_path: Path, stripe: RunningStripe, monkeypatch: pytest.MonkeyPatch) -> None:
    """An installation whose accounts pay at the double."""
    (tmp_path / "staging.toml").write_text(SETTINGS)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("STRIPE_SECRET_KEY", stripe.key)
    monkeypatch.setenv("STRIPE_WEBHOOK_SECRETS", SECRETS)
    monkeypatch.setenv("STRIPE_BASE_URL", stripe.url)


@pytest.mark.usefixtures("here")
def test_what_was_paid_and_never_told_is_found_and_brought_here(
    play: Play, capfd: pytest.CaptureFixture[str]
) -> None:
    def billing(*words: str) -> tuple[int, Any]:
        capfd.readouterr()
        code = run(("billing", *words, "--json"))
        return code, json.loads(capfd.readouterr().out)

    async def pays(shop: Shop) -> None:
        await shop.subscribed(await shop.customer("acme"), await shop.offer())

    billing("plans", "push")
    billing("credit", "acme", "1", "--key", "a")
    assert billing("audit") == (0, NOTHING)
    play(pays)
    code, told = billing("audit")
    assert (code, told["subscriptions"]) == (1, 1)
    assert told["differing"] > 0
    assert billing("standing", "acme")[1]["plan_code"] == "free"
    assert billing("sync")[0] == 0
    standing = billing("standing", "acme")[1]
    assert (standing["plan_code"], standing["allowance"]) == ("pro", 100)
    code, told = billing("audit")
    assert (code, told["customers"], told["subscriptions"], told["differing"]) == (0, 1, 1, 0)


@pytest.mark.usefixtures("here")
def test_who_pays_for_two_plans_is_put_to_the_operator(
    play: Play, capfd: pytest.CaptureFixture[str]
) -> None:
    def billing(*words: str) -> tuple[int, str]:
        capfd.readouterr()
        code = run(("billing", *words))
        return code, capfd.readouterr().out

    async def pays_twice(shop: Shop) -> None:
        ada, offer = await shop.customer("acme"), await shop.offer()
        for purchase in ("pur_1", "pur_2"):
            shop.stripe.pay(await shop.checkout(ada, offer, purchase))

    async def ends_one(shop: Shop) -> None:
        first = shop.stripe.objects("subscription")[0]
        await shop.v1.subscriptions.cancel_async(first["id"])

    billing("plans", "push")
    billing("credit", "acme", "1", "--key", "a")
    play(pays_twice)
    assert billing("sync")[0] == 0
    code, told = billing("audit")
    assert (code, told.splitlines()[-1].split()) == (1, ["paid", "twice", "acme"])
    play(ends_one)
    assert billing("sync")[0] == 0
    assert billing("audit")[0] == 0


@pytest.mark.usefixtures("here")
def test_pages_that_were_left_are_nothing_to_look_at(
    play: Play, capfd: pytest.CaptureFixture[str]
) -> None:
    def billing(*words: str) -> tuple[int, Any]:
        capfd.readouterr()
        code = run(("billing", *words, "--json"))
        return code, json.loads(capfd.readouterr().out)

    async def leaves_some_pages(shop: Shop) -> None:
        shop.stripe.hold_events()  # Stripe keeps them as not delivered, so that a sync takes them
        hook = {"url": "http://127.0.0.1:9/hook", "enabled_events": ["*"]}
        await shop.v1.webhook_endpoints.create_async(hook)
        ada, pro, pack = await shop.customer("acme"), await shop.offer(), await shop.pack()
        shop.stripe.pay(await shop.checkout(ada, pack, "pur_1"))
        for number, offer in enumerate((pack, pro, pack), start=2):
            page = await shop.checkout(ada, offer, f"pur_{number}")
            await shop.v1.checkout.sessions.expire_async(page)
        await shop.checkout(ada, pack, "pur_open")

    billing("plans", "push")
    billing("credit", "acme", "1", "--key", "a")
    play(leaves_some_pages)
    code, told = billing("sync")
    assert code == 0
    assert told["missed"] > 0
    assert billing("standing", "acme")[1]["credits"] == 11
    for _ in range(2):
        code, told = billing("audit")
        assert (code, told["purchases"], told["differing"]) == (0, 1, 0)
