"""A payment provider in memory: what it has, what it tells, and how it fails."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from collections.abc import AsyncIterator
from typing import Any

import msgspec
from msgspec.structs import replace

from staging_core.errors import InvalidCallback, InvalidSignature, PaymentsUnavailable
from staging_core.interfaces import Standings
from staging_core.models import (
    Callback,
    Offer,
    Order,
    Paid,
    PaidCustomer,
    PaidKind,
    PaidPurchase,
    PaidSubscription,
    PaymentNotice,
    Quote,
    Standing,
    quote_of,
)
from staging_core.models.subscription import SubscriptionStatus

SECRET = b"whsec of the shop"  # pragma: allowlist secret
STALE_S = 300.0
DAY_S = 86_400.0
PERIOD_S = 30 * DAY_S


class Shop:
    """``things``: all it has, by id; ``events``: all it had to tell; ``metered_at``: by minute.

    ``away``: so many calls fail next; ``mute``: so many meter calls work, and their answer is lost.
    """

    source = "shop"

    def __init__(self) -> None:
        self.standings: Standings | None = None
        self.things: dict[str, Paid] = {}
        self.events: list[PaymentNotice] = []
        self.meter_log: list[tuple[str, int, float]] = []
        self.metered_at: dict[tuple[str, int], int] = {}
        self.keys: dict[str, float] = {}
        self.away = self.mute = 0
        self.looked: list[str] = []
        self.clock = time.time

    # --- what accounts and the provider do ------------------------------------------------------

    def customer(self, account_id: str | None, id: str | None = None) -> str:
        """A new customer of an account."""
        id = id or f"cus_{len(self.things)}"
        return self._now("customer.created", PaidCustomer(id=id, account_id=account_id))

    def delete_customer(self, id: str) -> None:
        """It goes, and its subscriptions end with it."""
        self._now("customer.deleted", PaidCustomer(id=id, account_id=None, deleted=True))
        for each in self.of(PaidSubscription):
            if each.customer_id == id:
                self.change(each.id, status="canceled", canceled_at=self.clock())

    def subscription(
        self, customer_id: str, price_id: str = "price_pro", status: SubscriptionStatus = "active"
    ) -> str:
        """A new subscription for thirty days."""
        now = float(int(self.clock()))
        return self._now(
            "subscription.created",
            PaidSubscription(
                id=f"sub_{len(self.things)}",
                customer_id=customer_id,
                price_id=price_id,
                status=status,
                period_start=now,
                period_end=now + PERIOD_S,
                created_at=now,
                client_secret="never kept",  # noqa: S106  # pragma: allowlist secret
            ),
        )

    def purchase(self, customer_id: str, *, paid: bool = True, price_id: str = "price_pack") -> str:
        """A pack of ten for 1000 cents."""
        return self._now(
            "charge.succeeded",
            PaidPurchase(
                id=f"pi_{len(self.things)}",
                customer_id=customer_id,
                price_id=price_id,
                paid=paid,
                amount_cents=1000,
                currency="usd",
                created_at=self.clock(),
            ),
        )

    def change(self, id: str, **values: Any) -> None:
        """The thing is otherwise from now on; what was canceled stays so."""
        thing = self.things[id]
        if isinstance(thing, PaidSubscription) and thing.status == "canceled":
            return
        self._now("changed", replace(thing, **values))

    def of(self, kind: type[Any]) -> list[Any]:
        """All things of a kind."""
        return [thing for thing in self.things.values() if isinstance(thing, kind)]

    def _now(self, type: str, thing: Paid) -> str:
        self.things[thing.id] = thing
        customer_id = thing.id if isinstance(thing, PaidCustomer) else thing.customer_id
        self.events.append(
            PaymentNotice(
                event_id=f"evt_{len(self.events)}",
                type=type,
                created_at=self.clock(),
                kind=_kind(thing),
                object_id=thing.id,
                customer_id=customer_id,
            )
        )
        return thing.id

    # --- what it sends --------------------------------------------------------------------------

    def callback(
        self, event: PaymentNotice, *, secret: bytes = SECRET, age_s: float = 0.0
    ) -> Callback:
        """A signed delivery of the event."""
        body, at = msgspec.json.encode(event), time.time() - age_s
        signature = hmac.new(secret, f"{at}.".encode() + body, hashlib.sha256).hexdigest()
        headers = {"shop-signature": f"{at},{signature}"}
        return Callback(body=body, headers=headers, received_at=time.time())

    async def receive(self, callback: Callback) -> PaymentNotice:
        at, _, signature = callback.headers.get("shop-signature", "0,").partition(",")
        right = hmac.new(SECRET, f"{at}.".encode() + callback.body, hashlib.sha256).hexdigest()
        if not hmac.compare_digest(right, signature) or time.time() - float(at) > STALE_S:
            raise InvalidSignature()
        try:
            return msgspec.json.decode(callback.body, type=PaymentNotice)
        except msgspec.DecodeError as wrong:
            raise InvalidCallback() from wrong

    async def look(self, kind: PaidKind, object_id: str) -> Paid | None:
        self._may_fail()
        self.looked.append(object_id)
        thing = self.things.get(object_id)
        return thing if thing is not None and _kind(thing) == kind else None

    async def all_of(self, kind: PaidKind, *, since: float) -> AsyncIterator[Paid]:
        for thing in list(self.things.values()):
            if _kind(thing) == kind and not getattr(thing, "deleted", False):
                yield thing

    async def missed(self, *, since: float) -> AsyncIterator[PaymentNotice]:
        for event in self.events[::3]:
            yield event

    # --- usage ----------------------------------------------------------------------------------

    async def meter(self, customer_id: str, images: int, *, at: float, key: str) -> None:
        self._may_fail()
        now = self.clock()
        if now - self.keys.get(key, -DAY_S) >= DAY_S:  # by then a key is forgotten
            self.keys[key] = now
            self.meter_log.append((customer_id, images, at))
            place = (customer_id, int(at // 60))
            self.metered_at[place] = self.metered_at.get(place, 0) + images
        if self.mute:
            self.mute -= 1
            raise PaymentsUnavailable("Nobody knows what became of it.")

    async def charge_beyond(
        self, subscription_id: str, price_id: str | None, *, instead_of: tuple[str, ...], key: str
    ) -> PaidSubscription:
        self._may_fail()
        has = self.things[subscription_id].overage_price_ids  # type: ignore[union-attr]
        kept = tuple(id for id in has if id not in instead_of)
        added = (price_id,) if price_id is not None and price_id not in kept else ()
        self.change(subscription_id, overage_price_ids=kept + added)
        return self.things[subscription_id]  # type: ignore[return-value]

    async def metered(self, customer_id: str, *, since: float, until: float) -> int:
        self._may_fail()
        minutes = range(int(since // 60), int(until // 60))
        return sum(self.metered_at.get((customer_id, minute), 0) for minute in minutes)

    def _may_fail(self) -> None:
        if self.away:
            self.away -= 1
            raise PaymentsUnavailable("The shop is closed.")

    # --- what it costs --------------------------------------------------------------------------

    async def quote(self, order: Order) -> Quote:
        return quote_of(await self.standing(order.account_id), order)

    async def standing(self, account_id: str) -> Standing:
        assert self.standings is not None
        return await self.standings.of(account_id)

    # --- what these tests need no answer to: the shop only sells over its counter ---------------

    async def make_customer(
        self, account_id: str, *, email: str | None, name: str | None, key: str
    ) -> str:
        return self.customer(account_id)

    async def find_customer(self, account_id: str, *, since: float) -> PaidCustomer | None:
        its = [each for each in self.of(PaidCustomer) if each.account_id == account_id]
        return its[0] if its else None

    async def checkout(self, customer_id: str, offer: Offer, **ways: Any) -> str:
        raise PaymentsUnavailable("The shop has no page.")

    async def subscribe(self, customer_id: str, offer: Offer, **ways: Any) -> PaidSubscription:
        id = self.subscription(customer_id, offer.price_id, "incomplete")
        return self.things[id]  # type: ignore[return-value]

    async def begun(self, customer_id: str, purchase_id: str) -> PaidSubscription | None:
        its = [each for each in self.of(PaidSubscription) if each.purchase_id == purchase_id]
        return its[0] if its else None

    async def switch(self, subscription_id: str, offer: Offer, *, key: str) -> PaidSubscription:
        self.change(subscription_id, price_id=offer.price_id)
        return self.things[subscription_id]  # type: ignore[return-value]

    async def end_with_period(self, subscription_id: str, *, key: str) -> PaidSubscription:
        self.change(subscription_id, cancel_at=self.clock())
        return self.things[subscription_id]  # type: ignore[return-value]

    async def go_on(self, subscription_id: str, *, key: str) -> PaidSubscription:
        self.change(subscription_id, cancel_at=None)
        return self.things[subscription_id]  # type: ignore[return-value]

    async def portal(self, customer_id: str, *, return_url: str) -> str:
        raise PaymentsUnavailable("The shop has no page.")

    async def payment_methods(self, customer_id: str) -> list[Any]:
        return []

    async def choose_payment_method(self, customer_id: str, method_id: str) -> None:
        raise PaymentsUnavailable("The shop takes cash.")

    async def remove_payment_method(self, customer_id: str, method_id: str) -> None:
        raise PaymentsUnavailable("The shop takes cash.")

    async def invoices(self, customer_id: str, *, limit: int, offset: int) -> list[Any]:
        return []


def _kind(thing: Paid) -> PaidKind:
    if isinstance(thing, PaidCustomer):
        return "customer"
    return "subscription" if isinstance(thing, PaidSubscription) else "purchase"


def truncated(callback: Callback) -> Callback:
    """The delivery without its end."""
    return replace(callback, body=callback.body[:-5])


def garbled() -> Callback:
    """Signed, and of something else than an event."""
    body, at = json.dumps({"hello": 1}).encode(), time.time()
    signature = hmac.new(SECRET, f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    headers = {"shop-signature": f"{at},{signature}"}
    return Callback(body=body, headers=headers, received_at=time.time())
