"""Accounts that choose another plan, end theirs, and go on with it."""

from __future__ import annotations

import time

import pytest

from staging_core.errors import PaymentRefused

from .conftest import Play, Shop, intent_of, look, plan

DAY = 86_400


def test_a_dearer_plan_that_is_paid_is_there_at_once(play: Play) -> None:
    async def scenario(shop: Shop) -> None:
        ada = await shop.customer()
        pro, business = await shop.offer(), await shop.offer("business", 9900)
        one = await shop.subscribed(ada, pro)
        after = await shop.billing.switch(one, business, key="up")
        assert (after.price_id, after.status) == (business.price_id, "active")
        assert after.client_secret is None
        assert shop.stripe.truth("charge")[0]["amount"] == 2900
        assert sum(paid["amount"] for paid in shop.stripe.truth("charge")) == 9900
        charges = len(shop.stripe.truth("charge"))
        assert (await shop.billing.switch(one, business, key="up")).price_id == business.price_id
        assert len(shop.stripe.truth("charge")) == charges

    play(scenario)


def test_a_dearer_plan_that_is_not_paid_is_not_there(play: Play) -> None:
    async def scenario(shop: Shop) -> None:
        ada = await shop.customer()
        pro, business = await shop.offer(), await shop.offer("business", 9900)
        one = await shop.subscribed(ada, pro)
        bad = await shop.v1.payment_methods.attach_async(
            "pm_card_chargeCustomerFail", {"customer": ada}
        )
        await shop.billing.choose_payment_method(ada, bad.id)
        after = await shop.billing.switch(one, business, key="up")
        assert (after.price_id, after.status) == (pro.price_id, "active")
        assert (await look(shop, one)).price_id == pro.price_id
        card = {"payment_method": "pm_card_visa"}
        await shop.v1.payment_intents.confirm_async(intent_of(after.client_secret), card)
        assert (await look(shop, one)).price_id == business.price_id

    play(scenario)


def test_a_bank_that_asks_the_holder_gets_them_asked(play: Play) -> None:
    async def scenario(shop: Shop) -> None:
        ada = await shop.customer()
        pro, business = await shop.offer(), await shop.offer("business", 9900)
        one = await shop.subscribed(ada, pro)
        asks = await shop.v1.payment_methods.attach_async(
            "pm_card_authenticationRequired", {"customer": ada}
        )
        await shop.billing.choose_payment_method(ada, asks.id)
        waiting = await shop.billing.switch(one, business, key="up")
        assert waiting.price_id == pro.price_id
        intent = intent_of(waiting.client_secret)
        await shop.v1.payment_intents.confirm_async(intent, {"payment_method": asks.id})
        shop.stripe.authenticate(intent)
        assert (await look(shop, one)).price_id == business.price_id

    play(scenario)


def test_a_code_that_took_something_off_takes_nothing_off_a_dearer_plan(play: Play) -> None:
    async def scenario(shop: Shop) -> None:
        ada = await shop.customer()
        pro, business = await shop.offer(), await shop.offer("business", 9900)
        coupon = await shop.v1.coupons.create_async({"percent_off": 100, "duration": "once"})
        promotion = {"type": "coupon", "coupon": coupon.id}
        await shop.v1.promotion_codes.create_async({"promotion": promotion, "code": "FREE"})
        page = await shop.checkout(ada, pro, "pur_1")
        one = str(shop.stripe.pay(page, promotion_code="FREE")["subscription"])
        assert (await look(shop, one)).owes is False
        after = await shop.billing.switch(one, business, key="up")
        assert after.price_id == business.price_id
        assert paid(shop) == 9900

    play(scenario)


def paid(shop: Shop) -> int:
    """What all bills that are paid come to."""
    return sum(int(one["amount"]) for one in shop.stripe.truth("paid"))


def test_a_cheaper_plan_is_there_at_once_and_gives_nothing_back(play: Play) -> None:
    async def scenario(shop: Shop) -> None:
        ada = await shop.customer()
        overage = await shop.billing.publish(plan(amount=40, overage=True))
        business = await shop.offer("business", 9900, overage_price_id=overage)
        pro = await shop.offer()
        one = await shop.subscribed(ada, business)
        after = await shop.billing.switch(one, pro, key="down")
        assert (after.price_id, after.paid_price_id) == (pro.price_id, business.price_id)
        assert paid(shop) == 9900
        assert after.overage_price_ids == (overage,)  # metered items follow by themselves
        after = await shop.billing.charge_beyond(one, None, instead_of=(overage,), key="none")
        assert after.overage_price_ids == ()
        back = await shop.billing.switch(one, business, key="up again")
        assert back.price_id == business.price_id
        back = await shop.billing.charge_beyond(one, overage, instead_of=(), key="again")
        assert back.overage_price_ids == (overage,)
        assert (await look(shop, one)).overage_price_ids == (overage,)
        assert paid(shop) == 9900
        await shop.billing.switch(one, pro, key="down again")
        shop.stripe.advance(32 * DAY)
        assert paid(shop) == 9900 + 2900
        assert (await look(shop, one)).paid_price_id is None

    play(scenario)


def test_a_dearer_plan_costs_all_of_the_difference_however_late_it_is_chosen(play: Play) -> None:
    async def scenario(shop: Shop) -> None:
        ada = await shop.customer()
        small, pro = await shop.offer("small", 900), await shop.offer()
        business = await shop.offer("business", 9900)
        one = await shop.subscribed(ada, pro)
        shop.stripe.advance(27 * DAY)
        after = await shop.billing.switch(one, business, key="late")
        assert after.price_id == business.price_id
        assert paid(shop) == 9900
        await shop.billing.switch(one, small, key="down")
        with pytest.raises(PaymentRefused, match="larger plan") as refused:
            await shop.billing.switch(one, await shop.offer("huge", 19900), key="up")
        assert "Go back" in (refused.value.remedy or "")
        await shop.billing.switch(one, pro, key="half way")
        assert paid(shop) == 9900

    play(scenario)


def test_what_was_paid_after_a_smaller_plan_was_chosen_is_not_paid_again(play: Play) -> None:
    async def scenario(shop: Shop) -> None:
        ada = await shop.customer()
        small, pro = await shop.offer("small", 900), await shop.offer()
        business, huge = await shop.offer("business", 9900), await shop.offer("huge", 19900)
        one = await shop.subscribed(ada, pro)
        for key, offer in (("down", small), ("back", pro), ("up", business)):
            await shop.billing.switch(one, offer, key=key)
        assert paid(shop) == 9900
        after = await shop.billing.switch(one, pro, key="down again")
        assert after.paid_price_id == business.price_id
        await shop.billing.switch(one, business, key="up again")
        assert paid(shop) == 9900
        await shop.billing.switch(one, huge, key="dearer")
        assert paid(shop) == 19900

    play(scenario)


def test_what_is_owed_is_paid_before_a_dearer_plan_and_not_taken_off_by_a_cheaper_one(
    play: Play,
) -> None:
    async def scenario(shop: Shop) -> None:
        ada = await shop.customer()
        small, pro = await shop.offer("small", 900), await shop.offer()
        business = await shop.offer("business", 9900)
        one = await shop.subscribed(ada, pro)
        bad = await shop.v1.payment_methods.attach_async(
            "pm_card_chargeCustomerFail", {"customer": ada}
        )
        await shop.billing.choose_payment_method(ada, bad.id)
        shop.stripe.advance(31 * DAY + 7200)
        assert (await look(shop, one)).status == "past_due"
        good = await shop.v1.payment_methods.attach_async("pm_card_visa", {"customer": ada})
        await shop.billing.choose_payment_method(ada, good.id)
        with pytest.raises(PaymentRefused, match="not paid yet"):
            await shop.billing.switch(one, business, key="up")
        after = await shop.billing.switch(one, small, key="down")
        assert (after.status, after.price_id) == ("past_due", small.price_id)
        [owed] = [one for one in shop.stripe.objects("invoice") if one["status"] == "open"]
        assert owed["amount_due"] == 2900
        assert shop.stripe.objects("invoiceitem") == []
        await shop.v1.invoices.pay_async(owed["id"], {"payment_method": good.id})
        shop.stripe.advance(31 * DAY)
        assert paid(shop) == 2900 + 2900 + 900

    play(scenario)


def test_whatever_is_asked_says_whether_the_bill_of_the_period_is_paid(play: Play) -> None:
    async def scenario(shop: Shop) -> None:
        ada, pro, small = await shop.customer(), await shop.offer(), await shop.offer("small", 900)
        one = await shop.subscribed(ada, pro)
        assert not (await look(shop, one)).owes
        end = shop.stripe.objects("subscription")[0]["items"]["data"][0]["current_period_end"]
        shop.stripe.advance(end - time.time() + 60)  # for an hour the new bill is a draft
        overage = await shop.billing.publish(plan(amount=40, overage=True))
        answers = [
            await look(shop, one),
            await shop.billing.charge_beyond(one, overage, instead_of=(), key="beyond"),
            await shop.billing.end_with_period(one, key="end"),
            await shop.billing.go_on(one, key="go on"),
            await shop.billing.switch(one, small, key="down"),
            *[each async for each in shop.billing.all_of("subscription", since=0)],
        ]
        assert [answer.owes for answer in answers] == [True] * len(answers)
        shop.stripe.advance(3700)
        assert not (await look(shop, one)).owes

    play(scenario)


def test_it_ends_with_its_period_and_goes_on_again(play: Play) -> None:
    async def scenario(shop: Shop) -> None:
        ada, pro = await shop.customer(), await shop.offer()
        one = await shop.subscribed(ada, pro)
        ending = await shop.billing.end_with_period(one, key="end")
        assert (ending.status, ending.cancel_at) == ("active", ending.period_end)
        assert ending.canceled_at is not None
        assert (
            await shop.billing.end_with_period(one, key="end twice")
        ).cancel_at == ending.cancel_at
        going = await shop.billing.go_on(one, key="go on")
        assert going.cancel_at is None
        await shop.billing.end_with_period(one, key="end again")
        shop.stripe.advance(40 * DAY)
        assert (await look(shop, one)).status == "canceled"
        with pytest.raises(PaymentRefused):
            await shop.billing.go_on(one, key="too late")

    play(scenario)


def test_what_was_cancelled_on_stripes_portal_goes_on_again(play: Play) -> None:
    async def scenario(shop: Shop) -> None:
        ada, pro = await shop.customer(), await shop.offer()
        one = await shop.subscribed(ada, pro)
        features = {"subscription_cancel": {"enabled": True, "mode": "at_period_end"}}
        await shop.v1.billing_portal.configurations.create_async({"features": features})
        session = (await shop.billing.portal(ada, return_url="https://a.example/")).split("/")[-1]
        shop.stripe.portal(session, "cancel", subscription=one)
        ending = await look(shop, one)
        assert ending.cancel_at == ending.period_end
        going = await shop.billing.go_on(one, key="go on")
        assert (going.cancel_at, going.canceled_at) == (None, None)
        assert await shop.billing.go_on(one, key="go on twice") == going
        shop.stripe.advance(40 * DAY)
        assert (await look(shop, one)).status == "active"

    play(scenario)
