"""Billing backends through which accounts pay. They charge; the core keeps who bought what.

A backend knows nothing of accounts but their ids, and keeps nothing: what a call began is found
again by the ids that the call was given. Under one ``key`` a call has its effect once, also when
its answer was lost, for a day at least; who asks later looks first (``find_customer``, ``look``,
``begun``, ``metered``).

Every call may raise ``Busy`` (ask again later), ``PaymentsUnavailable`` (the provider is away, or
its outcome is unknown: ask again under the same key), and ``PaymentRefused`` (it said no: nothing
was done, and asking again changes nothing). One of these is ``AskedOtherwise`` (under the key
something else was asked before, and what came of that is as it was).
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Protocol

from staging_core.models import (
    Callback,
    Face,
    Invoice,
    Listing,
    Offer,
    OfferKind,
    Paid,
    PaidCustomer,
    PaidKind,
    PaidSubscription,
    PaymentMethod,
    PaymentNews,
    PaymentNotice,
)


class TakesPayments(Protocol):
    """What accounts do to pay. ``customer_id``: the provider's name of the account."""

    @property
    def source(self) -> str:
        """The provider's name, 1 to 32 small letters; it is kept beside every id of it."""
        ...

    async def make_customer(
        self, account_id: str, *, email: str | None, name: str | None, key: str
    ) -> str:
        """Make a customer that says whose it is; its id."""
        ...

    async def find_customer(self, account_id: str, *, since: float) -> PaidCustomer | None:
        """The oldest customer of the account that was made at ``since`` (Unix seconds) or later."""
        ...

    async def checkout(
        self,
        customer_id: str,
        offer: Offer,
        *,
        purchase_id: str,
        success_url: str,
        cancel_url: str,
        key: str,
    ) -> str:
        """The address of a page on which the customer pays; nothing is bought before.

        What is bought there carries ``purchase_id``.
        """
        ...

    async def subscribe(
        self, customer_id: str, offer: Offer, *, purchase_id: str, key: str
    ) -> PaidSubscription:
        """Begin a subscription that is ``incomplete`` until its first bill is paid.

        One with free days is ``trialing`` at once, and is to be given a way to pay for later.
        With the secret that the provider's own form pays it with, where there is one to pay.
        """
        ...

    async def begun(self, customer_id: str, purchase_id: str) -> PaidSubscription | None:
        """The customer's subscription that carries ``purchase_id``, whatever became of it."""
        ...

    async def switch(self, subscription_id: str, offer: Offer, *, key: str) -> PaidSubscription:
        """Go over to another plan; a dearer one costs all of the difference, not a part for days.

        A dearer plan is there when its bill is paid, and not before: until then the subscription
        is as it was, with the secret that the provider's own form pays it with. In a trial nothing
        is to be paid, so that it is there at once.

        A cheaper plan is there at once, and its price counts from the next bill: nothing is given
        back. Until then ``paid_price_id`` says what this period was paid for, and going back to
        that costs nothing.
        """
        ...

    async def end_with_period(self, subscription_id: str, *, key: str) -> PaidSubscription:
        """Let it end with its period; doing it twice is doing it once."""
        ...

    async def go_on(self, subscription_id: str, *, key: str) -> PaidSubscription:
        """Take that back while it has not ended."""
        ...

    async def portal(self, customer_id: str, *, return_url: str) -> str:
        """The address of the provider's own page for this customer, for a short while."""
        ...

    async def payment_methods(self, customer_id: str) -> list[PaymentMethod]:
        """The customer's ways to pay, the default one first."""
        ...

    async def choose_payment_method(self, customer_id: str, method_id: str) -> None:
        """Pay in this way from now on; ``NotFound`` when it is not the customer's."""
        ...

    async def remove_payment_method(self, customer_id: str, method_id: str) -> None:
        """Forget a way to pay; ``NotFound`` when it is not the customer's."""
        ...

    async def invoices(self, customer_id: str, *, limit: int, offset: int) -> list[Invoice]:
        """The customer's bills, newest first; drafts are not among them."""
        ...


class DescribesCustomers(Protocol):
    """A payment provider that writes bills, or works out tax, by who and where a customer is."""

    async def describe_customer(self, customer_id: str, face: Face) -> None:
        """Tell who the customer is, where that is something else than what was told last.

        What is not said stays as the provider has it, and so does what the customer has told the
        provider since, until something else is said.
        """
        ...


class ReportsPayments(Protocol):
    """What a payment provider tells on its own, and when it is asked."""

    async def receive(self, callback: Callback) -> PaymentNotice:
        """Verify a report; ``InvalidSignature``, or ``InvalidCallback`` where it makes no sense.

        Does not ask the provider.
        """
        ...

    async def look(self, kind: PaidKind, object_id: str) -> Paid | None:
        """The latest state of one thing; None when there is no such thing."""
        ...

    def all_of(self, kind: PaidKind, *, since: float) -> AsyncIterator[Paid]:
        """Every thing of a kind that was made since (Unix seconds), as it is now, oldest or newest
        first. Customers that were deleted may be missing.
        """
        ...

    def missed(self, *, since: float) -> AsyncIterator[PaymentNotice]:
        """Events since (Unix seconds) that the provider could not deliver.

        Those of nothing that we keep may be missing.
        """
        ...


class NamesEvents(Protocol):
    """A payment provider whose events tell accounts of what is not kept here, such as bills."""

    def news_of(self, type: str) -> PaymentNews | None:
        """What an event of this ``type`` tells, in our words; None: nothing that is told on."""
        ...

    async def payer(self, payment_id: str) -> str | None:
        """The customer of a payment that is no pack's, as that of a bill; None: it has none."""
        ...


class MetersUsage(Protocol):
    """A payment provider that charges afterwards by what was metered."""

    async def meter(self, customer_id: str, images: int, *, at: float, key: str) -> None:
        """Tell that ``images`` were had at ``at`` (Unix seconds); under one ``key`` once a day.

        ``key``: 1 to 100 characters.
        """
        ...

    async def metered(self, customer_id: str, *, since: float, until: float) -> int:
        """How many images were told of that were had in whole minutes from ``since`` to ``until``.

        Both are whole minutes of Unix time.
        """
        ...

    async def charge_beyond(
        self, subscription_id: str, price_id: str | None, *, instead_of: tuple[str, ...], key: str
    ) -> PaidSubscription:
        """Have the subscription charge what is metered from now on at this price; None: at none.

        It takes the place of the prices ``instead_of``, at which what was metered until now is
        still charged. To ask for what is so already changes nothing. ``Busy`` while a change of
        the subscription waits to be paid.
        """
        ...


class EndsPayments(Protocol):
    """A payment provider at which a customer can be made to pay for nothing any more."""

    async def end_payments(self, customer_id: str) -> None:
        """End all subscriptions of the customer at once, and close the pages it could pay on.

        Nothing is given back; what was metered is billed. Of a customer that has nothing, or is
        gone, this does nothing; doing it twice is doing it once.
        """
        ...


class WithdrawsOffers(Protocol):
    """A payment provider at which what was begun and not paid can be taken back."""

    async def withdraw(self, customer_id: str, purchase_id: str) -> PaidSubscription | None:
        """Nobody can pay any more for the plan of this purchase; its subscription, where it is one.

        One that is paid stays as it is. Of a purchase that nothing is known of this does nothing,
        and neither does it the second time.
        """
        ...


class ListsPrices(Protocol):
    """A payment provider whose catalogue can be written."""

    async def publish(self, listing: Listing) -> str:
        """The id of the price of exactly that listing, which is made where it is not there.

        A price never changes; one of another amount stays for those who pay it.
        """
        ...

    async def unfit(self, price_id: str, kind: OfferKind) -> str | None:
        """Why the price cannot be a plan's, one amount a month, or a pack's, one amount once.

        None where it can, and where there is no such price.
        """
        ...

    async def unlike(self, price_id: str, listing: Listing) -> str | None:
        """What the price charges otherwise than the listing says.

        None where it charges just that, under whatever name; that there is no such price is said.
        """
        ...
