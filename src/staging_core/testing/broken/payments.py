"""Billing backends through which accounts pay, and that break one sentence each."""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, ClassVar

from msgspec.structs import replace

from staging_core.errors import InvalidCallback, NotFound, PaymentRefused, PaymentsUnavailable
from staging_core.interfaces import BillingContext
from staging_core.models import (
    Callback,
    Invoice,
    Listing,
    Offer,
    PaidCustomer,
    PaidSubscription,
    PaymentMethod,
    PaymentNotice,
)
from staging_core.testing.conformance import PaymentsConformance
from staging_core.testing.fake_payments import FakePayments, reported, signed
from staging_core.testing.fake_provider import FakeProvider
from staging_core.urls import BackendURL

from .row import Broken

_NUMBERS = itertools.count()


class AtTheFake(PaymentsConformance):
    """The suite at a provider in memory, with ``subject`` for a backend."""

    subject: ClassVar[type[FakePayments]] = FakePayments
    plugins = ()
    provider: FakeProvider

    @asynccontextmanager
    async def open(self, home: Path, url: Any = None) -> AsyncIterator[Any]:
        """A provider that has no prices but those that are published."""
        self.provider = FakeProvider({})

        @asynccontextmanager
        async def opener(_: BackendURL, context: BillingContext) -> AsyncIterator[FakePayments]:
            yield self.subject(context.standings, self.provider)

        async with super().open(home, opener) as billing:
            yield billing

    async def pay(self, url: str) -> None:
        """On the page."""
        self.provider.pay_page(url)

    async def reports(self) -> list[Callback]:
        """Signed as the provider signs them."""
        return [signed(self.provider, notice) for notice in self.provider.events]

    async def signed(self, body: bytes) -> Callback:
        """By the provider."""
        return reported(self.provider, body)

    async def have_card(self, customer_id: str, *, pays: bool) -> None:
        """A card that pays, or is declined."""
        self.provider.new_card(customer_id, pays=pays)

    async def deliver(self, *, well: bool) -> None:
        """What is not delivered is kept by the provider."""
        self.provider.delivers = well

    @asynccontextmanager
    async def away(self) -> AsyncIterator[None]:
        """No call is answered."""
        self.provider.away = True
        yield
        self.provider.away = False

    async def now(self) -> float:
        """The provider goes by the real time."""
        return time.time()


def _anew() -> str:
    """A key that nobody has used."""
    return f"key {next(_NUMBERS)}"


# --- TakesPayments -------------------------------------------------------------------------------


class NamesAProduct(FakePayments):
    """Has a name that is no short word."""

    @property
    def source(self) -> str:
        return "Fake, Inc."


class TellsNobodyWhose(FakePayments):
    """Writes into no customer whose it is, and knows it by other means."""

    async def look(self, kind: Any, object_id: str) -> Any:
        seen = await super().look(kind, object_id)
        return replace(seen, account_id=None) if isinstance(seen, PaidCustomer) else seen

    async def all_of(self, kind: Any, *, since: float) -> AsyncIterator[Any]:
        async for one in super().all_of(kind, since=since):
            yield replace(one, account_id=None) if isinstance(one, PaidCustomer) else one


class MakesTwoCustomers(FakePayments):
    """Makes a customer again under the same key."""

    async def make_customer(self, account_id: str, **named: Any) -> str:
        return await super().make_customer(account_id, **{**named, "key": _anew()})


class FindsTheNewest(FakePayments):
    """Finds the youngest customer."""

    async def find_customer(self, account_id: str, *, since: float) -> PaidCustomer | None:
        found = [one async for one in self.all_of("customer", since=since)]
        its = [one for one in found if isinstance(one, PaidCustomer)]
        return next((one for one in its[::-1] if one.account_id == account_id), None)


class BuysBeforeItIsPaid(FakePayments):
    """Begins a subscription as soon as there is a page."""

    async def checkout(self, customer_id: str, offer: Offer, **named: Any) -> str:
        if offer.kind == "plan":
            self.provider.new_subscription(customer_id, offer, "nobodys")
        return await super().checkout(customer_id, offer, **named)


class LosesThePurchase(FakePayments):
    """Does not say by which purchase a subscription began."""

    async def begun(self, customer_id: str, purchase_id: str) -> PaidSubscription | None:
        found = await super().begun(customer_id, purchase_id)
        return None if found is None else replace(found, purchase_id=None)


class TellsItOtherwise(FakePayments):
    """Tells of a subscription that was begun what ``told`` says."""

    def told(self, made: PaidSubscription) -> PaidSubscription:
        return made

    async def subscribe(self, customer_id: str, offer: Offer, **named: Any) -> PaidSubscription:
        return self.told(await super().subscribe(customer_id, offer, **named))


class IsActiveAtOnce(TellsItOtherwise):
    """Calls active what nobody has paid."""

    def told(self, made: PaidSubscription) -> PaidSubscription:
        return replace(made, status="active") if made.status == "incomplete" else made


class KeepsTheSecret(TellsItOtherwise):
    """Gives nothing to pay a subscription with."""

    def told(self, made: PaidSubscription) -> PaidSubscription:
        return replace(made, client_secret=None) if made.status == "incomplete" else made


class WantsMoneyForFreeDays(TellsItOtherwise):
    """Calls a trial incomplete."""

    def told(self, made: PaidSubscription) -> PaidSubscription:
        return replace(made, status="incomplete") if made.status == "trialing" else made


class BeginsTwice(FakePayments):
    """Begins a subscription again under the same key."""

    async def subscribe(self, customer_id: str, offer: Offer, **named: Any) -> PaidSubscription:
        return await super().subscribe(customer_id, offer, **{**named, "key": _anew()})


class SaysItIsAway(FakePayments):
    """Calls a refusal a provider that is away, so that it is asked again and again."""

    async def subscribe(self, customer_id: str, offer: Offer, **named: Any) -> PaidSubscription:
        try:
            return await super().subscribe(customer_id, offer, **named)
        except PaymentRefused as refused:
            raise PaymentsUnavailable() from refused


class FailsInItsOwnWords(FakePayments):
    """Raises what its connection raises."""

    async def payment_methods(self, customer_id: str) -> list[PaymentMethod]:
        try:
            return await super().payment_methods(customer_id)
        except PaymentsUnavailable as away:
            raise ConnectionError("refused") from away


class TakesAnySubscription(FakePayments):
    """Finds any subscription for a purchase."""

    async def begun(self, customer_id: str, purchase_id: str) -> PaidSubscription | None:
        return next(iter(self.provider.subscriptions.values()), None)


class StaysWhereItIs(FakePayments):
    """Tells of the old plan when the new one is paid."""

    async def switch(self, subscription_id: str, offer: Offer, *, key: str) -> PaidSubscription:
        before = self.provider.subscriptions[subscription_id]
        after = await super().switch(subscription_id, offer, key=key)
        return replace(after, price_id=before.price_id) if after.status == "active" else after


class ForgetsWhatWasPaid(FakePayments):
    """Bills all of the dearer plan."""

    async def switch(self, subscription_id: str, offer: Offer, *, key: str) -> PaidSubscription:
        after = await super().switch(subscription_id, offer, key=key)
        bills = self.provider.bills.get(after.customer_id, [])
        if after.price_id == offer.price_id and bills:
            bills[-1] = replace(bills[-1], amount_paid=self.provider.amount(offer.price_id))
        return after


class IsThereUnpaid(FakePayments):
    """Goes over to the dearer plan before its bill is paid."""

    async def switch(self, subscription_id: str, offer: Offer, *, key: str) -> PaidSubscription:
        after = await super().switch(subscription_id, offer, key=key)
        return replace(after, price_id=offer.price_id)


class WaitsInATrial(FakePayments):
    """Waits for a bill that no trial has."""

    async def switch(self, subscription_id: str, offer: Offer, *, key: str) -> PaidSubscription:
        before = self.provider.subscriptions[subscription_id]
        if before.status == "trialing":
            return before
        return await super().switch(subscription_id, offer, key=key)


class NeverEnds(FakePayments):
    """Lets it go on."""

    async def end_with_period(self, subscription_id: str, *, key: str) -> PaidSubscription:
        return self.provider.subscriptions[subscription_id]


class EndsAnyway(FakePayments):
    """Lets it end."""

    async def go_on(self, subscription_id: str, *, key: str) -> PaidSubscription:
        return self.provider.subscriptions[subscription_id]


class HasNoDefault(FakePayments):
    """Does not say which way to pay comes first."""

    async def payment_methods(self, customer_id: str) -> list[PaymentMethod]:
        found = await super().payment_methods(customer_id)
        return [replace(one, is_default=False) for one in found]


class ChoosesNothing(FakePayments):
    """Pays as before."""

    async def choose_payment_method(self, customer_id: str, method_id: str) -> None:
        self._methods_with(customer_id, method_id)


class RemovesNothing(FakePayments):
    """Forgets nothing."""

    async def remove_payment_method(self, customer_id: str, method_id: str) -> None:
        self._methods_with(customer_id, method_id)


class TakesAnybodysCard(FakePayments):
    """Does not look whose card it is."""

    async def choose_payment_method(self, customer_id: str, method_id: str) -> None:
        with suppress(NotFound):
            await super().choose_payment_method(customer_id, method_id)


class HasOnePageForAll(FakePayments):
    """Leads everybody to the same page."""

    async def portal(self, customer_id: str, *, return_url: str) -> str:
        return "https://pay.example/portal"


class ListsTheOldestFirst(FakePayments):
    """Lists bills as they were written."""

    async def invoices(self, customer_id: str, *, limit: int, offset: int) -> list[Invoice]:
        return self.provider.bills.get(customer_id, [])[offset : offset + limit]


# --- ReportsPayments -----------------------------------------------------------------------------


class BelievesAnybody(FakePayments):
    """Does not look who has signed a report."""

    async def receive(self, callback: Callback) -> PaymentNotice:
        return await super().receive(reported(self.provider, callback.body))


class ShowsItsParser(FakePayments):
    """Raises what its parser raises."""

    async def receive(self, callback: Callback) -> PaymentNotice:
        try:
            return await super().receive(callback)
        except InvalidCallback as invalid:
            raise ValueError("malformed") from invalid


class AsksTheProvider(FakePayments):
    """Asks the provider what a report is about."""

    async def receive(self, callback: Callback) -> PaymentNotice:
        await self.provider.asked("receive")
        return await super().receive(callback)


class SaysNothing(FakePayments):
    """Names nothing to look at."""

    async def receive(self, callback: Callback) -> PaymentNotice:
        return replace(await super().receive(callback), kind=None, object_id=None)


class CountsDeliveries(FakePayments):
    """Gives each delivery of an event an id of its own."""

    async def receive(self, callback: Callback) -> PaymentNotice:
        return replace(await super().receive(callback), event_id=_anew())


class SeesGhosts(FakePayments):
    """Has a customer of any id."""

    async def look(self, kind: Any, object_id: str) -> Any:
        seen = await super().look(kind, object_id)
        if seen is None and kind == "customer":
            return PaidCustomer(id=object_id, account_id=None)
        return seen


class KnowsNoTime(FakePayments):
    """Lists all that ever was."""

    def all_of(self, kind: Any, *, since: float) -> AsyncIterator[Any]:
        return super().all_of(kind, since=0)


class ForgetsWhatItLost(FakePayments):
    """Has delivered everything, it thinks."""

    async def missed(self, *, since: float) -> AsyncIterator[PaymentNotice]:
        nothing: list[PaymentNotice] = []
        for notice in nothing:
            yield notice


# --- MetersUsage, ListsPrices --------------------------------------------------------------------


class CountsTwice(FakePayments):
    """Counts images again under the same key."""

    async def meter(self, customer_id: str, images: int, *, at: float, key: str) -> None:
        await super().meter(customer_id, images, at=at, key=_anew())


class CountsAllTime(FakePayments):
    """Does not look which minutes are asked for."""

    async def metered(self, customer_id: str, *, since: float, until: float) -> int:
        return await super().metered(customer_id, since=0, until=math.inf)


class MakesAPriceEachTime(FakePayments):
    """Finds no price again."""

    async def publish(self, listing: Listing) -> str:
        return await super().publish(replace(listing, name=_anew()))


class RaisesPricesForAll(FakePayments):
    """Has everybody pay the newest price of a plan."""

    async def publish(self, listing: Listing) -> str:
        price_id = await super().publish(listing)
        for one in list(self.provider.subscriptions.values()):
            if one.price_id == self.provider.price(replace(listing, amount_cents=2900)):
                self.provider.subscriptions[one.id] = replace(one, price_id=price_id)
        return price_id


def _payments(backend: type[FakePayments], *fails: str) -> Broken:
    suite = type(backend.__name__, (AtTheFake,), {"subject": backend})
    return Broken(backend.__name__, suite, frozenset(fails))


BROKEN_PAYMENTS = (
    _payments(NamesAProduct, "test_a_source_is_a_short_word"),
    _payments(TellsNobodyWhose, "test_a_customer_says_whose_it_is"),
    _payments(MakesTwoCustomers, "test_one_key_makes_one_customer"),
    _payments(FindsTheNewest, "test_the_oldest_customer_is_found"),
    _payments(
        BuysBeforeItIsPaid,
        "test_a_page_buys_nothing_by_itself",
        "test_all_things_are_as_they_look",
    ),
    _payments(LosesThePurchase, "test_a_plan_that_was_bought_carries_its_purchase"),
    _payments(IsActiveAtOnce, "test_a_subscription_begins_incomplete"),
    _payments(KeepsTheSecret, "test_a_subscription_comes_with_its_secret"),
    _payments(WantsMoneyForFreeDays, "test_free_days_begin_at_once"),
    _payments(BeginsTwice, "test_one_key_begins_one_subscription"),
    _payments(SaysItIsAway, "test_what_nobody_sells_is_refused"),
    _payments(FailsInItsOwnWords, "test_a_provider_that_is_away_is_unavailable"),
    _payments(TakesAnySubscription, "test_only_the_purchases_subscription_is_found"),
    _payments(StaysWhereItIs, "test_a_dearer_plan_that_is_paid_is_there"),
    _payments(ForgetsWhatWasPaid, "test_a_dearer_plan_that_is_paid_is_there"),
    _payments(IsThereUnpaid, "test_a_dearer_plan_that_is_not_paid_is_not_there"),
    _payments(WaitsInATrial, "test_a_dearer_plan_is_there_at_once_in_a_trial"),
    _payments(NeverEnds, "test_it_ends_with_its_period"),
    _payments(EndsAnyway, "test_it_goes_on"),
    _payments(
        HasNoDefault,
        "test_the_card_that_paid_is_a_way_to_pay",
        "test_the_way_to_pay_that_was_chosen_comes_first",
    ),
    _payments(ChoosesNothing, "test_the_way_to_pay_that_was_chosen_comes_first"),
    _payments(RemovesNothing, "test_a_way_to_pay_that_was_removed_is_gone"),
    _payments(TakesAnybodysCard, "test_another_customers_way_to_pay_is_not_found"),
    _payments(HasOnePageForAll, "test_a_customer_has_a_page_of_its_own"),
    _payments(ListsTheOldestFirst, "test_bills_are_listed_newest_first"),
    _payments(BelievesAnybody, "test_a_report_that_was_changed_is_not_believed"),
    _payments(ShowsItsParser, "test_a_report_that_makes_no_sense_is_invalid"),
    _payments(AsksTheProvider, "test_a_report_is_verified_while_the_provider_is_away"),
    _payments(SaysNothing, "test_a_report_tells_what_to_look_at"),
    _payments(
        CountsDeliveries,
        "test_every_delivery_of_one_event_has_one_id",
        "test_what_was_not_delivered_is_missed",
    ),
    _payments(SeesGhosts, "test_there_is_nothing_where_nothing_is"),
    _payments(KnowsNoTime, "test_all_things_are_as_they_look"),
    _payments(ForgetsWhatItLost, "test_what_was_not_delivered_is_missed"),
    _payments(CountsTwice, "test_one_key_is_counted_once"),
    _payments(CountsAllTime, "test_what_was_metered_is_counted_by_its_minute"),
    _payments(MakesAPriceEachTime, "test_every_listing_has_one_price"),
    _payments(RaisesPricesForAll, "test_a_price_stays_for_those_who_pay_it"),
)
