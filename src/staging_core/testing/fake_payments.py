"""``fake-payments:`` takes payments in this process: no provider, no money, by the contract.

``FakePayments`` is plans that accounts pay for. What it knows is a ``FakeProvider``, which outlives
it where a test opens an installation anew, and which the test moves on: it pays, ends and fails.
"""

from __future__ import annotations

import hmac
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import get_args

import msgspec
from msgspec.structs import replace

from staging_core.backends.plan_billing import PlanBilling
from staging_core.errors import (
    InvalidCallback,
    InvalidSignature,
    NotFound,
    PaymentRefused,
    SettingError,
)
from staging_core.interfaces import BillingContext, Standings
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
from staging_core.models.money import as_money
from staging_core.urls import BackendURL

from .fake_provider import FakeProvider

_SIGNATURE = "fake-signature"


class FakePayments(PlanBilling):
    """Implements all contracts of payments beside what ``plans:`` does."""

    def __init__(self, standings: Standings, provider: FakeProvider, source: str = "fake") -> None:
        super().__init__(standings)
        self.provider = provider
        self._source = source

    @property
    def source(self) -> str:
        """``fake`` unless the test says otherwise."""
        return self._source

    # --- TakesPayments ----------------------------------------------------------------------------

    async def make_customer(
        self, account_id: str, *, email: str | None, name: str | None, key: str
    ) -> str:
        """See ``TakesPayments``."""
        asked = ("make_customer", account_id, email, name)
        return await self.provider.once(key, asked, lambda: self.provider.new_customer(account_id))

    async def find_customer(self, account_id: str, *, since: float) -> PaidCustomer | None:
        """See ``TakesPayments``."""
        await self.provider.asked("find_customer")
        found = [
            one
            for one in self.provider.customers.values()
            if one.account_id == account_id and one.created_at >= since and not one.deleted
        ]
        return min(found, key=lambda one: one.created_at, default=None)

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
        """See ``TakesPayments``."""
        asked = ("checkout", customer_id, offer, purchase_id, success_url, cancel_url)
        return await self.provider.once(
            key, asked, lambda: self.provider.new_page(customer_id, offer, purchase_id)
        )

    async def subscribe(
        self, customer_id: str, offer: Offer, *, purchase_id: str, key: str
    ) -> PaidSubscription:
        """See ``TakesPayments``."""
        asked = ("subscribe", customer_id, offer, purchase_id)
        return await self.provider.once(
            key, asked, lambda: self.provider.new_subscription(customer_id, offer, purchase_id)
        )

    async def begun(self, customer_id: str, purchase_id: str) -> PaidSubscription | None:
        """See ``TakesPayments``."""
        await self.provider.asked("begun")
        for one in self.provider.subscriptions.values():
            if (one.customer_id, one.purchase_id) == (customer_id, purchase_id):
                return one
        return None

    async def switch(self, subscription_id: str, offer: Offer, *, key: str) -> PaidSubscription:
        """See ``TakesPayments``."""
        asked = ("switch", subscription_id, offer)
        return await self.provider.once(
            key, asked, lambda: self.provider.switched(subscription_id, offer)
        )

    async def end_with_period(self, subscription_id: str, *, key: str) -> PaidSubscription:
        """See ``TakesPayments``."""
        asked = ("end_with_period", subscription_id)
        return await self.provider.once(
            key, asked, lambda: self.provider.ending(subscription_id, ends=True)
        )

    async def go_on(self, subscription_id: str, *, key: str) -> PaidSubscription:
        """See ``TakesPayments``."""
        asked = ("go_on", subscription_id)
        return await self.provider.once(
            key, asked, lambda: self.provider.ending(subscription_id, ends=False)
        )

    async def portal(self, customer_id: str, *, return_url: str) -> str:
        """See ``TakesPayments``."""
        await self.provider.asked("portal")
        return f"https://pay.example/portal/{customer_id}"

    async def payment_methods(self, customer_id: str) -> list[PaymentMethod]:
        """See ``TakesPayments``."""
        await self.provider.asked("payment_methods")
        found = self.provider.methods.get(customer_id, [])
        return sorted(found, key=lambda one: not one.is_default)

    async def choose_payment_method(self, customer_id: str, method_id: str) -> None:
        """See ``TakesPayments``."""
        await self.provider.asked("choose_payment_method")
        found = self._methods_with(customer_id, method_id)
        found[:] = [replace(one, is_default=one.id == method_id) for one in found]

    async def remove_payment_method(self, customer_id: str, method_id: str) -> None:
        """See ``TakesPayments``."""
        await self.provider.asked("remove_payment_method")
        found = self._methods_with(customer_id, method_id)
        found[:] = [one for one in found if one.id != method_id]

    def _methods_with(self, customer_id: str, method_id: str) -> list[PaymentMethod]:
        found = self.provider.methods.get(customer_id, [])
        if not any(one.id == method_id for one in found):
            raise NotFound(f"There is no way to pay {method_id!r}.")
        return found

    async def invoices(self, customer_id: str, *, limit: int, offset: int) -> list[Invoice]:
        """See ``TakesPayments``."""
        await self.provider.asked("invoices")
        newest_first = self.provider.bills.get(customer_id, [])[::-1]
        return newest_first[offset : offset + limit]

    async def describe_customer(self, customer_id: str, face: Face) -> None:
        """See ``DescribesCustomers``."""
        await self.provider.asked("describe_customer")
        self.provider.faces[customer_id] = face

    # --- ReportsPayments --------------------------------------------------------------------------

    async def receive(self, callback: Callback) -> PaymentNotice:
        """See ``ReportsPayments``; ``FakeProvider`` signs with ``secret``."""
        given = callback.headers.get(_SIGNATURE, "")
        if not hmac.compare_digest(given.encode(), self.provider.signature(callback.body).encode()):
            raise InvalidSignature()
        try:
            return msgspec.json.decode(callback.body, type=PaymentNotice)
        except msgspec.DecodeError as wrong:
            raise InvalidCallback() from wrong

    def news_of(self, type: str) -> PaymentNews | None:
        """See ``NamesEvents``; the provider's types are those words."""
        return type if type in get_args(PaymentNews) else None  # type: ignore[return-value]

    async def payer(self, payment_id: str) -> str | None:
        """See ``NamesEvents``; a bill is its payment here."""
        await self.provider.asked("payer")
        owners = self.provider.bills.items()
        return next((id for id, bills in owners if payment_id in {one.id for one in bills}), None)

    async def look(self, kind: PaidKind, object_id: str) -> Paid | None:
        """See ``ReportsPayments``."""
        await self.provider.asked("look")
        return self.provider.all_of(kind).get(object_id)

    async def all_of(self, kind: PaidKind, *, since: float) -> AsyncIterator[Paid]:
        """See ``ReportsPayments``."""
        await self.provider.asked("all_of")
        for one in list(self.provider.all_of(kind).values()):
            if one.created_at >= since:
                yield one

    async def missed(self, *, since: float) -> AsyncIterator[PaymentNotice]:
        """See ``ReportsPayments``."""
        await self.provider.asked("missed")
        for notice in list(self.provider.undelivered):
            if notice.created_at >= since:
                yield notice

    # --- EndsPayments, WithdrawsOffers, MetersUsage, ListsPrices ----------------------------------

    async def end_payments(self, customer_id: str) -> None:
        """See ``EndsPayments``."""
        await self.provider.asked("end_payments")
        self.provider.end_all(customer_id)

    async def withdraw(self, customer_id: str, purchase_id: str) -> PaidSubscription | None:
        """See ``WithdrawsOffers``."""
        await self.provider.asked("withdraw")
        return self.provider.withdrawn(customer_id, purchase_id)

    async def meter(self, customer_id: str, images: int, *, at: float, key: str) -> None:
        """See ``MetersUsage``."""
        asked = ("meter", customer_id, images, at)
        await self.provider.once(
            f"meter {key}", asked, lambda: self.provider.count(customer_id, images, at)
        )

    async def metered(self, customer_id: str, *, since: float, until: float) -> int:
        """See ``MetersUsage``."""
        await self.provider.asked("metered")
        minutes = self.provider.metered.get(customer_id, {})
        return sum(n for minute, n in minutes.items() if since <= minute * 60 < until)

    async def charge_beyond(
        self, subscription_id: str, price_id: str | None, *, instead_of: tuple[str, ...], key: str
    ) -> PaidSubscription:
        """See ``MetersUsage``."""
        asked = ("charge_beyond", subscription_id, price_id, instead_of)
        return await self.provider.once(
            key, asked, lambda: self.provider.charging(subscription_id, price_id, instead_of)
        )

    async def publish(self, listing: Listing) -> str:
        """See ``ListsPrices``."""
        await self.provider.asked("publish")
        return self.provider.price(listing)

    async def unfit(self, price_id: str, kind: OfferKind) -> str | None:
        """See ``ListsPrices``; what was not published is fit for all."""
        await self.provider.asked("unfit")
        sold = self.provider.listing(price_id)
        return None if sold is None or sold.kind == kind else f"it is that of a {sold.kind}"

    async def unlike(self, price_id: str, listing: Listing) -> str | None:
        """See ``ListsPrices``; of what was not published only the amount is known."""
        await self.provider.asked("unlike")
        sold = self.provider.listing(price_id)
        if sold is not None:
            alike = replace(sold, name=listing.name, code=listing.code) == listing
            return None if alike else f"it is {as_money(sold.amount_cents, sold.currency)}"
        try:
            amount = self.provider.amount(price_id)
        except PaymentRefused:
            return "there is no such price"
        return None if amount == listing.amount_cents else f"it is {amount}"


def signed(provider: FakeProvider, notice: PaymentNotice) -> Callback:
    """The report as the provider sends it."""
    return reported(provider, msgspec.json.encode(notice))


def reported(provider: FakeProvider, body: bytes) -> Callback:
    """A report that says this, signed by the provider."""
    headers = {_SIGNATURE: provider.signature(body)}
    return Callback(body=body, headers=headers, received_at=time.time())


def paying(
    provider: FakeProvider, *, source: str = "fake"
) -> Callable[[BackendURL, BillingContext], AbstractAsyncContextManager[FakePayments]]:
    """An opener for the setting ``billing``, of a provider that the test holds."""

    @asynccontextmanager
    async def opening(_: BackendURL, context: BillingContext) -> AsyncIterator[FakePayments]:
        yield FakePayments(context.standings, provider, source)

    return opening


@asynccontextmanager
async def open_fake_payments(
    url: BackendURL, context: BillingContext
) -> AsyncIterator[FakePayments]:
    """Open ``fake-payments:``; ``SettingError`` when the URL says more than that."""
    if url.path or url.options:
        raise SettingError(f"{url}: the fake payments take no path and no options.")
    yield FakePayments(context.standings, FakeProvider(clock=context.clock))
