"""Checkout and the portal: pages that a customer fills in, by HTTP or by a test's word."""

from __future__ import annotations

from typing import Any

import pytest
import stripe as vendor

from staging_core.testing.stripe import RunningStripe

from .conftest import Play, Shop, types, visit

BACK = "https://shop.example/back?session={CHECKOUT_SESSION_ID}"


async def session(v1: Any, mode: str, price: str | None, **more: Any) -> Any:
    """A checkout of one price."""
    params: dict[str, Any] = {"mode": mode, "success_url": BACK, **more}
    if price:
        params["line_items"] = [{"price": price, "quantity": 1}]
    return await v1.checkout.sessions.create_async(params)


def test_a_customer_subscribes_on_the_page(stripe: RunningStripe, play: Play) -> None:
    async def scenario(v1: Any) -> None:
        shop = await Shop(v1).open()
        ada = await shop.customer(card=None)
        data = {"metadata": {"account": "7"}}
        open = await session(v1, "subscription", shop.pro, customer=ada, subscription_data=data)
        assert (open.status, open.payment_status, open.subscription) == ("open", "unpaid", None)
        assert "29.00 USD" in visit(open.url).text
        declined = visit(open.url, {"payment_method": "pm_card_chargeDeclined"})
        assert declined.status_code == 402
        assert stripe.objects("subscription") == []
        paid = visit(open.url, {"payment_method": "pm_card_visa"})
        assert paid.status_code == 303
        assert paid.headers["location"] == BACK.replace("{CHECKOUT_SESSION_ID}", open.id)
        assert visit(open.url).status_code == 404
        done = await v1.checkout.sessions.retrieve_async(open.id, {"expand": ["subscription"]})
        assert (done.status, done.payment_status) == ("complete", "paid")
        assert (done.subscription.status, done.subscription.metadata["account"]) == ("active", "7")
        assert done.subscription.default_payment_method.startswith("pm_")

    play(scenario)
    assert types(stripe)[-1] == "checkout.session.completed"
    assert [one["amount"] for one in stripe.truth("charge")] == [2900]


def test_a_pack_is_bought_once(stripe: RunningStripe, play: Play) -> None:
    async def scenario(v1: Any) -> None:
        shop = await Shop(v1).open()
        ada = await shop.customer(card=None)
        data = {"metadata": {"credits": "100"}}
        open = await session(v1, "payment", shop.pack, customer=ada, payment_intent_data=data)
        assert stripe.pay(open.id)["payment_status"] == "paid"
        with pytest.raises(ValueError, match="complete"):
            stripe.pay(open.id)
        done = await v1.checkout.sessions.retrieve_async(
            open.id, {"expand": ["line_items", "payment_intent.latest_charge"]}
        )
        assert [(line.quantity, line.price.id) for line in done.line_items.data] == [(1, shop.pack)]
        assert done.payment_intent.metadata["credits"] == "100"
        assert done.payment_intent.latest_charge.amount == 1000
        listed = await v1.checkout.sessions.line_items.list_async(open.id)
        assert [line.amount_total for line in listed.data] == [1000]

    play(scenario)
    assert len(stripe.truth("charge")) == 1


def test_a_method_is_saved_without_paying(stripe: RunningStripe, play: Play) -> None:
    async def scenario(v1: Any) -> None:
        ada = await Shop(v1).customer(card=None)
        open = await session(v1, "setup", None, customer=ada, currency="usd")
        assert stripe.pay(open.id)["status"] == "complete"
        assert len((await v1.customers.payment_methods.list_async(ada)).data) == 1

    play(scenario)
    assert stripe.truth("charge") == []


def test_a_stranger_becomes_a_customer_where_that_is_needed(
    stripe: RunningStripe, play: Play
) -> None:
    async def scenario(v1: Any) -> None:
        shop = await Shop(v1).open()
        subscribes = await session(v1, "subscription", shop.pro)
        buys = await session(v1, "payment", shop.pack)
        customer = stripe.pay(subscribes.id, email="eve@example.com")["customer"]
        assert (await v1.customers.retrieve_async(customer)).email == "eve@example.com"
        paid = stripe.pay(buys.id, email="mal@example.com")
        assert (paid["customer"], paid["customer_details"]["email"]) == (None, "mal@example.com")

    play(scenario)


def test_a_trial_a_code_and_a_card_that_asks_its_holder(stripe: RunningStripe, play: Play) -> None:
    async def scenario(v1: Any) -> None:
        shop = await Shop(v1).open()
        coupon = await v1.coupons.create_async({"percent_off": 50, "duration": "once"})
        promotion = {"type": "coupon", "coupon": coupon.id}
        await v1.promotion_codes.create_async({"promotion": promotion, "code": "HALF"})
        half = await session(v1, "subscription", shop.pro, allow_promotion_codes=True)
        with pytest.raises(ValueError, match="This code is invalid"):
            stripe.pay(half.id, promotion_code="NONE")
        asks = "pm_card_authenticationRequired"
        assert stripe.pay(half.id, asks, promotion_code="half")["amount_total"] == 1450
        trial = {"trial_period_days": 14}
        tries = await session(v1, "subscription", shop.pro, subscription_data=trial)
        paid = stripe.pay(tries.id)
        assert paid["payment_status"] == "no_payment_required"
        one = await v1.subscriptions.retrieve_async(paid["subscription"])
        assert one.status == "trialing"

    play(scenario)
    assert [one["amount"] for one in stripe.truth("charge")] == [1450]


def test_a_page_of_the_merchants_own_has_a_client_secret(play: Play) -> None:
    async def scenario(v1: Any) -> None:
        shop = await Shop(v1).open()
        items = {"line_items": [{"price": shop.pack, "quantity": 1}]}
        own = {"mode": "payment", "ui_mode": "elements", "return_url": "https://shop.example/"}
        made = await v1.checkout.sessions.create_async({**own, **items})
        assert (made.url, made.client_secret.startswith(made.id)) == (None, True)
        with pytest.raises(vendor.InvalidRequestError, match="return_url"):
            await v1.checkout.sessions.create_async(
                {"mode": "payment", "ui_mode": "elements", **items}
            )

    play(scenario)


def test_a_session_is_over_after_a_day_or_when_it_is_expired(
    stripe: RunningStripe, play: Play
) -> None:
    async def scenario(v1: Any) -> None:
        shop = await Shop(v1).open()
        first, second = [await session(v1, "payment", shop.pack) for _ in range(2)]
        assert (await v1.checkout.sessions.expire_async(first.id)).status == "expired"
        with pytest.raises(vendor.InvalidRequestError, match="can be expired"):
            await v1.checkout.sessions.expire_async(first.id)
        stripe.advance(86_401)
        assert (await v1.checkout.sessions.retrieve_async(second.id)).status == "expired"
        with pytest.raises(ValueError, match="expired"):
            stripe.pay(second.id)

    play(scenario)
    assert types(stripe).count("checkout.session.expired") == 2


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"mode": "subscription", "line_items": [{"price": "pack", "quantity": 1}]}, "recurring"),
        ({"mode": "payment", "line_items": [{"price": "pro", "quantity": 1}]}, "recurring price"),
        ({"line_items": []}, "Missing required param: line_items"),
        ({"line_items": [{"price": "pack"}]}, "Missing required param"),
        ({"line_items": [{"price": "price_none", "quantity": 1}]}, "No such price"),
        ({"line_items": [{"price": "cheap", "quantity": 1}]}, "at least 50"),
        ({"customer": "cus_none"}, "No such customer"),
        ({"expires_at": 1}, "expires_at"),
        ({"subscription_data": {"trial_period_days": 7}}, "subscription_data"),
        ({"discounts": [{"coupon": "none"}]}, "No such coupon"),
    ],
)
def test_a_checkout_that_cannot_be_is_refused(
    stripe: RunningStripe, play: Play, changes: dict[str, Any], told: str
) -> None:
    async def scenario(v1: Any) -> None:
        shop = await Shop(v1).open()
        names = {"pro": shop.pro, "pack": shop.pack, "cheap": await shop.price(49, interval=None)}
        given = {"mode": "payment", "success_url": BACK, **changes}
        given.setdefault("line_items", [{"price": "pack", "quantity": 1}])
        given["line_items"] = [
            {**one, "price": names.get(one["price"], one["price"])} for one in given["line_items"]
        ]
        with pytest.raises(vendor.InvalidRequestError, match=told):
            await v1.checkout.sessions.create_async(given)

    play(scenario)
    assert stripe.objects("checkout.session") == []


# --- the portal -----------------------------------------------------------------------------------


async def portal(v1: Any, shop: Shop, ada: str) -> Any:
    """A session of the portal that offers everything."""
    product = (await v1.prices.retrieve_async(shop.business)).product
    features = {
        "invoice_history": {"enabled": True},
        "payment_method_update": {"enabled": True},
        "subscription_cancel": {"enabled": True, "mode": "at_period_end"},
        "subscription_update": {
            "enabled": True,
            "default_allowed_updates": ["price"],
            "products": [{"product": product, "prices": [shop.business]}],
            "proration_behavior": "always_invoice",
        },
    }
    await v1.billing_portal.configurations.create_async({"features": features})
    return await v1.billing_portal.sessions.create_async(
        {"customer": ada, "return_url": "https://shop.example/account"}
    )


def test_a_customer_looks_after_their_subscription_in_the_portal(
    stripe: RunningStripe, play: Play
) -> None:
    async def scenario(v1: Any) -> None:
        shop = await Shop(v1).open()
        ada = await shop.customer()
        one = await shop.subscription(ada, shop.pro)
        open = await portal(v1, shop, ada)
        assert one.id in visit(open.url).text
        switched = stripe.portal(open.id, "switch", subscription=one.id, price=shop.business)
        assert switched["items"]["data"][0]["price"]["id"] == shop.business
        form = {"deed": "cancel", "subscription": one.id}
        assert visit(open.url, form).status_code == 200
        ending = await v1.subscriptions.retrieve_async(one.id)
        period_end = ending["items"].data[0].current_period_end
        assert (ending.cancel_at, ending.cancel_at_period_end) == (period_end, False)
        kept = stripe.portal(open.id, "keep", subscription=one.id)
        assert (kept["cancel_at"], kept["cancel_at_period_end"]) == (None, False)
        method = stripe.portal(open.id, "method", payment_method="pm_card_amex")
        customer = await v1.customers.retrieve_async(ada)
        assert customer.invoice_settings.default_payment_method == method["id"]

    play(scenario)


def test_the_portal_offers_what_it_is_configured_for_and_only_ones_own(
    stripe: RunningStripe, play: Play
) -> None:
    async def scenario(v1: Any) -> None:
        shop = await Shop(v1).open()
        ada, bob = await shop.customer(), await shop.customer()
        with pytest.raises(vendor.InvalidRequestError, match="No configuration"):
            await v1.billing_portal.sessions.create_async({"customer": ada})
        others = await shop.subscription(bob, shop.pro)
        open = await portal(v1, shop, ada)
        with pytest.raises(ValueError, match="another customer"):
            stripe.portal(open.id, "cancel", subscription=others.id)
        own = await shop.subscription(ada, shop.pro)
        with pytest.raises(ValueError, match="does not offer"):
            stripe.portal(open.id, "switch", subscription=own.id, price=shop.pro)
        features = {"subscription_cancel": {"enabled": False}}
        await v1.billing_portal.configurations.update_async(
            open.configuration, {"features": features}
        )
        with pytest.raises(ValueError, match="does not offer"):
            stripe.portal(open.id, "cancel", subscription=own.id)

    play(scenario)
