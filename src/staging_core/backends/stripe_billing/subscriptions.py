"""Subscriptions: begun with Stripe's form, changed, ended with their period."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from staging_core.errors import PaymentRefused
from staging_core.models import Offer, PaidSubscription

from .checkouts import lines_of, trial_of
from .line import Params, under
from .part import PAID, PAID_FROM, PURCHASE, Part
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
        params |= trial_of(offer) if offer.trial_days else {}
        params |= {"automatic_tax": {"enabled": True}} if self._tax else {}
        made = self._v1.subscriptions.create_async(params, under(key))
        return paid_subscription(await self._line.ask(made, Subscribed))

    async def begun(self, customer_id: str, purchase_id: str) -> PaidSubscription | None:
        """By Stripe's list of the customer's, which is never late."""
        one = await self._of_purchase(customer_id, purchase_id)
        return None if one is None else paid_subscription(one)

    async def _of_purchase(self, customer_id: str, purchase_id: str) -> Subscribed | None:
        params: Params = {
            "customer": customer_id,
            "status": "all",
            "expand": [f"data.{name}" for name in _SECRETS],
        }
        found = self._line.each(self._v1.subscriptions.list_async, params, Subscribed)
        try:
            async for one in found:
                if one.metadata.get(PURCHASE) == purchase_id:
                    return one
        except PaymentRefused as error:
            if not is_missing(error.__cause__):
                raise
        return None

    async def switch(self, subscription_id: str, offer: Offer, *, key: str) -> PaidSubscription:
        """Dearer: with a bill at once, and not before it is paid. Cheaper: with the next bill.

        All images of a dearer plan are there at once, so it costs all of the difference, whatever
        is left of the period. What was paid is not given back: it may be used up by then.
        """
        one = await self._retrieve(subscription_id)
        items = _changes(one, offer)
        if not items:
            return paid_subscription(one)
        price, paid = await self._price_of(offer.price_id), await self._paid_for(one)
        _check_comparable(price, paid)
        params: Params = {"items": items}
        if (price.unit_amount or 0) > (paid.unit_amount or 0):
            params |= _charged(one, paid)
        else:
            params |= {"proration_behavior": "none"}
            params |= {"metadata": _paid(one, paid)} if one.status != "trialing" else {}
        return await self._update(subscription_id, params, key)

    async def _paid_for(self, one: Subscribed) -> Price:
        """The dearest that this period was paid for.

        That is kept where a smaller plan was chosen. It stays there when a still dearer one is
        paid later, as a change that waits for its payment can write nothing else.
        """
        paid_id, now = _paid_price_id(one), one.plan.price
        if paid_id is None:
            return now
        kept = await self._price_of(paid_id)
        _check_comparable(kept, now)
        return kept if (kept.unit_amount or 0) > (now.unit_amount or 0) else now

    async def _price_of(self, price_id: str) -> Price:
        return await self._line.ask(self._v1.prices.retrieve_async(price_id), Price)

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
        # With its bill, which says what is owed.
        whole: Params = {**params, "expand": list(_SECRETS)}
        changed = self._v1.subscriptions.update_async(subscription_id, whole, under(key))
        return paid_subscription(await self._line.ask(changed, Subscribed))

    async def _retrieve(self, subscription_id: str) -> Subscribed:
        return await self._line.ask(
            self._v1.subscriptions.retrieve_async(subscription_id, {"expand": list(_SECRETS)}),
            Subscribed,
        )

    async def _look_subscription(self, subscription_id: str) -> PaidSubscription | None:
        params: Params = {"expand": ["latest_invoice"]}
        asked = self._v1.subscriptions.retrieve_async(subscription_id, params)
        try:
            return paid_subscription(await self._line.ask(asked, Subscribed))
        except PaymentRefused as error:
            if is_missing(error.__cause__):
                return None
            raise

    async def _all_subscriptions(self, since: float) -> AsyncIterator[PaidSubscription]:
        params: Params = {"status": "all", "created": {"gte": int(since)}}
        params["expand"] = ["data.latest_invoice"]
        listed = self._v1.subscriptions.list_async
        async for one in self._line.each(listed, params, Subscribed, whatever=True):
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
        owes=one.owes,
        paid_price_id=_paid_price_id(one),
        overage_price_ids=tuple(item.price.id for item in one.metered),
        purchase_id=one.metadata.get(PURCHASE),
        client_secret=_secret(one),
    )


def _check_comparable(*prices: Price) -> None:
    """What is dearer by its amount may be cheaper by the month: a year's, or one of tiers."""
    for price in prices:
        if not price.is_of_a_plan:
            raise PaymentRefused(
                f"The price {price.id!r} is not one amount a month, and so of no plan here.",
                remedy="Let the operator give the plan a monthly price.",
            )


def _charged(one: Subscribed, paid: Price) -> Params:
    """How a dearer plan is asked for: all of the difference, paid before anything changes."""
    if one.owes:
        raise PaymentRefused(
            "The last bill of this plan is not paid yet.",
            remedy="Pay it first, on its page in the list of bills; one that is not there yet is "
            "charged within the hour.",
        )
    if paid.id != one.plan.price.id:
        raise PaymentRefused(
            "This period is paid for with a larger plan than the one that was chosen since.",
            remedy="Go back to that plan first, which costs nothing, and then to the dearer one.",
        )
    params = {"payment_behavior": "pending_if_incomplete", "proration_behavior": "always_invoice"}
    whole = {"proration_date": int(one.plan.current_period_start)}
    return params if one.status == "trialing" else {**params, **whole}


def _paid(one: Subscribed, paid: Price) -> dict[str, str]:
    """What is kept at Stripe of what this period was paid for."""
    return {PAID: paid.id, PAID_FROM: str(int(one.plan.current_period_start))}


def _paid_price_id(one: Subscribed) -> str | None:
    this_period = str(int(one.plan.current_period_start))
    return one.metadata.get(PAID) if one.metadata.get(PAID_FROM) == this_period else None


def _secret(one: Subscribed) -> str | None:
    """What is to be confirmed now: a bill that is not paid, or the card that a trial ends with."""
    bill = one.latest_invoice
    if isinstance(bill, Bill) and bill.status == "open" and bill.confirmation_secret:
        return bill.confirmation_secret.client_secret
    setup = one.pending_setup_intent
    return setup.client_secret if isinstance(setup, Secret) else None


def _changes(one: Subscribed, offer: Offer) -> list[dict[str, Any]]:
    """The item that is to be another; none: the subscription is to this offer already.

    Metered items follow by themselves (``charge_beyond``): a change that waits for its payment can
    delete none.
    """
    if one.plan.price.id == offer.price_id:
        return []
    return [{"id": one.plan.id, "price": offer.price_id}]
