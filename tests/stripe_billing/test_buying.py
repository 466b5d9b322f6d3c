"""What accounts buy: customers, checkouts, subscriptions with the form, packs."""

from __future__ import annotations

import asyncio
import time

import pytest

from staging_core.backends.stripe_billing import line
from staging_core.backends.stripe_billing.seen import Subscribed
from staging_core.errors import BillingAddressMissing, Busy, PaymentRefused, PaymentsUnavailable
from staging_core.models import Face, PaidPurchase

from .conftest import Play, Shop, intent_of, look, plan

DAY = 86_400


# --- customers -----------------------------------------------------------------------------------


def test_a_customer_says_whose_it_is_and_is_made_once_under_one_key(play: Play) -> None:
    async def scenario(shop: Shop) -> None:
        since = time.time() - 60
        first = await shop.customer(card=None)
        assert await shop.customer(card=None) == first
        again = await shop.billing.make_customer("acc_ada", email=None, name=None, key="another")
        assert again != first
        found = await shop.billing.find_customer("acc_ada", since=since)
        assert found is not None
        assert (found.id, found.account_id) == (first, "acc_ada")
        assert await shop.billing.find_customer("acc_bob", since=since) is None
        assert await shop.billing.find_customer("acc_ada", since=since + DAY) is None

    play(scenario)


def test_a_lost_answer_makes_no_second_customer(play: Play) -> None:
    async def scenario(shop: Shop) -> None:
        shop.stripe.then("lost_answer", on="POST /v1/customers")
        await shop.customer(card=None)
        assert len(shop.stripe.objects("customer")) == 1

    play(scenario)


def test_the_portal_has_an_address(play: Play) -> None:
    async def scenario(shop: Shop) -> None:
        ada = await shop.customer()
        with pytest.raises(PaymentRefused):
            await shop.billing.portal(ada, return_url="https://shop.example/")
        features = {"payment_method_update": {"enabled": True}}
        await shop.v1.billing_portal.configurations.create_async({"features": features})
        url = await shop.billing.portal(ada, return_url="https://shop.example/")
        assert url.startswith(shop.stripe.url)

    play(scenario)


# --- checkouts -----------------------------------------------------------------------------------


def test_a_plan_is_bought_on_a_page_and_carries_its_purchase(play: Play) -> None:
    async def scenario(shop: Shop) -> None:
        ada = await shop.customer()
        overage = await shop.billing.publish(plan(amount=40, overage=True))
        offer = await shop.offer(overage_price_id=overage)
        session = await shop.checkout(ada, offer)
        assert await shop.billing.begun(ada, "pur_1") is None
        paid = shop.stripe.pay(session)
        seen = await look(shop, paid["subscription"])
        assert (seen.status, seen.price_id, seen.purchase_id) == ("active", offer.price_id, "pur_1")
        assert seen.customer_id == ada
        assert 27 * DAY < seen.period_end - seen.period_start < 32 * DAY
        assert await shop.billing.begun(ada, "pur_1") == seen
        assert seen.client_secret is None

    play(scenario)


def test_a_doubled_call_gives_the_same_page(play: Play) -> None:
    async def scenario(shop: Shop) -> None:
        ada, offer = await shop.customer(), await shop.offer()
        shop.stripe.then("lost_answer", on="POST /v1/checkout/sessions")
        assert await shop.checkout(ada, offer) == await shop.checkout(ada, offer)
        assert len(shop.stripe.objects("checkout.session")) == 1

    play(scenario)


def test_a_pack_is_bought_once_and_carries_its_purchase(play: Play) -> None:
    async def scenario(shop: Shop) -> None:
        ada, pack = await shop.customer(), await shop.pack()
        session = await shop.checkout(ada, pack)
        paid = shop.stripe.pay(session)
        seen = await shop.billing.look("purchase", paid["payment_intent"])
        assert isinstance(seen, PaidPurchase)
        assert (seen.customer_id, seen.price_id, seen.purchase_id) == (ada, pack.price_id, "pur_1")
        assert (seen.paid, seen.amount_cents, seen.currency) == (True, 1000, "usd")
        assert (seen.refunded_cents, seen.disputed) == (0, False)
        assert await shop.billing.look("purchase", session) == seen

    play(scenario)


def test_a_pack_that_a_coupon_makes_free_is_known_by_its_session(play: Play) -> None:
    async def scenario(shop: Shop) -> None:
        coupon = await shop.v1.coupons.create_async({"percent_off": 100, "duration": "once"})
        promotion = {"type": "coupon", "coupon": coupon.id}
        await shop.v1.promotion_codes.create_async({"code": "FREE", "promotion": promotion})
        ada, pack = await shop.customer(), await shop.pack()
        since = time.time() - 60
        session = await shop.checkout(ada, pack)
        assert await shop.billing.look("purchase", session) is None
        shop.stripe.pay(session, promotion_code="FREE")
        seen = await shop.billing.look("purchase", session)
        assert isinstance(seen, PaidPurchase)
        assert (seen.id, seen.paid, seen.amount_cents) == (session, True, 0)
        assert [one async for one in shop.billing.all_of("purchase", since=since)] == [seen]

    play(scenario)


def test_a_price_or_customer_that_stripe_does_not_know_is_refused(play: Play) -> None:
    async def scenario(shop: Shop) -> None:
        ada, offer = await shop.customer(), await shop.offer()
        with pytest.raises(PaymentRefused, match="does not know") as refused:
            await shop.checkout("cus_nobody", offer)
        assert "cus_nobody" not in str(refused.value)
        pack = await shop.pack()
        wrong = type(offer)(kind="plan", code="pro", price_id=pack.price_id)
        with pytest.raises(PaymentRefused):
            await shop.checkout(ada, wrong, "pur_2")

    play(scenario)


def test_tax_is_worked_out_where_it_is_switched_on(play: Play) -> None:
    async def scenario(shop: Shop) -> None:
        ada, offer = await shop.customer(), await shop.offer()
        await shop.checkout(ada, offer)
        assert shop.stripe.objects("checkout.session")[-1]["automatic_tax"]["enabled"]
        for face in (Face(), Face(name="Ada"), Face(address={"country": "Germany"})):
            await shop.billing.describe_customer(ada, face)
            with pytest.raises(BillingAddressMissing) as missing:
                await shop.billing.subscribe(ada, offer, purchase_id="pur_2", key=f"{face}")
            assert "billing_address" in missing.value.remedy
        address = {"line1": "Am Markt 1", "city": "Ulm", "country": "de", "floor": "2"}
        await shop.billing.describe_customer(ada, Face(address=address))
        made = await shop.billing.subscribe(ada, offer, purchase_id="pur_2", key="subscribe")
        assert made.status == "incomplete"

    play(scenario, "stripe:?tax=on")


def test_what_a_customer_told_stripe_stays_until_their_profile_changes(play: Play) -> None:
    async def scenario(shop: Shop) -> None:
        ada = await shop.customer()

        async def seen() -> tuple[str, str, str | None]:
            one = await shop.v1.customers.retrieve_async(ada)
            return one.name, one.address.city if one.address else "", one.email

        own = {"country": "DE", "city": "Bonn"}
        await shop.v1.customers.update_async(ada, {"address": own, "name": "Ada & Co."})
        face = Face(email="ada@lovelace.example", name="Ada", address={"city": "Ulm"})
        await shop.billing.describe_customer(ada, face)
        assert await seen() == ("Ada & Co.", "Bonn", "ada@example.com")
        moved = Face(email=face.email, name="Ada L.", address={"city": "Trier", "country": "DE"})
        await shop.billing.describe_customer(ada, moved)
        assert await seen() == ("Ada L.", "Trier", face.email)
        await shop.v1.customers.update_async(ada, {"address": own})
        await shop.billing.describe_customer(ada, moved)
        assert await seen() == ("Ada L.", "Bonn", face.email)

    play(scenario)


# --- the form ------------------------------------------------------------------------------------


def test_a_subscription_is_incomplete_until_its_bill_is_paid_with_the_secret(play: Play) -> None:
    async def scenario(shop: Shop) -> None:
        ada, offer = await shop.customer(card=None), await shop.offer()
        made = await shop.billing.subscribe(ada, offer, purchase_id="pur_1", key="subscribe")
        assert (made.status, made.purchase_id) == ("incomplete", "pur_1")
        assert "secret" not in repr(made)
        again = await shop.billing.subscribe(ada, offer, purchase_id="pur_1", key="subscribe")
        assert (again.id, again.client_secret) == (made.id, made.client_secret)
        found = await shop.billing.begun(ada, "pur_1")
        assert found is not None
        assert (found.id, found.client_secret) == (made.id, made.client_secret)
        card = {"payment_method": "pm_card_visa"}
        await shop.v1.payment_intents.confirm_async(intent_of(made.client_secret), card)
        assert (await look(shop, made.id)).status == "active"
        found = await shop.billing.begun(ada, "pur_1")
        assert found is not None
        assert found.client_secret is None

    play(scenario)


def test_a_trial_begins_at_once_and_asks_for_a_card(play: Play) -> None:
    async def scenario(shop: Shop) -> None:
        ada, offer = await shop.customer(card=None), await shop.offer(trial_days=14)
        made = await shop.billing.subscribe(ada, offer, purchase_id="pur_1", key="subscribe")
        assert made.status == "trialing"
        assert made.trial_end is not None
        assert 13 * DAY < made.trial_end - made.created_at <= 14 * DAY
        assert intent_of(made.client_secret).startswith("seti_")
        paid = shop.stripe.pay(await shop.checkout(ada, offer, "pur_2"))
        assert (await look(shop, paid["subscription"])).status == "trialing"

    play(scenario)


def test_a_lost_answer_begins_no_second_subscription(play: Play) -> None:
    async def scenario(shop: Shop) -> None:
        ada, offer = await shop.customer(), await shop.offer()
        for _ in range(3):  # also when every try within the call is lost
            shop.stripe.chaos(next=[{"fault": "lost_answer", "on": "POST /v1/subscriptions"}] * 3)
            with pytest.raises(PaymentsUnavailable):
                await shop.billing.subscribe(ada, offer, purchase_id="pur_1", key="subscribe")
        found = await shop.billing.begun(ada, "pur_1")
        made = await shop.billing.subscribe(ada, offer, purchase_id="pur_1", key="subscribe")
        assert found is not None
        assert found.id == made.id
        assert len(shop.stripe.objects("subscription")) == 1

    play(scenario)


# --- bad days ------------------------------------------------------------------------------------


def test_a_busy_stripe_says_how_long_to_wait(play: Play) -> None:
    async def scenario(shop: Shop) -> None:
        shop.stripe.chaos(busy=1.0)
        with pytest.raises(Busy) as busy:
            await shop.customer()
        assert busy.value.retry_after_s > 0

    play(scenario)


def test_a_call_that_is_under_way_already_is_busy(
    play: Play, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(line, "RETRIES", 0)

    async def scenario(shop: Shop) -> None:
        shop.stripe.chaos(slow_s=1.0)
        shop.stripe.then("slow", on="POST /v1/customers")
        asked = (shop.customer(card=None) for _ in range(2))
        told = await asyncio.gather(*asked, return_exceptions=True)
        made, busy = sorted(told, key=lambda one: isinstance(one, BaseException))
        assert isinstance(busy, Busy)
        assert await shop.customer(card=None) == made

    play(scenario)


@pytest.mark.parametrize("fault", ["error_before", "error_after", "cut_before"])
def test_an_unknown_outcome_is_payments_unavailable(play: Play, fault: str) -> None:
    async def scenario(shop: Shop) -> None:
        shop.stripe.chaos(**{fault: 1.0})
        with pytest.raises(PaymentsUnavailable) as away:
            await shop.customer(card=None)
        assert shop.stripe.key not in f"{away.value} {away.value.remedy}"

    play(scenario)


def test_another_offer_under_the_same_key_is_refused(play: Play) -> None:
    async def scenario(shop: Shop) -> None:
        ada, pro = await shop.customer(), await shop.offer()
        await shop.billing.subscribe(ada, pro, purchase_id="pur_1", key="one")
        with pytest.raises(PaymentRefused, match="same key"):
            await shop.billing.subscribe(ada, pro, purchase_id="pur_2", key="one")
        assert len(shop.stripe.objects("subscription")) == 1

    play(scenario)


def test_a_stripe_that_does_not_answer_is_not_waited_for_for_long(
    play: Play, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(line, "CALL_S", 0.3)

    async def scenario(shop: Shop) -> None:
        shop.stripe.chaos(slow_after=1.0, slow_s=3.0)
        with pytest.raises(PaymentsUnavailable, match="in time"):
            await shop.customer(card=None)
        shop.stripe.chaos(slow_after=0.0)
        monkeypatch.setattr(line, "CALL_S", 30)
        await shop.customer(card=None)
        assert len(shop.stripe.objects("customer")) == 1

    play(scenario)


def test_nothing_secret_is_logged(play: Play, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")

    async def scenario(shop: Shop) -> None:
        ada, offer = await shop.customer(card=None), await shop.offer()
        made = await shop.billing.subscribe(ada, offer, purchase_id="pur_1", key="subscribe")
        assert made.client_secret
        assert caplog.text
        for secret in (shop.stripe.key, made.client_secret, "ada@example.com"):
            assert secret not in caplog.text

    play(scenario)


# --- taking back ---------------------------------------------------------------------------------


def test_a_page_and_a_form_that_nobody_has_paid_are_withdrawn(play: Play) -> None:
    async def scenario(shop: Shop) -> None:
        ada, pro = await shop.customer(), await shop.offer()
        page = await shop.checkout(ada, pro, "pur_page")
        other = await shop.checkout(ada, await shop.pack(), "pur_pack")
        form = await shop.billing.subscribe(ada, pro, purchase_id="pur_form", key="form")
        assert await shop.billing.withdraw(ada, "pur_page") is None
        with pytest.raises(ValueError, match="expired"):
            shop.stripe.pay(page)
        seen = await shop.billing.withdraw(ada, "pur_form")
        assert seen is not None
        assert (seen.id, seen.status) == (form.id, "incomplete_expired")
        [bill] = shop.stripe.objects("invoice")
        assert bill["status"] == "void"
        shop.stripe.pay(other)

    play(scenario)


def test_what_is_paid_in_that_moment_stays(play: Play) -> None:
    async def scenario(shop: Shop) -> None:
        ada, pro = await shop.customer(), await shop.offer()
        form = await shop.billing.subscribe(ada, pro, purchase_id="pur_form", key="form")
        of_purchase = shop.billing._of_purchase

        async def paid_after(*whose: str) -> Subscribed | None:
            seen = await of_purchase(*whose)
            if seen is not None and seen.status == "incomplete":
                card = {"payment_method": "pm_card_visa"}
                intent = str(form.client_secret).partition("_secret_")[0]
                await shop.v1.payment_intents.confirm_async(intent, card)
            return seen

        shop.billing._of_purchase = paid_after  # type: ignore[method-assign]
        seen = await shop.billing.withdraw(ada, "pur_form")
        assert seen is not None
        assert seen.status == "active"

    play(scenario)
