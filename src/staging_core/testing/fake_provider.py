"""What a payment provider knows, in memory: customers, subscriptions, packs, bills."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import itertools
import time
from collections.abc import Callable, Hashable, Mapping
from typing import Any, Literal, TypeVar

from msgspec.structs import replace

from staging_core.errors import Busy, PaymentRefused, PaymentsUnavailable
from staging_core.models import (
    Invoice,
    Offer,
    Paid,
    PaidCustomer,
    PaidKind,
    PaidPurchase,
    PaidSubscription,
    PaymentMethod,
    PaymentNotice,
)

Failure = Literal["refused", "busy", "away", "answer lost"]
T = TypeVar("T")
_MONTH_S = 30 * 86_400.0


class FakeProvider:
    """One provider; ``amounts``: of its prices, in hundredths; None: it has any price, for 10.00.

    ``calls``: the names of all calls so far. ``pages``: who may pay what on each.
    """

    def __init__(
        self,
        amounts: Mapping[str, int] | None = None,
        *,
        clock: Callable[[], float] = time.time,
        secret: str = "fake",  # noqa: S107 - of a fake
    ) -> None:
        self.customers: dict[str, PaidCustomer] = {}
        self.subscriptions: dict[str, PaidSubscription] = {}
        self.purchases: dict[str, PaidPurchase] = {}
        self.pages: dict[str, tuple[str, Offer, str]] = {}
        self.methods: dict[str, list[PaymentMethod]] = {}
        self.bills: dict[str, list[Invoice]] = {}
        self.undelivered: list[PaymentNotice] = []
        self.calls: list[str] = []
        self._amounts = amounts
        self._clock = clock
        self._secret = secret
        self._numbers = itertools.count(1)
        self._waiting: dict[str, Offer] = {}
        self._answers: dict[str, tuple[Hashable, Any]] = {}
        self._failures: list[tuple[str, Failure]] = []

    # --- what a test does -------------------------------------------------------------------------

    def fail(self, call: str, failure: Failure) -> None:
        """The next call of that name fails: without an effect, or (``answer lost``) after it."""
        self._failures.append((call, failure))

    def forget_keys(self) -> None:
        """As after a day: a call under an old key is a new one."""
        self._answers.clear()

    def pay(self, subscription_id: str) -> PaidSubscription:
        """The customer pays what is open of a subscription."""
        one = self.subscriptions[subscription_id]
        offer = self._waiting.pop(subscription_id, None)
        price_id = one.price_id if offer is None else offer.price_id
        paid = replace(one, status="active", price_id=price_id, client_secret=None)
        self.subscriptions[subscription_id] = paid
        self._bill(one.customer_id, price_id, subscription_id)
        return paid

    def pay_page(self, url: str) -> PaidSubscription | PaidPurchase:
        """The customer pays on a page of ``checkout``; a second time nothing happens."""
        customer_id, offer, purchase_id = self.pages[url]
        bought_before: list[PaidSubscription | PaidPurchase] = [
            *self.subscriptions.values(),
            *self.purchases.values(),
        ]
        for one in bought_before:
            if one.purchase_id == purchase_id:
                return one
        if offer.kind == "plan":
            return self.pay(self.new_subscription(customer_id, offer, purchase_id).id)
        self._bill(customer_id, offer.price_id, None)
        bought = PaidPurchase(
            id=self._id("pi"),
            customer_id=customer_id,
            price_id=offer.price_id,
            paid=True,
            amount_cents=self.amount(offer.price_id),
            currency="usd",
            created_at=self._clock(),
            purchase_id=purchase_id,
        )
        self.purchases[bought.id] = bought
        return bought

    def end(self, subscription_id: str) -> None:
        """It is over now."""
        one = self.subscriptions[subscription_id]
        self.subscriptions[subscription_id] = replace(
            one, status="canceled", canceled_at=self._clock(), client_secret=None
        )

    def signature(self, body: bytes) -> str:
        """Of a report."""
        return hmac.new(self._secret.encode(), body, hashlib.sha256).hexdigest()

    # --- what the backend asks --------------------------------------------------------------------

    async def asked(self, call: str) -> None:
        """A call that only reads, or needs no key."""
        if await self._fate(call) is not None:
            raise PaymentsUnavailable()

    async def once(
        self, key: str, asked: tuple[str, *tuple[Hashable, ...]], act: Callable[[], T]
    ) -> T:
        """Do it, or answer as the first call under the key was answered."""
        lost = await self._fate(asked[0])
        if key not in self._answers:
            self._answers[key] = (asked, act())
        first, answer = self._answers[key]
        if first != asked:
            raise PaymentRefused("This key was used for another call.")
        if lost is not None:
            raise PaymentsUnavailable()
        told: T = answer
        return told

    async def _fate(self, call: str) -> Failure | None:
        """What becomes of it after it had its effect; raises where it has none."""
        self.calls.append(call)
        await asyncio.sleep(0)
        failure = next((how for name, how in self._failures if name == call), None)
        if failure is not None:
            self._failures.remove((call, failure))
        if failure == "refused":
            raise PaymentRefused()
        if failure == "busy":
            raise Busy(retry_after_s=0.01)
        if failure == "away":
            raise PaymentsUnavailable()
        return failure

    def all_of(self, kind: PaidKind) -> dict[str, Paid]:
        """Every thing of a kind by its id."""
        if kind == "customer":
            return dict(self.customers)
        return dict(self.subscriptions) if kind == "subscription" else dict(self.purchases)

    def amount(self, price_id: str) -> int:
        """Of a price; ``PaymentRefused`` where there is none."""
        if self._amounts is None:
            return 1000
        if price_id not in self._amounts:
            raise PaymentRefused(f"There is no price {price_id!r}.")
        return self._amounts[price_id]

    def new_customer(self, account_id: str) -> str:
        """One more."""
        id = self._id("cus")
        self.customers[id] = PaidCustomer(id=id, account_id=account_id, created_at=self._clock())
        return id

    def new_page(self, customer_id: str, offer: Offer, purchase_id: str) -> str:
        """A page to pay on."""
        self.amount(offer.price_id)
        url = f"https://pay.example/{self._id('page')}"
        self.pages[url] = (customer_id, offer, purchase_id)
        return url

    def new_subscription(
        self, customer_id: str, offer: Offer, purchase_id: str
    ) -> PaidSubscription:
        """One that waits for its first payment, or one on trial."""
        self.amount(offer.price_id)
        id, now = self._id("sub"), self._clock()
        trial_s = offer.trial_days * 86_400.0
        made = PaidSubscription(
            id=id,
            customer_id=customer_id,
            price_id=offer.price_id,
            status="trialing" if trial_s else "incomplete",
            period_start=now,
            period_end=now + (trial_s or _MONTH_S),
            created_at=now,
            trial_end=now + trial_s if trial_s else None,
            purchase_id=purchase_id,
            client_secret=f"{id}_secret",
        )
        self.subscriptions[id] = made
        return made

    def switched(self, subscription_id: str, offer: Offer) -> PaidSubscription:
        """A cheaper plan at once; a dearer one when it is paid."""
        one = self._open(subscription_id)
        if self.amount(offer.price_id) > self.amount(one.price_id):
            self._waiting[subscription_id] = offer
            one = replace(one, client_secret=f"{self._id('bill')}_secret")
        else:
            self._waiting.pop(subscription_id, None)
            one = replace(one, price_id=offer.price_id, client_secret=None)
        self.subscriptions[subscription_id] = one
        return one

    def ending(self, subscription_id: str, *, ends: bool) -> PaidSubscription:
        """It ends with its period, or does not."""
        one = self._open(subscription_id)
        at = (one.period_end, self._clock()) if ends else (None, None)
        one = replace(one, cancel_at=at[0], canceled_at=at[1])
        self.subscriptions[subscription_id] = one
        return one

    def _open(self, subscription_id: str) -> PaidSubscription:
        one = self.subscriptions.get(subscription_id)
        if one is None or one.status in ("canceled", "incomplete_expired"):
            raise PaymentRefused("There is no such subscription, or it has ended.")
        return one

    def _bill(self, customer_id: str, price_id: str, subscription_id: str | None) -> None:
        cents, id = self.amount(price_id), self._id("in")
        bills = self.bills.setdefault(customer_id, [])
        bills.append(
            Invoice(
                id=id,
                status="paid",
                amount_due=cents,
                amount_paid=cents,
                currency="usd",
                created_at=self._clock(),
                subscription_id=subscription_id,
                number=f"F-{len(bills) + 1}",
                hosted_url=f"https://pay.example/bills/{id}",
                pdf_url=f"https://pay.example/bills/{id}.pdf",
            )
        )

    def _id(self, kind: str) -> str:
        return f"{kind}_{next(self._numbers)}"
