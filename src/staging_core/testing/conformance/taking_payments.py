"""The contract of ``TakesPayments``."""

from __future__ import annotations

import re
from typing import Any

import pytest

from staging_core.errors import AskedOtherwise, NotFound, PaymentRefused, PaymentsUnavailable
from staging_core.models import Offer, PaidCustomer

from .at_a_provider import ACCOUNT, CHEAPER, DEARER, MONTHLY, PURCHASE, AtAProvider
from .base import check

_DAY_S = 86_400.0


class TakingPayments(AtAProvider):
    """What accounts do to pay."""

    @check("The provider's name, 1 to 32 small letters")
    async def test_a_source_is_a_short_word(self, billing: Any) -> None:
        assert re.fullmatch("[a-z]{1,32}", billing.source)

    @check("Make a customer that says whose it is; its id.")
    async def test_a_customer_says_whose_it_is(self, billing: Any) -> None:
        seen = await billing.look("customer", await self.a_customer(billing))
        assert isinstance(seen, PaidCustomer)
        assert seen.account_id == ACCOUNT

    @check("Under one ``key`` a call has its effect once")
    async def test_one_key_makes_one_customer(self, billing: Any) -> None:
        assert await self.a_customer(billing) == await self.a_customer(billing)

    @check("The oldest customer of the account that was made at ``since`` (Unix seconds) or later.")
    async def test_the_oldest_customer_is_found(self, billing: Any) -> None:
        since = await self.now() - 60
        first = await self.a_customer(billing)
        await billing.make_customer(ACCOUNT, email=None, name=None, key="another")
        await self.a_customer(billing, "another-account")
        found = await billing.find_customer(ACCOUNT, since=since)
        assert found is not None
        assert found.id == first
        assert await billing.find_customer(ACCOUNT, since=since + 3600) is None

    @check("The address of a page on which the customer pays; nothing is bought before.")
    async def test_a_page_buys_nothing_by_itself(self, billing: Any) -> None:
        customer = await self.a_customer(billing)
        assert (await self.a_page(billing, customer, MONTHLY)).startswith("http")
        assert [one async for one in billing.all_of("subscription", since=0)] == []

    @check("What is bought there carries ``purchase_id``.")
    async def test_a_plan_that_was_bought_carries_its_purchase(self, billing: Any) -> None:
        bought = await self.a_plan(billing)
        assert (bought.status, bought.purchase_id) == ("active", PURCHASE)
        assert bought.period_start <= await self.now() < bought.period_end

    @check("Begin a subscription that is ``incomplete`` until its first bill is paid.")
    async def test_a_subscription_begins_incomplete(self, billing: Any) -> None:
        customer, offer = await self.a_customer(billing), await self.an_offer(billing, MONTHLY)
        made = await billing.subscribe(customer, offer, purchase_id=PURCHASE, key="subscribe")
        assert (made.status, made.price_id) == ("incomplete", offer.price_id)
        assert (made.customer_id, made.purchase_id) == (customer, PURCHASE)

    @check("With the secret that the provider's own form pays it with, where there is one to pay.")
    async def test_a_subscription_comes_with_its_secret(self, billing: Any) -> None:
        made = await self.a_beginning(billing)
        assert made.client_secret
        assert made.client_secret not in repr(made)

    @check("One with free days is ``trialing`` at once, and is to be given a way to pay for later.")
    async def test_free_days_begin_at_once(self, billing: Any) -> None:
        made = await self.a_beginning(billing, trial_days=14)
        assert made.status == "trialing"
        assert made.trial_end == pytest.approx(await self.now() + 14 * _DAY_S, abs=3600)
        assert made.client_secret

    @check("Under one ``key`` a call has its effect once")
    async def test_one_key_begins_one_subscription(self, billing: Any) -> None:
        customer, offer = await self.a_customer(billing), await self.an_offer(billing, MONTHLY)
        begun = {
            (await billing.subscribe(customer, offer, purchase_id=PURCHASE, key="subscribe")).id
            for _ in range(2)
        }
        assert len(begun) == 1
        assert len(await self.all_of(billing, "subscription")) == 1

    @check("``PaymentRefused`` (it said no: nothing was done, and asking again changes nothing)")
    async def test_what_nobody_sells_is_refused(self, billing: Any) -> None:
        customer = await self.a_customer(billing)
        nothing = Offer(kind="plan", code="none", price_id="nobody-sells-this")
        for key in ("nothing", "nothing again"):
            with pytest.raises(PaymentRefused):
                await billing.subscribe(customer, nothing, purchase_id=PURCHASE, key=key)
        assert await self.all_of(billing, "subscription") == []

    @check("``AskedOtherwise`` (under the key something else was asked before")
    async def test_one_key_is_for_one_call(self, billing: Any) -> None:
        begun = await self.a_beginning(billing)
        offer = await self.an_offer(billing, MONTHLY)
        with pytest.raises(AskedOtherwise):
            await billing.subscribe(
                begun.customer_id, offer, purchase_id="another", key="subscribe"
            )
        assert [one.id for one in await self.all_of(billing, "subscription")] == [begun.id]

    @check("``PaymentsUnavailable`` (the provider is away, or its outcome is unknown")
    async def test_a_provider_that_is_away_is_unavailable(self, billing: Any) -> None:
        customer = await self.a_customer(billing)
        async with self.away():
            with pytest.raises(PaymentsUnavailable):
                await billing.payment_methods(customer)
            with pytest.raises(PaymentsUnavailable):
                await billing.look("customer", customer)
        assert await billing.payment_methods(customer) == []

    @check("The customer's subscription that carries ``purchase_id``, whatever became of it.")
    async def test_only_the_purchases_subscription_is_found(self, billing: Any) -> None:
        bought = await self.a_plan(billing)
        assert await billing.begun(bought.customer_id, "another-purchase") is None
        other = await self.a_customer(billing, "another-account")
        assert await billing.begun(other, PURCHASE) is None

    @check(
        "Go over to another plan; a dearer one costs all of the difference, not a part for days."
    )
    async def test_a_dearer_plan_that_is_paid_is_there(self, billing: Any) -> None:
        bought, dearer = await self.a_plan(billing), await self.an_offer(billing, DEARER)
        after = await billing.switch(bought.id, dearer, key="switch")
        assert (after.id, after.price_id) == (bought.id, dearer.price_id)
        difference, _ = await billing.invoices(bought.customer_id, limit=10, offset=0)
        assert 0 < difference.amount_paid < DEARER.amount_cents

    @check(
        "A dearer plan is there when its bill is paid, and not before: until then the subscription"
        " is as it was, with the secret that the provider's own form pays it with."
    )
    async def test_a_dearer_plan_that_is_not_paid_is_not_there(self, billing: Any) -> None:
        bought, dearer = await self.a_plan(billing), await self.an_offer(billing, DEARER)
        await self.have_card(bought.customer_id, pays=False)
        after = await billing.switch(bought.id, dearer, key="switch")
        assert after.client_secret
        seen = await billing.look("subscription", bought.id)
        for one in (after, seen):
            assert (one.id, one.status, one.price_id) == (bought.id, "active", bought.price_id)
            assert (one.period_end, one.cancel_at) == (bought.period_end, None)

    @check("In a trial nothing is to be paid, so that it is there at once.")
    async def test_a_dearer_plan_is_there_at_once_in_a_trial(self, billing: Any) -> None:
        begun = await self.a_beginning(billing, trial_days=14)
        dearer = await self.an_offer(billing, DEARER)
        after = await billing.switch(begun.id, dearer, key="switch")
        assert (after.status, after.price_id) == ("trialing", dearer.price_id)

    @check("A cheaper plan is there at once, and its price counts from the next bill: nothing is")
    async def test_a_cheaper_plan_gives_no_money_back(self, billing: Any) -> None:
        bought, cheaper = await self.a_plan(billing), await self.an_offer(billing, CHEAPER)
        after = await billing.switch(bought.id, cheaper, key="switch")
        assert (after.status, after.price_id) == ("active", cheaper.price_id)
        await self.is_paid(billing, bought, 2900)

    @check(
        "Until then ``paid_price_id`` says what this period was paid for, and going back to that"
    )
    async def test_going_back_to_what_was_paid_costs_nothing(self, billing: Any) -> None:
        bought, cheaper = await self.a_plan(billing), await self.an_offer(billing, CHEAPER)
        first = await self.an_offer(billing, MONTHLY)
        after = await billing.switch(bought.id, cheaper, key="switch")
        seen = await billing.look("subscription", bought.id)
        assert [one.paid_price_id for one in (after, seen)] == [bought.price_id] * 2
        back = await billing.switch(bought.id, first, key="back")
        assert (back.status, back.price_id) == ("active", bought.price_id)
        await self.is_paid(billing, bought, 2900)
        dearer = await self.an_offer(billing, DEARER)
        for key, offer in (("up", dearer), ("down again", first), ("up again", dearer)):
            await billing.switch(bought.id, offer, key=key)
        await self.is_paid(billing, bought, 9900)

    @check("Let it end with its period; doing it twice is doing it once.")
    async def test_it_ends_with_its_period(self, billing: Any) -> None:
        bought = await self.a_plan(billing)
        for key in ("end", "end again"):
            ending = await billing.end_with_period(bought.id, key=key)
            assert (ending.status, ending.cancel_at) == ("active", bought.period_end)

    @check("Take that back while it has not ended.")
    async def test_it_goes_on(self, billing: Any) -> None:
        bought = await self.a_plan(billing)
        await billing.end_with_period(bought.id, key="end")
        assert (await billing.go_on(bought.id, key="go on")).cancel_at is None

    @check("The customer's ways to pay, the default one first.")
    async def test_the_card_that_paid_is_a_way_to_pay(self, billing: Any) -> None:
        bought = await self.a_plan(billing)
        methods = await billing.payment_methods(bought.customer_id)
        assert [method.is_default for method in methods] == [True]

    @check("Pay in this way from now on")
    async def test_the_way_to_pay_that_was_chosen_comes_first(self, billing: Any) -> None:
        bought = await self.a_plan(billing)
        [first] = await billing.payment_methods(bought.customer_id)
        await self.have_card(bought.customer_id, pays=True)
        newest, _ = await billing.payment_methods(bought.customer_id)
        assert newest.id != first.id
        await billing.choose_payment_method(bought.customer_id, first.id)
        methods = await billing.payment_methods(bought.customer_id)
        assert [(one.id, one.is_default) for one in methods] == [
            (first.id, True),
            (newest.id, False),
        ]

    @check("Forget a way to pay")
    async def test_a_way_to_pay_that_was_removed_is_gone(self, billing: Any) -> None:
        bought = await self.a_plan(billing)
        [first] = await billing.payment_methods(bought.customer_id)
        await self.have_card(bought.customer_id, pays=True)
        await billing.remove_payment_method(bought.customer_id, first.id)
        assert first.id not in {one.id for one in await billing.payment_methods(bought.customer_id)}

    @check("The address of the provider's own page for this customer, for a short while.")
    async def test_a_customer_has_a_page_of_its_own(self, billing: Any) -> None:
        back = "https://shop.example/account"
        pages = [
            await billing.portal(await self.a_customer(billing, account), return_url=back)
            for account in (ACCOUNT, "another-account")
        ]
        assert all(page.startswith("http") for page in pages)
        assert len(set(pages)) == len(pages)

    @check("``NotFound`` when it is not the customer's.")
    async def test_another_customers_way_to_pay_is_not_found(self, billing: Any) -> None:
        bought, other = await self.a_plan(billing), await self.a_customer(billing, "another")
        [theirs] = await billing.payment_methods(bought.customer_id)
        for deed in (billing.choose_payment_method, billing.remove_payment_method):
            with pytest.raises(NotFound):
                await deed(other, theirs.id)
        assert await billing.payment_methods(bought.customer_id) == [theirs]

    @check("The customer's bills, newest first; drafts are not among them.")
    async def test_bills_are_listed_newest_first(self, billing: Any) -> None:
        bought, dearer = await self.a_plan(billing), await self.an_offer(billing, DEARER)
        await billing.switch(bought.id, dearer, key="switch")
        bills = await billing.invoices(bought.customer_id, limit=10, offset=0)
        assert [bill.status for bill in bills] == ["paid", "paid"]
        assert (bills[-1].amount_paid, bills[-1].currency) == (2900, "usd")
        assert await billing.invoices(bought.customer_id, limit=1, offset=1) == bills[1:]
        assert await billing.invoices(bought.customer_id, limit=10, offset=2) == []
