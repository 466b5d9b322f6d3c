"""Ways to pay, bills, what is charged afterwards, and the catalogue."""

from __future__ import annotations

import asyncio

import pytest

from staging_core.errors import NotFound, PaymentRefused, PaymentsUnavailable

from .conftest import Play, Shop, plan

DAY = 86_400


# --- ways to pay ---------------------------------------------------------------------------------


def test_ways_to_pay_are_listed_the_default_one_first(play: Play) -> None:
    async def scenario(shop: Shop) -> None:
        ada = await shop.customer()
        await shop.v1.payment_methods.attach_async("pm_card_mastercard", {"customer": ada})
        first, second = await shop.billing.payment_methods(ada)
        assert (first.is_default, second.is_default) == (True, False)
        assert first.card is not None
        assert (first.type, first.card.brand, first.card.last4) == ("card", "visa", "4242")
        assert second.card is not None
        assert second.card.brand == "mastercard"

    play(scenario)


def test_the_one_that_is_chosen_pays_the_next_bill_of_a_checkouts_plan_too(play: Play) -> None:
    async def scenario(shop: Shop) -> None:
        ada, pro = await shop.customer(card=None), await shop.offer()
        await shop.subscribed(ada, pro)
        [visa] = await shop.billing.payment_methods(ada)
        assert visa.is_default
        new = await shop.v1.payment_methods.attach_async("pm_card_mastercard", {"customer": ada})
        await shop.billing.choose_payment_method(ada, new.id)
        shown = await shop.billing.payment_methods(ada)
        assert [(one.id, one.is_default) for one in shown] == [(new.id, True), (visa.id, False)]
        shop.stripe.advance(31 * DAY + 7200)
        assert shop.stripe.objects("charge")[-1]["payment_method"] == new.id

    play(scenario)


def test_another_customers_way_to_pay_is_not_found(play: Play) -> None:
    async def scenario(shop: Shop) -> None:
        ada, bob = await shop.customer(), await shop.customer("acc_bob")
        [theirs] = await shop.billing.payment_methods(bob)
        for id in (theirs.id, "pm_none", "", "../../refunds", "pm_none?expand=x"):
            with pytest.raises(NotFound):
                await shop.billing.choose_payment_method(ada, id)
            with pytest.raises(NotFound):
                await shop.billing.remove_payment_method(ada, id)
        assert await shop.billing.payment_methods(bob) == [theirs]

    play(scenario)


def test_a_way_to_pay_that_was_removed_is_gone(play: Play) -> None:
    async def scenario(shop: Shop) -> None:
        ada = await shop.customer()
        [visa] = await shop.billing.payment_methods(ada)
        await shop.billing.remove_payment_method(ada, visa.id)
        assert await shop.billing.payment_methods(ada) == []
        with pytest.raises(NotFound):
            await shop.billing.remove_payment_method(ada, visa.id)

    play(scenario)


# --- bills ---------------------------------------------------------------------------------------


def test_bills_are_listed_newest_first_without_drafts(play: Play) -> None:
    async def scenario(shop: Shop) -> None:
        ada = await shop.customer()
        pro, business = await shop.offer(), await shop.offer("business", 9900)
        one = await shop.subscribed(ada, pro)
        await shop.billing.switch(one, business, key="up")
        shop.stripe.advance(31 * DAY)  # a renewal's bill is a draft for an hour
        bills = await shop.billing.invoices(ada, limit=10, offset=0)
        drafts = [one for one in shop.stripe.objects("invoice") if one["status"] == "draft"]
        assert len(bills) == len(shop.stripe.objects("invoice")) - len(drafts)
        assert [bill.amount_paid for bill in bills][-1] == 2900
        newest = bills[0]
        assert newest.status == "paid"
        assert newest.number
        assert newest.hosted_url
        assert newest.pdf_url
        assert (newest.subscription_id, newest.currency) == (one, "usd")
        assert await shop.billing.invoices(ada, limit=1, offset=1) == [bills[1]]
        assert await shop.billing.invoices(ada, limit=5, offset=99) == []

    play(scenario)


# --- the end of it all ---------------------------------------------------------------------------


def test_at_the_end_images_beyond_the_plan_are_billed_and_no_page_can_be_paid(play: Play) -> None:
    async def scenario(shop: Shop) -> None:
        ada, ben = await shop.customer(), await shop.customer("acc_ben")
        overage = await shop.billing.publish(plan(amount=40, overage=True))
        offer, pack = await shop.offer(overage_price_id=overage), await shop.pack()
        await shop.subscribed(ada, offer)
        start = shop.stripe.objects("subscription")[0]["items"]["data"][0]["current_period_start"]
        await shop.billing.meter(ada, 3, at=start + 1.5, key="images")
        trial = await shop.offer(trial_days=14)
        for key, one in (("incomplete", offer), ("trial", trial)):
            await shop.billing.subscribe(ada, one, purchase_id=key, key=key)
        page, theirs = (
            await shop.checkout(ada, pack, "pur_2"),
            await shop.checkout(ben, pack, "pur_3"),
        )
        for _ in range(2):
            await shop.billing.end_payments(ada)
        states = [one["status"] for one in shop.stripe.objects("subscription")]
        assert len(states) == 3
        assert set(states) <= {"canceled", "incomplete_expired"}
        shop.stripe.advance(7200)
        [last] = [one for one in shop.stripe.objects("invoice") if one["amount_due"] == 3 * 40]
        assert last["status"] == "paid"
        with pytest.raises(ValueError, match="expired"):
            shop.stripe.pay(page)
        shop.stripe.pay(theirs)
        shop.stripe.advance(62 * DAY)
        assert len(shop.stripe.truth("charge")) == 3

    play(scenario)


def test_a_page_that_was_paid_meanwhile_ends_with_the_rest(play: Play) -> None:
    async def scenario(shop: Shop) -> None:
        ada = await shop.customer()
        page = await shop.checkout(ada, await shop.offer())
        shop.stripe.chaos(next=[{"fault": "error_before", "on": f"POST /*/{page}/expire"}] * 3)
        with pytest.raises(PaymentsUnavailable):
            await shop.billing.end_payments(ada)
        shop.stripe.pay(page)
        await shop.billing.end_payments(ada)
        [one] = shop.stripe.objects("subscription")
        assert one["status"] == "canceled"

    play(scenario)


# --- what is charged afterwards ------------------------------------------------------------------


def test_images_beyond_the_plan_are_charged_with_the_next_bill(play: Play) -> None:
    async def scenario(shop: Shop) -> None:
        ada = await shop.customer()
        overage = await shop.billing.publish(plan(amount=40, overage=True))
        one = await shop.subscribed(ada, await shop.offer(overage_price_id=overage))
        seen = shop.stripe.objects("subscription")[0]
        start = seen["items"]["data"][0]["current_period_start"]
        await shop.billing.meter(ada, 3, at=start + 1.5, key="image 1")
        await shop.billing.meter(ada, 2, at=start + 2, key="image 2")
        shop.stripe.advance(31 * DAY + 7200)
        newest = (await shop.billing.invoices(ada, limit=1, offset=0))[0]
        assert newest.amount_due == 2900 + 5 * 40
        assert newest.subscription_id == one

    play(scenario)


def test_one_key_counts_once_also_when_the_answer_is_lost(play: Play) -> None:
    async def scenario(shop: Shop) -> None:
        ada = await shop.customer()
        await shop.billing.publish(plan(amount=40, overage=True))
        at = shop.stripe.objects("billing.meter")[0]["created"]
        for _ in range(2):
            await shop.billing.meter(ada, 1, at=at, key="image 1")
        for fault in ("lost_answer", "error_after"):
            faults = [{"fault": fault, "on": "POST /v1/billing/meter_events"}] * 3
            shop.stripe.chaos(next=faults)
            try:
                await shop.billing.meter(ada, 1, at=at, key=fault)
            except PaymentsUnavailable:
                shop.stripe.chaos(next=[])
                await shop.billing.meter(ada, 1, at=at, key=fault)
        assert len(shop.stripe.truth("meter_event")) == 3
        minute = at - at % 60
        assert await shop.billing.metered(ada, since=minute, until=minute + 60) == 3
        assert await shop.billing.metered(ada, since=minute - 600, until=minute) == 0
        assert await shop.billing.metered(ada, since=minute, until=minute) == 0

    play(scenario)


def test_what_stripe_does_not_count_is_refused(play: Play) -> None:
    async def scenario(shop: Shop) -> None:
        ada = await shop.customer()
        with pytest.raises(PaymentRefused, match="publish the plans"):
            await shop.billing.meter(ada, 1, at=0, key="no meter")
        assert await shop.billing.metered(ada, since=0, until=60) == 0
        await shop.billing.publish(plan(amount=40, overage=True))
        now = shop.stripe.objects("billing.meter")[0]["created"]
        for customer, at in (("cus_nobody", now), (ada, now - 36 * DAY), (ada, now + DAY)):
            with pytest.raises(PaymentRefused):
                await shop.billing.meter(customer, 1, at=at, key=f"{customer} {at}")
        assert shop.stripe.truth("meter_event") == []

    play(scenario)


# --- the catalogue -------------------------------------------------------------------------------


def test_publishing_twice_is_publishing_once(play: Play) -> None:
    async def scenario(shop: Shop) -> None:
        both = await asyncio.gather(*(shop.billing.publish(plan()) for _ in range(4)))
        assert len({*both, await shop.billing.publish(plan())}) == 1
        overage = plan(amount=40, overage=True)
        meters = await asyncio.gather(*(shop.billing.publish(overage) for _ in range(4)))
        assert len(set(meters)) == 1
        ids = [one["id"] for one in shop.stripe.objects("product")]
        assert ids == ["staging_plan_pro", "staging_plan_pro_overage"]
        assert len(shop.stripe.objects("price")) == 2
        assert len(shop.stripe.objects("billing.meter")) == 1

    play(scenario)


def test_another_amount_or_currency_is_another_price_of_the_same_product(play: Play) -> None:
    async def scenario(shop: Shop) -> None:
        ids = [
            await shop.billing.publish(plan(amount=amount, currency=currency))
            for amount, currency in ((2900, "usd"), (3900, "usd"), (2900, "eur"))
        ]
        assert len(set(ids)) == 3
        prices = shop.stripe.objects("price")
        assert [(one["unit_amount"], one["currency"]) for one in prices] == [
            (2900, "usd"),
            (3900, "usd"),
            (2900, "eur"),
        ]
        assert all(one["active"] for one in prices)
        assert {one["product"] for one in prices} == {"staging_plan_pro"}
        assert await shop.billing.publish(plan()) == ids[0]

    play(scenario)


def test_a_price_that_was_archived_is_sold_again_and_a_new_name_is_taken_over(play: Play) -> None:
    async def scenario(shop: Shop) -> None:
        first = await shop.billing.publish(plan())
        await shop.v1.prices.update_async(first, {"active": False})
        assert await shop.billing.publish(plan()) == first
        assert shop.stripe.objects("price")[0]["active"]
        await shop.billing.publish(plan(name="Professional", amount=3900))
        assert shop.stripe.objects("product")[0]["name"] == "Professional"

    play(scenario)


def test_a_lookup_key_that_another_price_has_is_taken_from_it(play: Play) -> None:
    async def scenario(shop: Shop) -> None:
        product = await shop.v1.products.create_async({"name": "Something else"})
        taken = {"product": product.id, "currency": "usd", "unit_amount": 1}
        key = {"lookup_key": "staging_plan_pro_2900_usd"}
        theirs = await shop.v1.prices.create_async({**taken, **key})
        ours = await shop.billing.publish(plan())
        assert ours != theirs.id
        assert await shop.billing.publish(plan()) == ours

    play(scenario)


def test_a_lost_answer_publishes_nothing_twice(play: Play) -> None:
    async def scenario(shop: Shop) -> None:
        for path in ("products", "prices", "billing/meters"):
            shop.stripe.then("lost_answer", on=f"POST /v1/{path}")
        await shop.billing.publish(plan(amount=40, overage=True))
        for kind in ("product", "price", "billing.meter"):
            assert len(shop.stripe.objects(kind)) == 1

    play(scenario)
