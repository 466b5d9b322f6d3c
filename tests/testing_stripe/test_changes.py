"""Subscriptions that change: what is billed when, and what waits for its payment."""

from __future__ import annotations

from typing import Any

import pytest
import stripe as vendor

from staging_core.testing.stripe import RunningStripe

from .conftest import HALF, Play, Shop, half_a_month, to, types

SAVES = {"payment_settings": {"save_default_payment_method": "on_subscription"}}


def test_an_upgrade_is_billed_at_once_for_the_rest_of_the_month(play: Play) -> None:
    async def scenario(v1: Any) -> None:
        shop, one = await half_a_month(v1)
        change = to(one, shop.business, proration_behavior="always_invoice")
        after = await v1.subscriptions.update_async(
            one.id, {**change, "expand": ["latest_invoice"]}
        )
        lines = [(line.amount, line.parent.subscription_item_details.proration)
                 for line in after.latest_invoice.lines.data]  # fmt: skip
        assert lines == [(-1450, True), (4950, True)]
        assert (after.latest_invoice.amount_paid, after.latest_invoice.status) == (3500, "paid")
        assert after["items"].data[0].price.id == shop.business
        before, now = (each["items"].data[0].current_period_end for each in (one, after))
        assert before == now

    play(scenario)


@pytest.mark.parametrize(("duration", "paid"), [("once", 9900 - 1450), ("forever", 4950 - 1450)])
def test_what_a_coupon_took_off_is_not_given_back(play: Play, duration: str, paid: int) -> None:
    """A credit goes by what was debited for the item, with the discounts of that time."""

    async def scenario(v1: Any) -> None:
        shop = await Shop(v1).open()
        coupon = await v1.coupons.create_async({"percent_off": 50, "duration": duration})
        new = {"discounts": [{"coupon": coupon.id}]}
        one = await shop.subscription(await shop.customer(), shop.pro, **new)
        start = one["items"].data[0].current_period_start
        change = to(one, shop.business, proration_behavior="always_invoice", proration_date=start)
        after = await v1.subscriptions.update_async(
            one.id, {**change, "expand": ["latest_invoice"]}
        )
        assert after.latest_invoice.amount_paid == paid

    play(scenario)


def test_prorations_wait_for_the_next_invoice_by_default(play: Play) -> None:
    async def scenario(v1: Any) -> None:
        shop, one = await half_a_month(v1)
        after = await v1.subscriptions.update_async(one.id, to(one, shop.business))
        assert after.latest_invoice == one.latest_invoice
        waiting = (await v1.invoice_items.list_async({"customer": one.customer})).data
        assert sorted(item.amount for item in waiting) == [-1450, 4950]
        await shop.advance(one.test_clock, after["items"].data[0].current_period_end + 7200)
        (renewal, _) = (await v1.invoices.list_async({"subscription": one.id})).data
        assert renewal.amount_paid == -1450 + 4950 + 9900
        waiting = (await v1.invoice_items.list_async({"customer": one.customer})).data
        assert {item.invoice for item in waiting} == {renewal.id}

    play(scenario)


def test_a_downgrade_leaves_a_credit_that_pays_what_comes_next(
    stripe: RunningStripe, play: Play
) -> None:
    async def scenario(v1: Any) -> None:
        shop, one = await half_a_month(v1)
        up = to(one, shop.business, proration_behavior="always_invoice")
        await v1.subscriptions.update_async(one.id, up)
        down = to(one, shop.pro, proration_behavior="always_invoice")
        after = await v1.subscriptions.update_async(one.id, {**down, "expand": ["latest_invoice"]})
        invoice = after.latest_invoice
        assert (invoice.total, invoice.amount_due, invoice.status) == (-3500, 0, "paid")
        assert (await v1.customers.retrieve_async(one.customer)).balance == -3500
        await shop.advance(one.test_clock, after["items"].data[0].current_period_end + 7200)
        renewal = (await v1.invoices.list_async({"subscription": one.id})).data[0]
        assert (renewal.total, renewal.amount_due) == (2900, 0)
        assert (renewal.starting_balance, renewal.ending_balance) == (-3500, -600)

    play(scenario)
    assert [one["change"] for one in stripe.truth("balance")] == [-3500, 2900]


def test_no_proration_changes_only_what_comes_next(play: Play) -> None:
    async def scenario(v1: Any) -> None:
        shop, one = await half_a_month(v1)
        change = to(one, shop.business, proration_behavior="none")
        await v1.subscriptions.update_async(one.id, change)
        assert (await v1.invoice_items.list_async()).data == []

    play(scenario)


def test_another_interval_begins_a_new_period_now(play: Play) -> None:
    async def scenario(v1: Any) -> None:
        shop, one = await half_a_month(v1)
        yearly = await shop.price(29_000, interval="year")
        after = await v1.subscriptions.update_async(
            one.id, to(one, yearly, expand=["latest_invoice"])
        )
        assert after["items"].data[0].current_period_start == HALF
        assert after.latest_invoice.amount_paid == 29_000 - 1450

    play(scenario)


def test_a_period_may_begin_anew_without_another_change(play: Play) -> None:
    async def scenario(v1: Any) -> None:
        _, one = await half_a_month(v1)
        anew = {"billing_cycle_anchor": {"type": "now"}, "expand": ["latest_invoice"]}
        after = await v1.subscriptions.update_async(one.id, anew)
        assert after["items"].data[0].current_period_start == HALF
        assert after.latest_invoice.amount_paid == 2900 - 1450

    play(scenario)


def test_an_item_without_its_id_is_one_more(play: Play) -> None:
    async def scenario(v1: Any) -> None:
        shop, one = await half_a_month(v1)
        added = await v1.subscriptions.update_async(one.id, {"items": [{"price": shop.business}]})
        assert [item.price.id for item in added["items"].data] == [shop.pro, shop.business]
        removal = {"items": [{"id": added["items"].data[0].id, "deleted": True}]}
        left = await v1.subscriptions.update_async(one.id, removal)
        assert [item.price.id for item in left["items"].data] == [shop.business]
        removal = {"items": [{"id": left["items"].data[0].id, "deleted": True}]}
        with pytest.raises(vendor.InvalidRequestError, match="at least one active plan"):
            await v1.subscriptions.update_async(one.id, removal)

    play(scenario)


async def declining(v1: Any, one: Any) -> None:
    """From now on the customer's card declines."""
    fails = "pm_card_chargeCustomerFail"
    method = await v1.payment_methods.attach_async(fails, {"customer": one.customer})
    default = {"invoice_settings": {"default_payment_method": method.id}}
    await v1.customers.update_async(one.customer, default)


def test_an_upgrade_that_waits_for_its_payment_changes_nothing_before(
    stripe: RunningStripe, play: Play
) -> None:
    async def scenario(v1: Any) -> str:
        shop, one = await half_a_month(v1)
        await declining(v1, one)
        up = to(one, shop.business, proration_behavior="always_invoice")
        up["payment_behavior"] = "pending_if_incomplete"
        with pytest.raises(vendor.InvalidRequestError) as told:
            await v1.subscriptions.update_async(one.id, {**up, "metadata": {"a": "b"}})
        assert told.value.param == "metadata"
        waits = await v1.subscriptions.update_async(one.id, up)
        assert (waits.status, waits["items"].data[0].price.id) == ("active", shop.pro)
        assert waits.pending_update.subscription_items[0].price.id == shop.business
        await v1.invoices.pay_async(waits.latest_invoice, {"payment_method": "pm_card_visa"})
        paid = await v1.subscriptions.retrieve_async(one.id)
        assert (paid.pending_update, paid["items"].data[0].price.id) == (None, shop.business)
        return str(one.id)

    assert "customer.subscription.pending_update_applied" in types(stripe, play(scenario))


def test_an_upgrade_that_is_never_paid_is_dropped_after_a_day(
    stripe: RunningStripe, play: Play
) -> None:
    async def scenario(v1: Any) -> str:
        shop, one = await half_a_month(v1)
        await declining(v1, one)
        up = to(one, shop.business, proration_behavior="always_invoice")
        up["payment_behavior"] = "pending_if_incomplete"
        waits = await v1.subscriptions.update_async(one.id, up)
        await shop.advance(one.test_clock, HALF + 24 * 3600)
        after = await v1.subscriptions.retrieve_async(one.id)
        assert (after.pending_update, after["items"].data[0].price.id) == (None, shop.pro)
        assert (await v1.invoices.retrieve_async(waits.latest_invoice)).status == "void"
        return str(one.id)

    assert "customer.subscription.pending_update_expired" in types(stripe, play(scenario))


def test_an_upgrade_may_wait_be_an_error_or_leave_the_customer_past_due(play: Play) -> None:
    async def scenario(v1: Any) -> None:
        shop, one = await half_a_month(v1)
        await declining(v1, one)
        up = to(one, shop.business, proration_behavior="always_invoice")
        behavior = {"payment_behavior": "error_if_incomplete"}
        with pytest.raises(vendor.CardError):
            await v1.subscriptions.update_async(one.id, {**up, **behavior})
        same = await v1.subscriptions.retrieve_async(one.id)
        assert (same.status, same["items"].data[0].price.id) == ("active", shop.pro)
        late = await v1.subscriptions.update_async(one.id, up)
        assert (late.status, late["items"].data[0].price.id) == ("past_due", shop.business)
        await v1.invoices.pay_async(late.latest_invoice, {"payment_method": "pm_card_visa"})
        assert (await v1.subscriptions.retrieve_async(one.id)).status == "active"

    play(scenario)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"default_payment_method": "pm_none"}, "does not have a payment method"),
        ({"trial_end": 1_700_000_000}, "in the future"),
        ({"discounts": [{"coupon": "none"}]}, "No such coupon"),
        ({"cancel_at": HALF + 60, "cancel_at_period_end": True}, "only specify one"),
        ({"items": [{"id": "si_none", "price": "price_none"}]}, "No such subscription item"),
        ({"items": [{"price": "price_none"}]}, "No such price"),
        (
            {"proration_date": 1, "billing_cycle_anchor": {"type": "now"}},
            "within the current period",
        ),
        ({"payment_behavior": "pending_if_incomplete", "trial_end": "now"}, "does not speak"),
    ],
)
def test_a_change_that_is_refused_changes_nothing(
    stripe: RunningStripe, play: Play, changes: dict[str, Any], told: str
) -> None:
    async def scenario(v1: Any) -> None:
        _, one = await half_a_month(v1)
        before = stripe.objects("subscription"), types(stripe)
        with pytest.raises(vendor.StripeError, match=told):
            await v1.subscriptions.update_async(one.id, {"description": "another", **changes})
        assert (stripe.objects("subscription"), types(stripe)) == before

    play(scenario)


@pytest.mark.parametrize("more", [{"deleted": True}, {"metadata": {"a": "b"}}])
def test_a_change_that_waits_for_its_payment_has_prices_and_quantities_only(
    play: Play, more: dict[str, Any]
) -> None:
    async def scenario(v1: Any) -> None:
        _, one = await half_a_month(v1)
        items = [{"id": one["items"].data[0].id, **more}]
        asked = {"items": items, "payment_behavior": "pending_if_incomplete"}
        with pytest.raises(vendor.InvalidRequestError, match="may fail"):
            await v1.subscriptions.update_async(one.id, asked)

    play(scenario)
