"""Billing backends whose reports, ends, counts or prices break one sentence each."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

from msgspec.structs import replace

from staging_core.errors import Busy, InvalidCallback
from staging_core.models import (
    Callback,
    Face,
    Listing,
    PaidCustomer,
    PaidSubscription,
    PaymentNews,
    PaymentNotice,
)
from staging_core.testing.fake_payments import FakePayments, reported

from .at_the_fake import anew, broken_at_the_fake
from .taking_payments import BROKEN_TAKING_PAYMENTS

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
        return replace(await super().receive(callback), event_id=anew())


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


# --- NamesEvents ---------------------------------------------------------------------------------


class TellsOfEveryEvent(FakePayments):
    """Calls whatever happens to a subscription a bill that was paid."""

    def news_of(self, type: str) -> PaymentNews | None:
        return "bill.paid" if type == "subscription.changed" else super().news_of(type)


class TakesAnybodyForThePayer(FakePayments):
    """Has a customer for every payment, also for one that is not there."""

    async def payer(self, payment_id: str) -> str | None:
        return await super().payer(payment_id) or "somebody"


# --- EndsPayments --------------------------------------------------------------------------------


class LeavesPagesOpen(FakePayments):
    """Ends subscriptions only."""

    async def end_payments(self, customer_id: str) -> None:
        pages = self.provider.pages
        await super().end_payments(customer_id)
        self.provider.pages = pages


class EndsEverybodys(FakePayments):
    """Does not look whose subscription it is."""

    async def end_payments(self, customer_id: str) -> None:
        for customer in self.provider.customers:
            await super().end_payments(customer)


class GivesItBack(FakePayments):
    """Takes back what was paid."""

    async def end_payments(self, customer_id: str) -> None:
        await super().end_payments(customer_id)
        bills = self.provider.bills.get(customer_id, [])
        bills[:] = [replace(bill, amount_paid=0) for bill in bills]


# --- WithdrawsOffers -----------------------------------------------------------------------------


class WithdrawsTheFormOnly(FakePayments):
    """Leaves the page."""

    async def withdraw(self, customer_id: str, purchase_id: str) -> PaidSubscription | None:
        pages = self.provider.pages
        seen = await super().withdraw(customer_id, purchase_id)
        self.provider.pages = pages
        return seen


class WithdrawsWhatIsPaid(FakePayments):
    """Ends it, whoever has paid."""

    async def withdraw(self, customer_id: str, purchase_id: str) -> PaidSubscription | None:
        seen = await super().withdraw(customer_id, purchase_id)
        if seen is not None and seen.status == "active":
            self.provider.end(seen.id)
        return seen


class WithdrawsAll(FakePayments):
    """Does not look which purchase is meant."""

    async def withdraw(self, customer_id: str, purchase_id: str) -> PaidSubscription | None:
        for one in list(self.provider.subscriptions.values()):
            await super().withdraw(one.customer_id, one.purchase_id or "")
        return await super().withdraw(customer_id, purchase_id)


# --- DescribesCustomers --------------------------------------------------------------------------


class TakesItForAnother(FakePayments):
    """Makes somebody else of a customer who says who they are."""

    async def describe_customer(self, customer_id: str, face: Face) -> None:
        known = self.provider.customers[customer_id]
        self.provider.customers[customer_id] = replace(known, account_id=face.name)


# --- MetersUsage, ListsPrices --------------------------------------------------------------------


class CountsTwice(FakePayments):
    """Counts images again under the same key."""

    async def meter(self, customer_id: str, images: int, *, at: float, key: str) -> None:
        await super().meter(customer_id, images, at=at, key=anew())


class CountsAllTime(FakePayments):
    """Does not look which minutes are asked for."""

    async def metered(self, customer_id: str, *, since: float, until: float) -> int:
        return await super().metered(customer_id, since=0, until=math.inf)


class ChargesNothingBeyond(FakePayments):
    """Leaves the subscription as it is."""

    async def charge_beyond(self, subscription_id: str, *of: Any, **named: Any) -> PaidSubscription:
        return self.provider.subscriptions[subscription_id]


class ChargesTwice(FakePayments):
    """Keeps the old price beside the new one."""

    async def charge_beyond(
        self, subscription_id: str, price_id: str | None, *, instead_of: tuple[str, ...], key: str
    ) -> PaidSubscription:
        old = instead_of if price_id is None else ()
        return await super().charge_beyond(subscription_id, price_id, instead_of=old, key=key)


class UndoesWhatWaits(FakePayments):
    """Forgets a change that waits for its payment."""

    async def charge_beyond(
        self, subscription_id: str, price_id: str | None, **named: Any
    ) -> PaidSubscription:
        with suppress(Busy):
            return await super().charge_beyond(subscription_id, price_id, **named)
        return self.provider.subscriptions[subscription_id]


class MakesAPriceEachTime(FakePayments):
    """Finds no price again."""

    async def publish(self, listing: Listing) -> str:
        return await super().publish(replace(listing, name=anew()))


class RaisesPricesForAll(FakePayments):
    """Has everybody pay the newest price of a plan."""

    async def publish(self, listing: Listing) -> str:
        price_id = await super().publish(listing)
        for one in list(self.provider.subscriptions.values()):
            if one.price_id == self.provider.price(replace(listing, amount_cents=2900)):
                self.provider.subscriptions[one.id] = replace(one, price_id=price_id)
        return price_id


class FindsAllPricesFit(FakePayments):
    """Does not look what a price is of."""

    async def unfit(self, price_id: str, kind: Any) -> str | None:
        return None


class FindsAllPricesAlike(FakePayments):
    """Does not look what a price charges."""

    async def unlike(self, price_id: str, listing: Listing) -> str | None:
        return None


BROKEN_PAYMENTS = (
    *BROKEN_TAKING_PAYMENTS,
    broken_at_the_fake(BelievesAnybody, "test_a_report_that_was_changed_is_not_believed"),
    broken_at_the_fake(ShowsItsParser, "test_a_report_that_makes_no_sense_is_invalid"),
    broken_at_the_fake(AsksTheProvider, "test_a_report_is_verified_while_the_provider_is_away"),
    broken_at_the_fake(SaysNothing, "test_a_report_tells_what_to_look_at"),
    broken_at_the_fake(
        CountsDeliveries,
        "test_every_delivery_of_one_event_has_one_id",
        "test_what_was_not_delivered_is_missed",
    ),
    broken_at_the_fake(SeesGhosts, "test_there_is_nothing_where_nothing_is"),
    broken_at_the_fake(KnowsNoTime, "test_all_things_are_as_they_look"),
    broken_at_the_fake(ForgetsWhatItLost, "test_what_was_not_delivered_is_missed"),
    broken_at_the_fake(TellsOfEveryEvent, "test_a_bill_that_is_paid_is_told_once"),
    broken_at_the_fake(TakesAnybodyForThePayer, "test_what_nobody_paid_has_no_payer"),
    broken_at_the_fake(LeavesPagesOpen, "test_nothing_is_paid_any_more"),
    broken_at_the_fake(EndsEverybodys, "test_ending_what_has_ended_does_nothing"),
    broken_at_the_fake(GivesItBack, "test_the_end_gives_nothing_back"),
    broken_at_the_fake(WithdrawsTheFormOnly, "test_what_was_withdrawn_is_not_paid"),
    broken_at_the_fake(WithdrawsWhatIsPaid, "test_what_is_paid_is_not_withdrawn"),
    broken_at_the_fake(WithdrawsAll, "test_withdrawing_nothing_does_nothing"),
    broken_at_the_fake(TakesItForAnother, "test_who_a_customer_is_may_be_told_again"),
    broken_at_the_fake(CountsTwice, "test_one_key_is_counted_once"),
    broken_at_the_fake(CountsAllTime, "test_what_was_metered_is_counted_by_its_minute"),
    broken_at_the_fake(
        ChargesNothingBeyond,
        "test_what_is_metered_is_charged_at_a_price",
        "test_one_price_takes_the_place_of_another",
        "test_a_change_that_waits_is_not_undone",
    ),
    broken_at_the_fake(ChargesTwice, "test_one_price_takes_the_place_of_another"),
    broken_at_the_fake(UndoesWhatWaits, "test_a_change_that_waits_is_not_undone"),
    broken_at_the_fake(
        MakesAPriceEachTime,
        "test_every_listing_has_one_price",
        "test_going_back_to_what_was_paid_costs_nothing",
    ),
    broken_at_the_fake(FindsAllPricesFit, "test_a_price_is_fit_for_what_it_is_of"),
    broken_at_the_fake(FindsAllPricesAlike, "test_a_price_that_charges_something_else_is_seen"),
    broken_at_the_fake(RaisesPricesForAll, "test_a_price_stays_for_those_who_pay_it"),
)
