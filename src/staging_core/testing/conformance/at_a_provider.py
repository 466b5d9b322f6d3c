"""A billing backend at a payment provider: what the suite's user tells of it, and what it sells."""

from __future__ import annotations

from abc import ABC, abstractmethod
from contextlib import AbstractAsyncContextManager
from typing import Any, ClassVar

from msgspec.structs import replace

from staging_core.models import Callback, Listing, Offer, PaidSubscription

from .base import Conformance

MONTHLY = Listing(kind="plan", code="pro", name="Pro", amount_cents=2900, currency="usd")
DEARER = replace(MONTHLY, code="business", name="Business", amount_cents=9900)
CHEAPER = replace(MONTHLY, code="small", name="Small", amount_cents=900)
OVERAGE = replace(MONTHLY, amount_cents=40, overage=True)
PACK = Listing(kind="pack", code="ten", name="Ten", amount_cents=1000, currency="usd")
ACCOUNT, PURCHASE = "account-of-the-suite", "purchase-of-the-suite"


class AtAProvider(Conformance, ABC):
    """The subject is a billing backend at a payment provider of its own, afresh for each check.

    What customers and the provider do is told by the subclass: ``open``, and what is abstract.
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
    async def signed(self, body: bytes) -> Callback:
        """A report of the provider's with this body, which may be anything."""

    @abstractmethod
    async def have_card(self, customer_id: str, *, pays: bool) -> None:
        """Give the customer one more card, with which bills are paid from now on.

        ``pays``: whether its bank pays them.
        """

    @abstractmethod
    async def deliver(self, *, well: bool) -> None:
        """From now on the provider's reports reach us, or (not ``well``) get lost on their way."""

    @abstractmethod
    def away(self) -> AbstractAsyncContextManager[None]:
        """While it lasts the provider answers no call."""

    @abstractmethod
    async def now(self) -> float:
        """The provider's time, in Unix seconds."""

    # --- what the checks have in common ---------------------------------------------------------

    async def a_customer(self, billing: Any, account: str = ACCOUNT) -> str:
        """The one customer of the account."""
        made: str = await billing.make_customer(
            account, email="ada@example.com", name="Ada", key=f"customer of {account}"
        )
        return made

    async def an_offer(self, billing: Any, listing: Listing, trial_days: int = 0) -> Offer:
        """The listing, published."""
        price = await billing.publish(listing)
        return Offer(kind=listing.kind, code=listing.code, price_id=price, trial_days=trial_days)

    async def a_page(
        self, billing: Any, customer: str, listing: Listing, *, purchase: str = PURCHASE
    ) -> str:
        """A page on which it is paid."""
        url: str = await billing.checkout(
            customer,
            await self.an_offer(billing, listing),
            purchase_id=purchase,
            success_url="https://shop.example/thanks",
            cancel_url="https://shop.example/",
            key=f"checkout {purchase}",
        )
        return url

    async def a_beginning(self, billing: Any, *, trial_days: int = 0) -> PaidSubscription:
        """A subscription that nobody has paid for yet."""
        made: PaidSubscription = await billing.subscribe(
            await self.a_customer(billing),
            await self.an_offer(billing, MONTHLY, trial_days),
            purchase_id=PURCHASE,
            key="subscribe",
        )
        return made

    async def all_of(self, billing: Any, kind: str) -> list[Any]:
        """Every thing of a kind."""
        return [one async for one in billing.all_of(kind, since=0)]

    async def a_plan(self, billing: Any) -> PaidSubscription:
        """A subscription that was paid on its page."""
        customer = await self.a_customer(billing)
        await self.pay(await self.a_page(billing, customer, MONTHLY))
        found: PaidSubscription | None = await billing.begun(customer, PURCHASE)
        assert found is not None
        return found

    async def is_paid(self, billing: Any, bought: PaidSubscription, cents: int) -> None:
        """The customer's bills come to so much, and none of them gives anything back."""
        bills = await billing.invoices(bought.customer_id, limit=10, offset=0)
        assert sum(bill.amount_paid for bill in bills) == cents
        assert all(bill.amount_due >= 0 for bill in bills)
