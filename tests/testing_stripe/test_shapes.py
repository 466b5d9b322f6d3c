"""What the double answers is published; and what holds that up would notice if it were not."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import stripe as vendor

from staging_core.testing.stripe import RunningStripe, StripeDouble

from .conftest import Play, Shop
from .published import NotPublished, check

KINDS = {
    "billing.meter",
    "billing_portal.configuration",
    "billing_portal.session",
    "charge",
    "checkout.session",
    "coupon",
    "customer",
    "discount",
    "dispute",
    "entitlements.active_entitlement",
    "entitlements.feature",
    "event",
    "invoice",
    "invoice_payment",
    "invoiceitem",
    "payment_intent",
    "payment_method",
    "price",
    "product",
    "product_feature",
    "promotion_code",
    "refund",
    "setup_intent",
    "subscription",
    "test_helpers.test_clock",
    "webhook_endpoint",
}


def test_one_of_every_kind_is_as_published(stripe: RunningStripe, play: Play) -> None:
    """The fixture ``stripe`` holds all that this makes against the published classes."""

    async def scenario(v1: Any) -> Any:
        shop = await Shop(v1).open()
        feature = await v1.entitlements.features.create_async({"name": "HD", "lookup_key": "hd"})
        product = (await v1.prices.retrieve_async(shop.business)).product
        await v1.products.features.create_async(product, {"entitlement_feature": feature.id})
        clock = await shop.clock()
        ada = await shop.customer(test_clock=clock)
        coupon = await v1.coupons.create_async({"percent_off": 20, "duration": "forever"})
        promotion = {"type": "coupon", "coupon": coupon.id}
        code = await v1.promotion_codes.create_async({"promotion": promotion, "code": "SPRING"})
        one = await shop.subscription(ada, shop.pro, discounts=[{"promotion_code": code.id}])
        change = {"items": [{"id": one["items"].data[0].id, "price": shop.business}]}
        await v1.subscriptions.update_async(one.id, change)
        intent = {"amount": 900, "currency": "usd", "customer": ada, "confirm": True}
        paid = await v1.payment_intents.create_async({**intent, "payment_method": "pm_card_visa"})
        await v1.refunds.create_async({"payment_intent": paid.id, "amount": 300})
        disputed = {**intent, "payment_method": "pm_card_createDispute"}
        await v1.payment_intents.create_async(disputed)
        await v1.setup_intents.create_async({"customer": ada})
        meter = {"event_name": "images", "display_name": "Images"}
        await v1.billing.meters.create_async({**meter, "default_aggregation": {"formula": "sum"}})
        features = {"invoice_history": {"enabled": True}}
        await v1.billing_portal.configurations.create_async({"features": features})
        await v1.billing_portal.sessions.create_async({"customer": ada})
        items = [{"price": shop.pack, "quantity": 1}]
        session = {"mode": "payment", "line_items": items, "success_url": "https://shop.example/"}
        stripe.pay((await v1.checkout.sessions.create_async(session)).id)
        endpoint = {"url": "https://shop.example/hook", "enabled_events": ["coupon.created"]}
        await v1.webhook_endpoints.create_async(endpoint)

    play(scenario)
    assert {kind for kind in KINDS if stripe.objects(kind)} == KINDS


def test_answers_are_as_published(play: Play, call: Any) -> None:
    """Also what is not kept: previews, summaries, what was expanded, what was deleted."""

    async def scenario(v1: Any) -> list[str]:
        shop = await Shop(v1).open()
        ada = await shop.customer()
        one = await shop.subscription(ada, shop.pro, payment_behavior="default_incomplete")
        return [ada, one.id, one.latest_invoice]

    ada, one, invoice = play(scenario)
    expand = {"expand[0]": "latest_invoice.confirmation_secret", "expand[1]": "customer"}
    check(call("GET", f"/v1/subscriptions/{one}", expand).json())
    check(call("GET", f"/v1/invoices/{invoice}", {"expand[]": "payments"}).json())
    check(call("POST", "/v1/invoices/create_preview", {"subscription": one}).json())
    check(call("GET", f"/v1/customers/{ada}", {"expand[]": "subscriptions"}).json())
    for line in call("GET", f"/v1/invoices/{invoice}/lines").json()["data"]:
        check(line)


def published_ways() -> set[tuple[str, str]]:
    """Method and path of every call that the vendor's client can make; ``{}``: an id."""
    found = set()
    for source in Path(vendor.__file__).parent.rglob("*_service.py"):
        for method, path in re.findall(r'"(get|post|delete)",\s*"(/v1/[^"]*)"', source.read_text()):
            found.add((method.upper(), re.sub(r"\{\w+\}", "{}", path)))
    return found


def test_only_calls_and_parameters_that_are_published_are_spoken() -> None:
    known, spoken = published_ways(), []
    for method, path, shape in StripeDouble().api.operations():
        spoken.append((method, re.sub(r"\{\w+\}", "{}", path)))
        assert spoken[-1] in known
        assert shape.unpublished() == []
    assert len(spoken) == len(set(spoken)) > 100


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"created": None}, r"product\.created is None"),
        ({"active": 1}, r"product\.active is 1"),
        ({"created": True}, r"product\.created is True"),
        ({"colour": "red"}, r"product\.colour is not known"),
        ({"type": "gift"}, r"product\.type is 'gift'"),
        ({"images": [7]}, r"product\.images\[0\] is 7"),
        ({"object": "gadget"}, "There is no object 'gadget'"),
    ],
)
def test_a_shape_that_is_not_published_is_noticed(
    stripe: RunningStripe, play: Play, change: dict[str, Any], told: str
) -> None:
    play(lambda v1: v1.products.create_async({"name": "Pro"}))
    (product,) = stripe.objects("product")
    check(product)
    with pytest.raises(NotPublished, match=told):
        check({**product, **change})
    del product["name"]
    with pytest.raises(NotPublished, match=r"product\.name is missing"):
        check(product)
