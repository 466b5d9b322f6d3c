"""Subscriptions: how they begin and end, and when money is due for it."""

from __future__ import annotations

from typing import Any

import pytest
import stripe as vendor

from staging_core.testing.stripe import RunningStripe

from .conftest import HALF, Play, Shop, half_a_month, to, types

SAVES = {"payment_settings": {"save_default_payment_method": "on_subscription"}}


# --- the beginning --------------------------------------------------------------------------------


def test_elements_pay_the_first_invoice_with_its_client_secret(
    stripe: RunningStripe, play: Play
) -> None:
    async def scenario(v1: Any) -> str:
        shop = await Shop(v1).open()
        ada = await shop.customer(card=None)
        one = await shop.subscription(
            ada,
            shop.pro,
            payment_behavior="default_incomplete",
            expand=["latest_invoice.confirmation_secret"],
            **SAVES,
        )
        secret = one.latest_invoice.confirmation_secret.client_secret
        assert (one.status, one.latest_invoice.status) == ("incomplete", "open")
        intent = secret.split("_secret_")[0]
        card = {"payment_method": "pm_card_chargeDeclined"}
        with pytest.raises(vendor.CardError):
            await v1.payment_intents.confirm_async(intent, card)
        assert (await v1.subscriptions.retrieve_async(one.id)).status == "incomplete"
        await v1.payment_intents.confirm_async(intent, {"payment_method": "pm_card_visa"})
        paid = await v1.subscriptions.retrieve_async(one.id)
        (method,) = (await v1.customers.payment_methods.list_async(ada)).data
        assert (paid.status, paid.default_payment_method) == ("active", method.id)
        return str(one.id)

    one = play(scenario)
    assert types(stripe, one) == ["customer.subscription.created", "customer.subscription.updated"]


def test_each_item_has_its_period(play: Play) -> None:
    async def scenario(v1: Any) -> None:
        shop = await Shop(v1).open()
        clock = await shop.clock(1_801_375_200)  # the 31st of January, 2027
        ada = await shop.customer(test_clock=clock)
        one = await shop.subscription(ada, shop.pro)
        (item,) = one["items"].data
        assert item.current_period_start == 1_801_375_200
        assert item.current_period_end == 1_801_375_200 + 28 * 86_400  # the 28th of February
        assert "current_period_end" not in one
        await shop.advance(clock, item.current_period_end + 7200)
        (item,) = (await v1.subscriptions.retrieve_async(one.id))["items"].data
        assert item.current_period_end == 1_801_375_200 + 59 * 86_400  # the 31st of March

    play(scenario)


@pytest.mark.parametrize(
    ("behavior", "card", "status"),
    [
        ("allow_incomplete", "pm_card_visa", "active"),
        ("allow_incomplete", "pm_card_chargeCustomerFail", "incomplete"),
        ("allow_incomplete", None, "incomplete"),
        ("allow_incomplete", "pm_card_authenticationRequired", "incomplete"),
        ("default_incomplete", "pm_card_visa", "incomplete"),
        ("error_if_incomplete", "pm_card_visa", "active"),
        ("error_if_incomplete", "pm_card_chargeCustomerFail", vendor.CardError),
        ("error_if_incomplete", None, vendor.InvalidRequestError),
    ],
)
def test_a_first_payment_that_fails_does_what_was_asked_for(
    stripe: RunningStripe, play: Play, behavior: str, card: str | None, status: Any
) -> None:
    async def scenario(v1: Any) -> str:
        shop = await Shop(v1).open()
        ada = await shop.customer(card)
        return str((await shop.subscription(ada, shop.pro, payment_behavior=behavior)).status)

    if isinstance(status, str):
        assert play(scenario) == status
        return
    with pytest.raises(status):
        play(scenario)
    assert stripe.objects("subscription") == []
    assert stripe.truth("charge") == []


def test_what_is_not_paid_within_a_day_has_never_been(stripe: RunningStripe, play: Play) -> None:
    async def scenario(v1: Any) -> None:
        shop = await Shop(v1).open()
        one = await shop.subscription(await shop.customer(card=None), shop.pro)
        with pytest.raises(vendor.InvalidRequestError, match="before it is paid"):
            await v1.subscriptions.update_async(one.id, {"cancel_at_period_end": True})
        stripe.advance(24 * 3600)
        after = await v1.subscriptions.retrieve_async(one.id, {"expand": ["latest_invoice"]})
        assert (after.status, after.latest_invoice.status) == ("incomplete_expired", "void")

    play(scenario)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"customer": "cus_none"}, "No such customer"),
        ({"items": []}, "Missing required param: items"),
        ({"items": [{"price": "price_none"}]}, "No such price"),
        ({"items": [{"price": "inactive"}]}, "inactive"),
        ({"items": [{"price": "pack"}]}, "type=one_time"),
        ({"items": [{"price": "euro"}, {"price": "pro"}]}, "same currency"),
        ({"items": [{"price": "pro"}, {"price": "pro"}]}, "the same price"),
        ({"items": [{"price": "pro", "quantity": -1}]}, "non-negative"),
        ({"items": [{"price": "pro"}, {"price": "yearly"}]}, "does not speak"),
        ({"default_payment_method": "pm_none"}, "does not have a payment method"),
        ({"trial_period_days": 731}, "730 days"),
        ({"trial_end": 1_700_000_000}, "in the future"),
        ({"payment_behavior": "pending_if_incomplete"}, "for updates"),
        ({"automatic_tax": {"enabled": True}}, "location isn't recognized"),
        ({"discounts": [{"coupon": "none"}]}, "No such coupon"),
    ],
)
def test_what_cannot_be_subscribed_to_is_refused(
    stripe: RunningStripe, play: Play, changes: dict[str, Any], told: str
) -> None:
    async def scenario(v1: Any) -> None:
        shop = await Shop(v1).open()
        names = {"pro": shop.pro, "pack": shop.pack, "inactive": await shop.price(100)}
        await v1.prices.update_async(names["inactive"], {"active": False})
        names["euro"] = await shop.price(2500, currency="eur")
        names["yearly"] = await shop.price(29_000, interval="year")
        given = {"customer": await shop.customer(), "items": [{"price": "pro"}], **changes}
        given["items"] = [
            {**one, "price": names.get(one["price"], one["price"])} for one in given["items"]
        ]
        with pytest.raises(vendor.StripeError, match=told):
            await v1.subscriptions.create_async(given)

    play(scenario)
    assert stripe.objects("subscription") == []


def test_tax_is_computed_where_the_customer_is(play: Play) -> None:
    async def scenario(v1: Any) -> None:
        shop = await Shop(v1).open()
        ada = await shop.customer(address={"country": "DE", "postal_code": "10115"})
        one = await shop.subscription(ada, shop.pro, automatic_tax={"enabled": True})
        invoice = await v1.invoices.retrieve_async(one.latest_invoice)
        assert invoice.automatic_tax.status == "complete"

    play(scenario)


# --- the end --------------------------------------------------------------------------------------


def test_cancelled_at_the_period_end_and_taken_back(stripe: RunningStripe, play: Play) -> None:
    async def scenario(v1: Any) -> str:
        shop, one = await half_a_month(v1)
        end = one["items"].data[0].current_period_end
        ending = await v1.subscriptions.update_async(one.id, {"cancel_at_period_end": True})
        assert (ending.status, ending.cancel_at, ending.canceled_at) == ("active", end, HALF)
        kept = await v1.subscriptions.update_async(one.id, {"cancel_at_period_end": False})
        assert (kept.cancel_at, kept.canceled_at) == (None, None)
        await v1.subscriptions.update_async(one.id, {"cancel_at_period_end": True})
        await shop.advance(one.test_clock, end + 7200)
        ended = await v1.subscriptions.retrieve_async(one.id)
        assert (ended.status, ended.ended_at) == ("canceled", end)
        assert ended.cancellation_details.reason == "cancellation_requested"
        return str(one.id)

    one = play(scenario)
    assert types(stripe, one)[-1] == "customer.subscription.deleted"
    assert len(stripe.truth("charge")) == 1


@pytest.mark.parametrize("wish", [HALF + 86_400, "min_period_end"])
def test_an_end_may_be_named(play: Play, wish: Any) -> None:
    async def scenario(v1: Any) -> None:
        shop, one = await half_a_month(v1)
        end = one["items"].data[0].current_period_end if isinstance(wish, str) else wish
        ending = await v1.subscriptions.update_async(one.id, {"cancel_at": wish})
        assert (ending.cancel_at, ending.cancel_at_period_end) == (end, False)
        by_flag = await v1.subscriptions.update_async(one.id, {"cancel_at_period_end": False})
        assert by_flag.cancel_at == end  # the flag takes back only what the flag had set
        going = await v1.subscriptions.update_async(one.id, {"cancel_at": ""})
        assert (going.cancel_at, going.canceled_at) == (None, None)
        await v1.subscriptions.update_async(one.id, {"cancel_at": wish})
        await shop.advance(one.test_clock, end + 60)
        ended = await v1.subscriptions.retrieve_async(one.id)
        assert (ended.status, ended.ended_at) == ("canceled", end)

    play(scenario)


def test_what_has_ended_stays_ended(play: Play) -> None:
    async def scenario(v1: Any) -> None:
        shop, one = await half_a_month(v1)
        ended = await v1.subscriptions.cancel_async(one.id, {"prorate": True})
        assert (ended.status, ended.ended_at) == ("canceled", HALF)
        (credit,) = (await v1.invoice_items.list_async()).data
        assert credit.amount == -1450
        with pytest.raises(vendor.InvalidRequestError, match="No such subscription"):
            await v1.subscriptions.cancel_async(one.id)
        with pytest.raises(vendor.InvalidRequestError, match="A canceled subscription"):
            await v1.subscriptions.update_async(one.id, to(one, shop.business))
        kept = await v1.subscriptions.update_async(one.id, {"metadata": {"why": "moved"}})
        assert kept.metadata["why"] == "moved"
        assert (await v1.subscriptions.list_async()).data == []
        every = await v1.subscriptions.list_async({"status": "all", "customer": one.customer})
        assert [each.id for each in every.data] == [one.id]

    play(scenario)
