"""The contracts of billing backends through which accounts pay."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from typing import Any, ClassVar

import pytest
from msgspec.structs import replace

from staging_core.errors import InvalidSignature, NotFound
from staging_core.models import (
    Callback,
    Listing,
    Offer,
    PaidCustomer,
    PaidPurchase,
    PaidSubscription,
    PaymentNotice,
)

from .base import Conformance, check

MONTHLY = Listing(kind="plan", code="pro", name="Pro", amount_cents=2900, currency="usd")
DEARER = replace(MONTHLY, code="business", name="Business", amount_cents=9900)
OVERAGE = replace(MONTHLY, amount_cents=40, overage=True)
PACK = Listing(kind="pack", code="ten", name="Ten", amount_cents=1000, currency="usd")
_ACCOUNT, _PURCHASE = "account-of-the-suite", "purchase-of-the-suite"


class PaymentsConformance(Conformance, ABC):
    """The subject takes and reports payments, meters usage and lists prices.

    What customers and the provider do is told by the subclass: ``open`` (a provider of its own for
    each check), ``pay``, ``reports`` and ``now``.
    """

    kind = "billing"
    patience_s: ClassVar[float] = 60.0

    @abstractmethod
    async def pay(self, url: str) -> None:
        """The customer pays on this page, with a card that pays."""

    @abstractmethod
    async def reports(self) -> list[Callback]:
        """All that the provider has reported so far, as it comes in, oldest first."""

    @abstractmethod
    async def now(self) -> float:
        """The provider's time, in Unix seconds."""

    # --- what the checks have in common ---------------------------------------------------------

    async def _customer(self, billing: Any, account: str = _ACCOUNT) -> str:
        made: str = await billing.make_customer(
            account, email="ada@example.com", name="Ada", key=f"customer of {account}"
        )
        return made

    async def _offer(self, billing: Any, listing: Listing) -> Offer:
        price = await billing.publish(listing)
        return Offer(kind=listing.kind, code=listing.code, price_id=price)

    async def _page(self, billing: Any, customer: str, listing: Listing) -> str:
        url: str = await billing.checkout(
            customer,
            await self._offer(billing, listing),
            purchase_id=_PURCHASE,
            success_url="https://shop.example/thanks",
            cancel_url="https://shop.example/",
            key="checkout",
        )
        return url

    async def _bought(self, billing: Any) -> PaidSubscription:
        customer = await self._customer(billing)
        await self.pay(await self._page(billing, customer, MONTHLY))
        found: PaidSubscription | None = await billing.begun(customer, _PURCHASE)
        assert found is not None
        return found

    # --- TakesPayments --------------------------------------------------------------------------

    @check("The provider's name, 1 to 32 small letters")
    async def test_a_source_is_a_short_word(self, billing: Any) -> None:
        assert re.fullmatch("[a-z]{1,32}", billing.source)

    @check("Make a customer that says whose it is; its id.")
    async def test_a_customer_says_whose_it_is(self, billing: Any) -> None:
        seen = await billing.look("customer", await self._customer(billing))
        assert isinstance(seen, PaidCustomer)
        assert seen.account_id == _ACCOUNT

    @check("Under one ``key`` a call has its effect once")
    async def test_one_key_makes_one_customer(self, billing: Any) -> None:
        assert await self._customer(billing) == await self._customer(billing)

    @check("The oldest customer of the account that was made at ``since`` (Unix seconds) or later.")
    async def test_the_oldest_customer_is_found(self, billing: Any) -> None:
        since = await self.now() - 60
        first = await self._customer(billing)
        await billing.make_customer(_ACCOUNT, email=None, name=None, key="another")
        await self._customer(billing, "another-account")
        found = await billing.find_customer(_ACCOUNT, since=since)
        assert found is not None
        assert found.id == first
        assert await billing.find_customer(_ACCOUNT, since=since + 3600) is None

    @check("The address of a page on which the customer pays; nothing is bought before.")
    async def test_a_page_buys_nothing_by_itself(self, billing: Any) -> None:
        customer = await self._customer(billing)
        assert (await self._page(billing, customer, MONTHLY)).startswith("http")
        assert [one async for one in billing.all_of("subscription", since=0)] == []

    @check("What is bought there carries ``purchase_id``.")
    async def test_a_plan_that_was_bought_carries_its_purchase(self, billing: Any) -> None:
        bought = await self._bought(billing)
        assert (bought.status, bought.purchase_id) == ("active", _PURCHASE)
        assert bought.period_start <= await self.now() < bought.period_end

    @check("Begin a subscription that is ``incomplete`` until its first bill is paid.")
    async def test_a_subscription_begins_incomplete(self, billing: Any) -> None:
        offer = await self._offer(billing, MONTHLY)
        customer = await self._customer(billing)
        made = await billing.subscribe(customer, offer, purchase_id=_PURCHASE, key="subscribe")
        assert (made.status, made.price_id) == ("incomplete", offer.price_id)

    @check("With the secret that the provider's own form pays it with")
    async def test_a_subscription_comes_with_its_secret(self, billing: Any) -> None:
        offer = await self._offer(billing, MONTHLY)
        customer = await self._customer(billing)
        made = await billing.subscribe(customer, offer, purchase_id=_PURCHASE, key="subscribe")
        assert made.client_secret
        assert made.client_secret not in repr(made)

    @check("The customer's subscription that carries ``purchase_id``, whatever became of it.")
    async def test_only_the_purchases_subscription_is_found(self, billing: Any) -> None:
        bought = await self._bought(billing)
        assert await billing.begun(bought.customer_id, "another-purchase") is None
        other = await self._customer(billing, "another-account")
        assert await billing.begun(other, _PURCHASE) is None

    @check("Go over to another plan")
    async def test_a_dearer_plan_that_is_paid_is_there(self, billing: Any) -> None:
        bought, dearer = await self._bought(billing), await self._offer(billing, DEARER)
        after = await billing.switch(bought.id, dearer, key="switch")
        assert (after.id, after.price_id) == (bought.id, dearer.price_id)

    @check("Let it end with its period; doing it twice is doing it once.")
    async def test_it_ends_with_its_period(self, billing: Any) -> None:
        bought = await self._bought(billing)
        for key in ("end", "end again"):
            ending = await billing.end_with_period(bought.id, key=key)
            assert (ending.status, ending.cancel_at) == ("active", bought.period_end)

    @check("Take that back while it has not ended.")
    async def test_it_goes_on(self, billing: Any) -> None:
        bought = await self._bought(billing)
        await billing.end_with_period(bought.id, key="end")
        assert (await billing.go_on(bought.id, key="go on")).cancel_at is None

    @check("The customer's ways to pay, the default one first.")
    async def test_the_card_that_paid_is_a_way_to_pay(self, billing: Any) -> None:
        bought = await self._bought(billing)
        methods = await billing.payment_methods(bought.customer_id)
        assert [method.is_default for method in methods] == [True]

    @check("``NotFound`` when it is not the customer's.")
    async def test_another_customers_way_to_pay_is_not_found(self, billing: Any) -> None:
        bought, other = await self._bought(billing), await self._customer(billing, "another")
        [theirs] = await billing.payment_methods(bought.customer_id)
        for deed in (billing.choose_payment_method, billing.remove_payment_method):
            with pytest.raises(NotFound):
                await deed(other, theirs.id)
        assert await billing.payment_methods(bought.customer_id) == [theirs]

    @check("The customer's bills, newest first; drafts are not among them.")
    async def test_the_first_bill_is_listed(self, billing: Any) -> None:
        bought = await self._bought(billing)
        bills = await billing.invoices(bought.customer_id, limit=10, offset=0)
        paid = [(bill.status, bill.amount_paid, bill.currency) for bill in bills]
        assert paid == [("paid", 2900, "usd")]
        assert await billing.invoices(bought.customer_id, limit=10, offset=1) == []

    # --- ReportsPayments ------------------------------------------------------------------------

    @check("Verify a report; ``InvalidSignature``")
    async def test_a_report_that_was_changed_is_not_believed(self, billing: Any) -> None:
        await self._customer(billing)
        for report in await self.reports():
            with pytest.raises(InvalidSignature):
                await billing.receive(replace(report, body=report.body + b" "))
            with pytest.raises(InvalidSignature):
                await billing.receive(replace(report, headers={}))

    @check("A verified report of the payment provider: look at this thing.")
    async def test_a_report_tells_what_to_look_at(self, billing: Any) -> None:
        customer = await self._customer(billing)
        await self.pay(await self._page(billing, customer, PACK))
        notices = [await billing.receive(report) for report in await self.reports()]
        assert all(isinstance(notice, PaymentNotice) for notice in notices)
        told = {notice.object_id for notice in notices if notice.kind == "purchase"}
        seen = [await billing.look("purchase", one) for one in sorted(filter(None, told))]
        bought = [one for one in seen if isinstance(one, PaidPurchase)]
        assert [(one.paid, one.purchase_id) for one in bought] == [(True, _PURCHASE)]
        assert (bought[0].customer_id, bought[0].amount_cents) == (customer, PACK.amount_cents)

    @check("the same for every delivery of one event")
    async def test_every_delivery_of_one_event_has_one_id(self, billing: Any) -> None:
        await self._customer(billing)
        for report in await self.reports():
            first, second = await billing.receive(report), await billing.receive(report)
            assert first == second
            assert first.event_id

    @check("The latest state of one thing; None when there is no such thing.")
    async def test_there_is_nothing_where_nothing_is(self, billing: Any) -> None:
        for kind in ("customer", "subscription", "purchase"):
            assert await billing.look(kind, "nothing-has-this-id") is None

    @check("Every thing of a kind that was made since (Unix seconds), as it is now")
    async def test_all_things_are_as_they_look(self, billing: Any) -> None:
        bought = await self._bought(billing)
        for kind, id in (("subscription", bought.id), ("customer", bought.customer_id)):
            seen = [one async for one in billing.all_of(kind, since=bought.created_at - 60)]
            assert seen == [await billing.look(kind, id)]
            later = billing.all_of(kind, since=bought.created_at + 3600)
            assert [one async for one in later] == []

    # --- MetersUsage, ListsPrices ---------------------------------------------------------------

    @check("How many images were told of that were had in whole minutes")
    async def test_one_key_is_counted_once(self, billing: Any) -> None:
        await billing.publish(OVERAGE)
        customer, at = await self._customer(billing), await self.now()
        for key in ("one", "one", "two"):
            await billing.meter(customer, 2, at=at, key=key)
        minute = at - at % 60
        assert await billing.metered(customer, since=minute, until=minute + 60) == 4
        assert await billing.metered(customer, since=minute - 60, until=minute) == 0

    @check("The id of the price of exactly that listing, which is made where it is not there.")
    async def test_every_listing_has_one_price(self, billing: Any) -> None:
        listings = (MONTHLY, replace(MONTHLY, amount_cents=3900), DEARER, OVERAGE, PACK)
        first = [await billing.publish(one) for one in listings]
        assert len(set(first)) == len(listings)
        assert [await billing.publish(one) for one in listings] == first
