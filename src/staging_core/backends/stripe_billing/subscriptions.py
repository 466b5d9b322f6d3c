"""Subscriptions: begun with Stripe's form, changed, ended with their period."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from staging_core.errors import PaymentRefused
from staging_core.models import Offer, PaidSubscription

from .checkouts import lines_of
from .line import Params, under
from .part import PURCHASE, Part
from .refusal import is_missing
from .seen import Bill, Price, Secret, Subscribed

_SECRETS = ("latest_invoice.confirmation_secret", "pending_setup_intent")
_ENDED = ("canceled", "incomplete_expired")


class Subscriptions(Part):
    """What a customer pays every month."""

    async def subscribe(
        self, customer_id: str, offer: Offer, *, purchase_id: str, key: str
    ) -> PaidSubscription:
        """Incomplete until the first bill is paid; the card that pays it pays the next ones."""
        params: Params = {
            "customer": customer_id,
            "items": lines_of(offer),
            "metadata": {PURCHASE: purchase_id},
            "payment_behavior": "default_incomplete",
            "payment_settings": {"save_default_payment_method": "on_subscription"},
            "expand": list(_SECRETS),
        }
        params |= {"trial_period_days": offer.trial_days} if offer.trial_days else {}
        params |= {"automatic_tax": {"enabled": True}} if self._tax else {}
        made = self._v1.subscriptions.create_async(params, under(key))
        return paid_subscription(await self._line.ask(made, Subscribed))

    async def begun(self, customer_id: str, purchase_id: str) -> PaidSubscription | None:
        """By Stripe's list of the customer's, which is never late."""
        params: Params = {
            "customer": customer_id,
            "status": "all",
            "expand": [f"data.{name}" for name in _SECRETS],
        }
        found = self._line.each(self._v1.subscriptions.list_async, params, Subscribed)
        try:
            async for one in found:
                if one.metadata.get(PURCHASE) == purchase_id:
                    return paid_subscription(one)
        except PaymentRefused as error:
            if not is_missing(error.__cause__):
                raise
        return None

    async def switch(self, subscription_id: str, offer: Offer, *, key: str) -> PaidSubscription:
        """Dearer: with a bill at once, and not before it is paid. Cheaper: with the next bill."""
        one = await self._retrieve(subscription_id)
        items = _changes(one, offer)
        if not items:
            return paid_subscription(one)
        price = await self._line.ask(self._v1.prices.retrieve_async(offer.price_id), Price)
        params: Params = {"items": items, "expand": list(_SECRETS)}
        if (price.unit_amount or 0) > (one.plan.price.unit_amount or 0):
            params["payment_behavior"] = "pending_if_incomplete"
            params["proration_behavior"] = "always_invoice"
        else:
            params["proration_behavior"] = "create_prorations"
        return await self._update(subscription_id, params, key)

    async def end_with_period(self, subscription_id: str, *, key: str) -> PaidSubscription:
        """It stays until then."""
        return await self._update(subscription_id, {"cancel_at_period_end": True}, key)

    async def go_on(self, subscription_id: str, *, key: str) -> PaidSubscription:
        """It does not end by itself: by the flag, or by the time that Stripe's portal sets."""
        one = await self._retrieve(subscription_id)
        if one.ends_at is None and one.status not in _ENDED:
            return paid_subscription(one)
        flag: Params = {"cancel_at_period_end": False}
        params: Params = flag if one.cancel_at_period_end else {"cancel_at": ""}
        going = await self._update(subscription_id, params, key)
        if going.cancel_at is not None:
            raise PaymentRefused(
                "Stripe lets the subscription end all the same.",
                remedy="See at Stripe what else ends it, such as a subscription schedule.",
            )
        return going

    async def _update(self, subscription_id: str, params: Params, key: str) -> PaidSubscription:
        changed = self._v1.subscriptions.update_async(subscription_id, params, under(key))
        return paid_subscription(await self._line.ask(changed, Subscribed))

    async def _retrieve(self, subscription_id: str) -> Subscribed:
        return await self._line.ask(
            self._v1.subscriptions.retrieve_async(subscription_id, {"expand": list(_SECRETS)}),
            Subscribed,
        )

    async def _look_subscription(self, subscription_id: str) -> PaidSubscription | None:
        asked = self._v1.subscriptions.retrieve_async(subscription_id)
        try:
            return paid_subscription(await self._line.ask(asked, Subscribed))
        except PaymentRefused as error:
            if is_missing(error.__cause__):
                return None
            raise

    async def _all_subscriptions(self, since: float) -> AsyncIterator[PaidSubscription]:
        params: Params = {"status": "all", "created": {"gte": int(since)}}
        async for one in self._line.each(self._v1.subscriptions.list_async, params, Subscribed):
            yield paid_subscription(one)


def paid_subscription(one: Subscribed) -> PaidSubscription:
    """As the contract has it."""
    plan = one.plan
    return PaidSubscription(
        id=one.id,
        customer_id=one.customer,
        price_id=plan.price.id,
        status=one.status,
        period_start=plan.current_period_start,
        period_end=plan.current_period_end,
        created_at=one.created,
        cancel_at=one.ends_at,
        canceled_at=one.canceled_at,
        trial_end=one.trial_end,
        purchase_id=one.metadata.get(PURCHASE),
        client_secret=_secret(one),
    )


def _secret(one: Subscribed) -> str | None:
    """What is to be confirmed now: a bill that is not paid, or the card that a trial ends with."""
    bill = one.latest_invoice
    if isinstance(bill, Bill) and bill.status == "open" and bill.confirmation_secret:
        return bill.confirmation_secret.client_secret
    setup = one.pending_setup_intent
    return setup.client_secret if isinstance(setup, Secret) else None


def _changes(one: Subscribed, offer: Offer) -> list[dict[str, Any]]:
    """The items that are to be others; none: the subscription is to this offer already."""
    items: list[dict[str, Any]] = []
    if one.plan.price.id != offer.price_id:
        items.append({"id": one.plan.id, "price": offer.price_id})
    overage, wanted = one.overage, offer.overage_price_id
    if overage is None:
        items += [{"price": wanted}] if wanted else []
    elif wanted is None:
        items.append({"id": overage.id, "deleted": True})
    elif overage.price.id != wanted:
        items.append({"id": overage.id, "price": wanted})
    return items
