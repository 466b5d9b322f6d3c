"""A plan's price is one amount a month; any other is refused before somebody pays by it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from staging_core import Staging
from staging_core.errors import PaymentRefused, SettingError
from staging_core.models import Actor, Offer
from staging_core.payments.publishing import publish
from staging_core.ports import Ports
from staging_core.testing.stripe import RunningStripe

from .conftest import SECRETS, Play, Shop, plan

UNFIT: dict[str, dict[str, Any]] = {
    "yearly": {"unit_amount": 29900, "recurring": {"interval": "year"}},
    "every three months": {
        "unit_amount": 8900,
        "recurring": {"interval": "month", "interval_count": 3},
    },
    "in tiers": {
        "recurring": {"interval": "month"},
        "billing_scheme": "tiered",
        "tiers_mode": "volume",
        "tiers": [{"up_to": 10, "unit_amount": 9900}, {"up_to": "inf", "unit_amount": 1}],
    },
    "in parts of a cent": {"unit_amount_decimal": "0.5", "recurring": {"interval": "month"}},
    "once": {"unit_amount": 2900},
}
unfit = pytest.mark.parametrize("case", UNFIT)


async def made_by_hand(shop: Shop, case: str, **more: Any) -> str:
    product = await shop.v1.products.create_async({"name": case})
    told = {"product": product.id, "currency": "usd", **UNFIT[case], **more}
    return str((await shop.v1.prices.create_async(told)).id)


@unfit
def test_why_a_price_does_not_fit_is_said(play: Play, case: str) -> None:
    async def scenario(shop: Shop) -> None:
        price = await made_by_hand(shop, case)
        assert "a month" in (await shop.billing.unfit(price, "plan") or "")
        why = await shop.billing.unfit(price, "pack")
        assert (why is None) == (case == "once")
        assert await shop.billing.unfit("price_of_nobody", "plan") is None

    play(scenario)


def test_what_is_beyond_a_plan_counts_by_our_meter_at_that_amount(play: Play) -> None:
    async def scenario(shop: Shop) -> None:
        listing = plan(amount=40, overage=True)
        ours = await shop.billing.publish(listing)
        assert await shop.billing.unlike(ours, listing) is None
        assert "40" in (await shop.billing.unlike(ours, plan(amount=4, overage=True)) or "")
        told = {
            "display_name": "Of somebody else",
            "event_name": "something",
            "default_aggregation": {"formula": "sum"},
        }
        meter = await shop.v1.billing.meters.create_async(told)
        metered = {"interval": "month", "usage_type": "metered", "meter": meter.id}
        other = await made_by_hand(shop, "once", unit_amount=40, recurring=metered)
        assert "meter" in (await shop.billing.unlike(other, listing) or "")
        monthly = (await shop.offer()).price_id
        assert "every 1 month" in (await shop.billing.unlike(monthly, listing) or "")
        assert "not know" in (await shop.billing.unlike("price_of_nobody", listing) or "")

    play(scenario)


@pytest.mark.parametrize("case", ["yearly", "in tiers"])
def test_what_cannot_be_compared_is_not_gone_over_to_nor_from(play: Play, case: str) -> None:
    async def scenario(shop: Shop) -> None:
        ada, pro, price = await shop.customer(), await shop.offer(), await made_by_hand(shop, case)
        other = Offer(kind="plan", code="business", price_id=price)
        one = await shop.subscribed(ada, pro)
        with pytest.raises(PaymentRefused, match=price):
            await shop.billing.switch(one, other, key="there")
        page = await shop.checkout(await shop.customer("acc_ben"), other, "pur_2")
        another = str(shop.stripe.pay(page)["subscription"])
        with pytest.raises(PaymentRefused, match=price):
            await shop.billing.switch(another, pro, key="back")
        assert [each["pending_update"] for each in shop.stripe.objects("subscription")] == [
            None
        ] * 2

    play(scenario)


def test_a_price_of_another_kind_gives_up_its_name(play: Play) -> None:
    async def scenario(shop: Shop) -> None:
        key = {"lookup_key": "staging_plan_pro_2900_usd"}
        yearly = await made_by_hand(shop, "yearly", unit_amount=2900, **key)
        price = await shop.billing.publish(plan())
        assert price != yearly
        assert await shop.billing.unfit(price, "plan") is None

    play(scenario)


def staging(home: Path, price: str) -> Staging:
    plans = {"free": {"images": 2}, "pro": {"images": 100, "price_ids": [price]}}
    return Staging(
        home=home,
        stager="fake:",
        billing="stripe:",
        plans=plans,
        public_url="https://staging.example",
        plugins=("staging-core",),
        worker=False,
    )


@pytest.fixture
def variables(stripe: RunningStripe, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STRIPE_SECRET_KEY", stripe.key)
    monkeypatch.setenv("STRIPE_WEBHOOK_SECRETS", SECRETS)
    monkeypatch.setenv("STRIPE_BASE_URL", stripe.url)


@pytest.mark.usefixtures("variables")
def test_nothing_is_sold_at_it(play: Play, tmp_path: Path, stripe: RunningStripe) -> None:
    async def scenario(shop: Shop) -> None:
        price = await made_by_hand(shop, "yearly")
        with pytest.raises(SettingError, match=f"{price}.*pro") as refused:
            async with staging(tmp_path / "home", price):
                pass
        assert "plans push" in (refused.value.remedy or "")
        stripe.chaos(error_before=1.0)  # who cannot ask starts all the same
        async with staging(tmp_path / "home", price) as open_:
            stripe.chaos(error_before=0.0)
            ports: Ports = open_.ports
            with pytest.raises(SettingError, match=price):
                await publish(ports, Actor(user_id="tests"))
        async with staging(tmp_path / "home", (await shop.offer()).price_id):
            pass

    play(scenario)
