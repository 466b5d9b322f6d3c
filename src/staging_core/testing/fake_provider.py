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

from staging_core.errors import AskedOtherwise, Busy, PaymentRefused, PaymentsUnavailable
from staging_core.models import (
    Face,
    Invoice,
    Listing,
    Offer,
    Paid,
    PaidCustomer,
    PaidKind,
    PaidPurchase,
    PaidSubscription,
    PaymentMethod,
    PaymentNotice,
)
from staging_core.models.payment_method import Card

Failure = Literal["refused", "busy", "away", "answer lost"]
T = TypeVar("T")
_MONTH_S = 30 * 86_400.0
_ENDED = ("canceled", "incomplete_expired")


class FakeProvider:
    """One provider; ``amounts``: of its prices, in cents; None: it has any price, for 10.00.

    ``calls``: the names of all calls so far. ``pages``: who may pay what on each. ``events``: all
    that it has to report, the oldest first; ``undelivered``: of these what got lost, as all do
    while ``delivers`` is off. While it is ``away`` it answers no call. ``declined``: cards, by
    their ids, that pay no bill.
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
        self.faces: dict[str, Face] = {}
        self.purchases: dict[str, PaidPurchase] = {}
        self.pages: dict[str, tuple[str, Offer, str]] = {}
        self.methods: dict[str, list[PaymentMethod]] = {}
        self.bills: dict[str, list[Invoice]] = {}
        self.events: list[PaymentNotice] = []
        self.undelivered: list[PaymentNotice] = []
        self.delivers = True
        self.away = False
        self.declined: set[str] = set()
        self.metered: dict[str, dict[int, int]] = {}
        self.calls: list[str] = []
        self._amounts = amounts
        self._published: dict[Listing, str] = {}
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
        """The customer pays what is open of a subscription, in a form that keeps no card."""
        one = self.subscriptions[subscription_id]
        offer = self._waiting.pop(subscription_id, None)
        if offer is not None:
            return self._upgraded(one, offer)
        paid = self.keep(replace(one, status="active", client_secret=None))
        self._bill(one.customer_id, one.price_id, subscription_id)
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
        if not self.methods.get(customer_id):
            self.new_card(customer_id)
        if offer.kind == "plan":
            return self.pay(self.new_subscription(customer_id, offer, purchase_id).id)
        self._bill(customer_id, offer.price_id, None)
        bought = PaidPurchase(
            id=self._id("pi"),
            customer_id=customer_id,
            price_id=offer.price_id,
            paid=True,
            amount_cents=self.amount(offer.price_id),
            currency=self._currency(offer.price_id),
            created_at=self._clock(),
            purchase_id=purchase_id,
        )
        self.purchases[bought.id] = bought
        self._tell("purchase.paid", "purchase", bought.id, customer_id)
        return bought

    def end(self, subscription_id: str) -> None:
        """It is over now."""
        one = self.subscriptions[subscription_id]
        ended = {"status": "canceled", "canceled_at": self._clock(), "client_secret": None}
        self.keep(replace(one, **ended))

    def decline(self, subscription_id: str) -> None:
        """The bill of its new period is not paid, and is tried again."""
        one = self.keep(replace(self.subscriptions[subscription_id], status="past_due"))
        bill = self._id("in")
        self._tell("bill.failed", "subscription", one.id, one.customer_id, subject_id=bill)

    def warn_of_the_end(self, subscription_id: str) -> None:
        """Its trial ends in three days."""
        one = self.subscriptions[subscription_id]
        self._tell("trial.ending", "subscription", one.id, one.customer_id)

    def change(self, purchase_id: str, **values: Any) -> None:
        """A pack's payment is otherwise from now on: ``refunded_cents``, ``disputed``."""
        one = replace(self.purchases[purchase_id], **values)
        self.purchases[purchase_id] = one
        self._tell("purchase.changed", "purchase", one.id, one.customer_id)

    def end_all(self, customer_id: str) -> None:
        """All that the customer pays is over now, and it may pay on no page."""
        self.pages = {url: page for url, page in self.pages.items() if page[0] != customer_id}
        for one in list(self.subscriptions.values()):
            if one.customer_id == customer_id and one.status not in _ENDED:
                self.end(one.id)

    def entitle(self, customer_id: str, *features: str) -> None:
        """The customer is entitled to these, and to nothing else."""
        customer = replace(self.customers[customer_id], features=features)
        self.customers[customer_id] = customer
        self._tell("customer.changed", "customer", customer_id, customer_id)

    def new_card(self, customer_id: str, *, pays: bool = True) -> PaymentMethod:
        """One more card of the customer's, which pays its bills, or is declined, from now on."""
        card = Card(brand="visa", last4="4242", exp_month=12, exp_year=2040)
        made = PaymentMethod(id=self._id("pm"), type="card", card=card, is_default=True)
        others = [replace(one, is_default=False) for one in self.methods.get(customer_id, [])]
        self.methods[customer_id] = [*others, made]
        self.declined |= set() if pays else {made.id}
        return made

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
            raise AskedOtherwise("This key was used for another call.")
        if lost is not None:
            raise PaymentsUnavailable()
        told: T = answer
        return told

    async def _fate(self, call: str) -> Failure | None:
        """What becomes of it after it had its effect; raises where it has none."""
        self.calls.append(call)
        await asyncio.sleep(0)
        if self.away:
            raise PaymentsUnavailable()
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
        for listing, known in self._published.items():
            if known == price_id:
                return listing.amount_cents
        if self._amounts is None:
            return 1000
        if price_id not in self._amounts:
            raise PaymentRefused(f"There is no price {price_id!r}.")
        return self._amounts[price_id]

    def new_customer(self, account_id: str) -> str:
        """One more."""
        id = self._id("cus")
        self.customers[id] = PaidCustomer(id=id, account_id=account_id, created_at=self._clock())
        self._tell("customer.created", "customer", id, id)
        return id

    def price(self, listing: Listing) -> str:
        """The id of the price of exactly this listing."""
        return self._published.setdefault(listing, f"price_{len(self._published) + 1}")

    def listing(self, price_id: str) -> Listing | None:
        """What was published at this price."""
        return next((one for one, known in self._published.items() if known == price_id), None)

    def count(self, customer_id: str, images: int, at: float) -> None:
        """So many more were had in that minute."""
        minutes = self.metered.setdefault(customer_id, {})
        minute = int(at // 60)
        minutes[minute] = minutes.get(minute, 0) + images

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
            overage_price_ids=(offer.overage_price_id,) if offer.overage_price_id else (),
            purchase_id=purchase_id,
            client_secret=f"{id}_secret",
        )
        return self.keep(made)

    def switched(self, subscription_id: str, offer: Offer) -> PaidSubscription:
        """A cheaper plan at once, and any in a trial; a dearer one when it is paid.

        Dearer than what this period was paid for: a cheaper plan has given nothing of that back.
        """
        one = self._open(subscription_id)
        self._waiting.pop(subscription_id, None)
        paid = one.paid_price_id or one.price_id
        if one.status == "trialing":
            return self.keep(replace(one, price_id=offer.price_id))
        if self.amount(offer.price_id) <= self.amount(paid):
            return self.keep(replace(one, price_id=offer.price_id, paid_price_id=paid))
        if one.status == "past_due":
            raise PaymentRefused("The last bill of this plan is not paid yet.")
        if self._has_card_that_pays(one.customer_id):
            return self._upgraded(one, offer)
        self._waiting[subscription_id] = offer
        return self.keep(replace(one, client_secret=f"{self._id('bill')}_secret"))

    def charging(
        self, subscription_id: str, price_id: str | None, instead_of: tuple[str, ...]
    ) -> PaidSubscription:
        """What is metered is charged at this price from now on; what it is now is billed."""
        one = self._open(subscription_id)
        if subscription_id in self._waiting:
            raise Busy(retry_after_s=0.01)
        kept = tuple(id for id in one.overage_price_ids if id not in instead_of)
        added = (price_id,) if price_id is not None and price_id not in kept else ()
        return self.keep(replace(one, overage_price_ids=kept + added))

    def ending(self, subscription_id: str, *, ends: bool) -> PaidSubscription:
        """It ends with its period, or does not."""
        one = self._open(subscription_id)
        at = (one.period_end, self._clock()) if ends else (None, None)
        return self.keep(replace(one, cancel_at=at[0], canceled_at=at[1]))

    def withdrawn(self, customer_id: str, purchase_id: str) -> PaidSubscription | None:
        """Its page is closed, and its subscription that nobody has paid for never begins."""
        mine = (customer_id, purchase_id)
        self.pages = {url: page for url, page in self.pages.items() if page[::2] != mine}
        for one in self.subscriptions.values():
            if (one.customer_id, one.purchase_id) == mine:
                if one.status != "incomplete":
                    return one
                return self.keep(replace(one, status="incomplete_expired", client_secret=None))
        return None

    def _upgraded(self, one: PaidSubscription, offer: Offer) -> PaidSubscription:
        """The difference is paid; all of it, whatever is left of the period."""
        paid = self.amount(one.paid_price_id or one.price_id)
        self._bill(one.customer_id, offer.price_id, one.id, less=paid)
        changed = {"price_id": offer.price_id, "paid_price_id": None, "client_secret": None}
        return self.keep(replace(one, **changed))

    def _has_card_that_pays(self, customer_id: str) -> bool:
        cards = self.methods.get(customer_id, [])
        return any(one.is_default and one.id not in self.declined for one in cards)

    def keep(self, one: PaidSubscription) -> PaidSubscription:
        """The subscription is as this says from now on, and that is told."""
        self.subscriptions[one.id] = one
        self._tell("subscription.changed", "subscription", one.id, one.customer_id)
        return one

    def _tell(
        self,
        type: str,
        kind: PaidKind,
        object_id: str,
        customer_id: str,
        *,
        subject_id: str | None = None,
    ) -> None:
        notice = PaymentNotice(
            event_id=self._id("evt"),
            type=type,
            created_at=self._clock(),
            kind=kind,
            object_id=object_id,
            customer_id=customer_id,
            subject_id=subject_id or object_id,
        )
        self.events.append(notice)
        if not self.delivers:
            self.undelivered.append(notice)

    def _open(self, subscription_id: str) -> PaidSubscription:
        one = self.subscriptions.get(subscription_id)
        if one is None or one.status in _ENDED:
            raise PaymentRefused("There is no such subscription, or it has ended.")
        return one

    def _bill(
        self, customer_id: str, price_id: str, subscription_id: str | None, *, less: int = 0
    ) -> None:
        cents, id = self.amount(price_id) - less, self._id("in")
        bills = self.bills.setdefault(customer_id, [])
        kind: PaidKind = "customer" if subscription_id is None else "subscription"
        self._tell("bill.paid", kind, subscription_id or customer_id, customer_id, subject_id=id)
        bills.append(
            Invoice(
                id=id,
                status="paid",
                amount_due=cents,
                amount_paid=cents,
                currency=self._currency(price_id),
                created_at=self._clock(),
                subscription_id=subscription_id,
                number=f"F-{len(bills) + 1}",
                hosted_url=f"https://pay.example/bills/{id}",
                pdf_url=f"https://pay.example/bills/{id}.pdf",
            )
        )

    def _currency(self, price_id: str) -> str:
        known = {id: listing.currency for listing, id in self._published.items()}
        return known.get(price_id, "usd")

    def _id(self, kind: str) -> str:
        return f"{kind}_{next(self._numbers)}"
