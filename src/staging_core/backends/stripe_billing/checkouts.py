"""Checkouts: a page of Stripe on which a plan or a pack is paid."""

from __future__ import annotations

from typing import Any

from staging_core.errors import PaymentsUnavailable
from staging_core.models import Offer

from .line import Params, under
from .part import PRICE, PURCHASE, Part
from .seen import Session


class Checkouts(Part):
    """Makes them; what is bought there carries the purchase's id."""

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
        """The address of the page, which is open for a day."""
        ours = {PURCHASE: purchase_id, PRICE: offer.price_id}
        params: Params = {
            "customer": customer_id,
            "line_items": lines_of(offer),
            "success_url": success_url,
            "cancel_url": cancel_url,
            "client_reference_id": purchase_id,
            "metadata": ours,
            "allow_promotion_codes": True,
        }
        if offer.kind == "plan":
            data: dict[str, Any] = {"metadata": {PURCHASE: purchase_id}}
            params |= {"mode": "subscription", "subscription_data": data}
            if offer.trial_days:
                data |= trial_of(offer)
                params["payment_method_collection"] = "always"
        else:
            params |= {"mode": "payment", "payment_intent_data": {"metadata": ours}}
        if self._tax:
            # The address that is asked for on the page becomes the customer's: tax goes by it.
            params |= {"automatic_tax": {"enabled": True}, "customer_update": {"address": "auto"}}
        made = self._v1.checkout.sessions.create_async(params, under(key))
        url = (await self._line.ask(made, Session)).url
        if url is None:
            raise PaymentsUnavailable("Stripe has given no page to pay on.")
        return url


def trial_of(offer: Offer) -> dict[str, Any]:
    """Its free days; who has given no card by their end has no plan any more, and no bill."""
    ends = {"end_behavior": {"missing_payment_method": "cancel"}}
    return {"trial_period_days": offer.trial_days, "trial_settings": ends}


def lines_of(offer: Offer) -> list[dict[str, Any]]:
    """What is bought: the price once, and what is metered beside it."""
    lines: list[dict[str, Any]] = [{"price": offer.price_id, "quantity": 1}]
    if offer.kind == "plan" and offer.overage_price_id:
        lines.append({"price": offer.overage_price_id})
    return lines
