"""What Stripe tells on its own, and when it is asked."""

from __future__ import annotations

from collections.abc import AsyncIterator

import msgspec

from staging_core.errors import InvalidCallback
from staging_core.models import Callback, Paid, PaymentNews, PaymentNotice
from staging_core.models.paid import PaidKind

from .customers import Customers
from .line import Line
from .notices import notice_of
from .purchases import Purchases
from .seen import Event
from .signature import verify
from .subscriptions import Subscriptions

_NEWS: dict[str, PaymentNews] = {
    "invoice.paid": "bill.paid",
    "invoice.payment_failed": "bill.failed",
    "charge.refunded": "bill.refunded",
    "charge.dispute.funds_withdrawn": "bill.disputed",
    "charge.dispute.funds_reinstated": "bill.dispute_won",
    "customer.subscription.trial_will_end": "trial.ending",
}


class Reports(Customers, Purchases, Subscriptions):
    """``secrets``: of the webhook endpoint. ``live``: whether the key is of real money."""

    def __init__(self, line: Line, *, tax: bool, secrets: tuple[str, ...], live: bool) -> None:
        super().__init__(line, tax=tax)
        self._secrets, self._live = secrets, live

    async def receive(self, callback: Callback) -> PaymentNotice:
        """The signature counts, by any of the secrets, for five minutes."""
        verify(callback, self._secrets)
        try:
            event = msgspec.json.decode(callback.body, type=Event)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise InvalidCallback("This is no event of Stripe.") from error
        self._check_ours(event)
        return notice_of(event)

    async def look(self, kind: PaidKind, object_id: str) -> Paid | None:
        """As Stripe has it now."""
        match kind:
            case "customer":
                return await self._look_customer(object_id)
            case "subscription":
                return await self._look_subscription(object_id)
            case "purchase":
                return await self._look_purchase(object_id)

    def all_of(self, kind: PaidKind, *, since: float) -> AsyncIterator[Paid]:
        """The newest first; customers that were deleted are in no list of Stripe's."""
        match kind:
            case "customer":
                return self._all_customers(since)
            case "subscription":
                return self._all_subscriptions(since)
            case "purchase":
                return self._all_purchases(since)

    async def missed(self, *, since: float) -> AsyncIterator[PaymentNotice]:
        """Stripe keeps events for thirty days; those of nothing that we keep are left out."""
        params = {"delivery_success": False, "created": {"gte": int(since)}}
        async for event in self._line.each(
            self._v1.events.list_async, params, Event, whatever=True
        ):
            notice = notice_of(event)
            if notice.kind and event.account is None:
                yield notice

    def news_of(self, type: str) -> PaymentNews | None:
        """Of bills, and of trials three days before their end."""
        return _NEWS.get(type)

    async def payer(self, payment_id: str) -> str | None:
        """By the payment intent, as no dispute says it."""
        intent = await self._intent(payment_id)
        return None if intent is None else intent.customer

    def _check_ours(self, event: Event) -> None:
        if event.object != "event":
            raise InvalidCallback("This is no event of Stripe.")
        if event.account is not None:
            raise InvalidCallback("The event is of another account of Stripe.")
        if event.livemode != self._live:
            modes = ("test mode", "live mode")
            raise InvalidCallback(
                f"The event is of {modes[event.livemode]}, the key of {modes[self._live]}.",
                remedy="Let each mode's endpoint have the secret of its own installation.",
            )
