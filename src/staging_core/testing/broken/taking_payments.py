"""Billing backends through which accounts pay, and that break one sentence of it each."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

from msgspec.structs import replace

from staging_core.errors import AskedOtherwise, NotFound, PaymentRefused, PaymentsUnavailable
from staging_core.models import Invoice, Offer, PaidCustomer, PaidSubscription, PaymentMethod
from staging_core.testing.fake_payments import FakePayments

from .at_the_fake import anew, broken_at_the_fake


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
        return await super().make_customer(account_id, **{**named, "key": anew()})


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
        return await super().subscribe(customer_id, offer, **{**named, "key": anew()})


class SaysItIsAway(FakePayments):
    """Calls a refusal a provider that is away, so that it is asked again and again."""

    async def subscribe(self, customer_id: str, offer: Offer, **named: Any) -> PaidSubscription:
        try:
            return await super().subscribe(customer_id, offer, **named)
        except PaymentRefused as refused:
            raise PaymentsUnavailable() from refused


class AnswersAnotherCall(FakePayments):
    """Answers any call under a key as it answered the first."""

    async def subscribe(self, customer_id: str, offer: Offer, **named: Any) -> PaidSubscription:
        try:
            return await super().subscribe(customer_id, offer, **named)
        except AskedOtherwise:
            return next(iter(self.provider.subscriptions.values()))


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


class BillsAgain(FakePayments):
    """Forgets what this period was paid for when a smaller plan is chosen."""

    async def switch(self, subscription_id: str, offer: Offer, *, key: str) -> PaidSubscription:
        after = await super().switch(subscription_id, offer, key=key)
        return self.provider.keep(replace(after, paid_price_id=None))


class RemembersTheFirst(FakePayments):
    """Takes what this period was paid for first for all that was paid."""

    async def switch(self, subscription_id: str, offer: Offer, *, key: str) -> PaidSubscription:
        first = self.provider.subscriptions[subscription_id].paid_price_id
        after = await super().switch(subscription_id, offer, key=key)
        return after if first is None else self.provider.keep(replace(after, paid_price_id=first))


class GivesBack(FakePayments):
    """Takes off a bill what a cheaper plan costs less."""

    async def switch(self, subscription_id: str, offer: Offer, *, key: str) -> PaidSubscription:
        after = await super().switch(subscription_id, offer, key=key)
        if after.paid_price_id not in (None, offer.price_id):
            bills = self.provider.bills[after.customer_id]
            bills[-1] = replace(bills[-1], amount_paid=self.provider.amount(offer.price_id))
        return after


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


BROKEN_TAKING_PAYMENTS = (
    broken_at_the_fake(NamesAProduct, "test_a_source_is_a_short_word"),
    broken_at_the_fake(TellsNobodyWhose, "test_a_customer_says_whose_it_is"),
    broken_at_the_fake(MakesTwoCustomers, "test_one_key_makes_one_customer"),
    broken_at_the_fake(FindsTheNewest, "test_the_oldest_customer_is_found"),
    broken_at_the_fake(
        BuysBeforeItIsPaid,
        "test_a_page_buys_nothing_by_itself",
        "test_all_things_are_as_they_look",
        "test_what_was_withdrawn_is_not_paid",
    ),
    broken_at_the_fake(
        LosesThePurchase,
        "test_a_plan_that_was_bought_carries_its_purchase",
        "test_what_was_withdrawn_is_not_paid",
        "test_what_is_paid_is_not_withdrawn",
    ),
    broken_at_the_fake(IsActiveAtOnce, "test_a_subscription_begins_incomplete"),
    broken_at_the_fake(KeepsTheSecret, "test_a_subscription_comes_with_its_secret"),
    broken_at_the_fake(WantsMoneyForFreeDays, "test_free_days_begin_at_once"),
    broken_at_the_fake(
        BeginsTwice, "test_one_key_begins_one_subscription", "test_one_key_is_for_one_call"
    ),
    broken_at_the_fake(
        SaysItIsAway, "test_what_nobody_sells_is_refused", "test_one_key_is_for_one_call"
    ),
    broken_at_the_fake(AnswersAnotherCall, "test_one_key_is_for_one_call"),
    broken_at_the_fake(FailsInItsOwnWords, "test_a_provider_that_is_away_is_unavailable"),
    broken_at_the_fake(TakesAnySubscription, "test_only_the_purchases_subscription_is_found"),
    broken_at_the_fake(
        StaysWhereItIs,
        "test_a_dearer_plan_that_is_paid_is_there",
        "test_a_cheaper_plan_gives_no_money_back",
        "test_going_back_to_what_was_paid_costs_nothing",
    ),
    broken_at_the_fake(
        ForgetsWhatWasPaid,
        "test_a_dearer_plan_that_is_paid_is_there",
        "test_a_cheaper_plan_gives_no_money_back",
        "test_going_back_to_what_was_paid_costs_nothing",
    ),
    broken_at_the_fake(IsThereUnpaid, "test_a_dearer_plan_that_is_not_paid_is_not_there"),
    broken_at_the_fake(WaitsInATrial, "test_a_dearer_plan_is_there_at_once_in_a_trial"),
    broken_at_the_fake(
        GivesBack,
        "test_a_cheaper_plan_gives_no_money_back",
        "test_going_back_to_what_was_paid_costs_nothing",
    ),
    broken_at_the_fake(BillsAgain, "test_going_back_to_what_was_paid_costs_nothing"),
    broken_at_the_fake(RemembersTheFirst, "test_going_back_to_what_was_paid_costs_nothing"),
    broken_at_the_fake(NeverEnds, "test_it_ends_with_its_period"),
    broken_at_the_fake(EndsAnyway, "test_it_goes_on"),
    broken_at_the_fake(
        HasNoDefault,
        "test_the_card_that_paid_is_a_way_to_pay",
        "test_the_way_to_pay_that_was_chosen_comes_first",
    ),
    broken_at_the_fake(ChoosesNothing, "test_the_way_to_pay_that_was_chosen_comes_first"),
    broken_at_the_fake(RemovesNothing, "test_a_way_to_pay_that_was_removed_is_gone"),
    broken_at_the_fake(TakesAnybodysCard, "test_another_customers_way_to_pay_is_not_found"),
    broken_at_the_fake(HasOnePageForAll, "test_a_customer_has_a_page_of_its_own"),
    broken_at_the_fake(ListsTheOldestFirst, "test_bills_are_listed_newest_first"),
)
