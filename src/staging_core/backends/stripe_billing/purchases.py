"""Packs that were bought once: a payment intent, or a checkout that nothing was charged for."""

from __future__ import annotations

from collections.abc import AsyncIterator

from staging_core.errors import PaymentRefused
from staging_core.models import PaidPurchase

from .part import PRICE, PURCHASE, Part
from .refusal import is_missing
from .seen import Charge, Dispute, Intent, Session


class Purchases(Part):
    """What says in its metadata that it is ours, and of what price; anything else is none."""

    async def _look_purchase(self, purchase: str) -> PaidPurchase | None:
        try:
            if not purchase.startswith("cs_"):
                return await self._by_intent(purchase)
            asked = self._v1.checkout.sessions.retrieve_async(purchase)
            session = await self._line.ask(asked, Session)
            if session.payment_intent:
                return await self._by_intent(session.payment_intent)
            return _free(session)
        except PaymentRefused as error:
            if is_missing(error.__cause__):
                return None
            raise

    async def _all_purchases(self, since: float) -> AsyncIterator[PaidPurchase]:
        made = {"created": {"gte": int(since)}}
        params = {**made, "expand": ["data.latest_charge"]}
        intents, sessions = self._v1.payment_intents, self._v1.checkout.sessions
        async for intent in self._line.each(intents.list_async, params, Intent, whatever=True):
            if bought := await self._bought(intent):
                yield bought
        params = {**made, "status": "complete"}
        async for session in self._line.each(sessions.list_async, params, Session, whatever=True):
            if session.payment_intent is None and (gift := _free(session)):
                yield gift

    async def _by_intent(self, intent_id: str) -> PaidPurchase | None:
        intent = await self._intent(intent_id)
        return None if intent is None else await self._bought(intent)

    async def _intent(self, intent_id: str) -> Intent | None:
        asked = self._v1.payment_intents.retrieve_async(intent_id, {"expand": ["latest_charge"]})
        try:
            return await self._line.ask(asked, Intent)
        except PaymentRefused as error:
            if is_missing(error.__cause__):
                return None
            raise

    async def _bought(self, intent: Intent) -> PaidPurchase | None:
        price = intent.metadata.get(PRICE)
        if price is None or intent.customer is None:
            return None
        charge = intent.latest_charge if isinstance(intent.latest_charge, Charge) else None
        return PaidPurchase(
            id=intent.id,
            customer_id=intent.customer,
            price_id=price,
            paid=intent.status == "succeeded",
            amount_cents=intent.amount_received,
            currency=intent.currency,
            created_at=intent.created,
            refunded_cents=charge.amount_refunded if charge else 0,
            disputed=bool(charge and charge.disputed and await self._taken_back(intent.id)),
            purchase_id=intent.metadata.get(PURCHASE),
        )

    async def _taken_back(self, intent_id: str) -> bool:
        params = {"payment_intent": intent_id}
        disputes = self._line.each(self._v1.disputes.list_async, params, Dispute)
        return any([one.has_taken async for one in disputes])


def _free(session: Session) -> PaidPurchase | None:
    """What was bought by a checkout that nothing was charged for."""
    ours = session.metadata or {}
    if session.mode != "payment" or PRICE not in ours or session.customer is None:
        return None
    if session.status != "complete":
        return None  # as the list has it: a page that nobody came to the end of is no purchase
    return PaidPurchase(
        id=session.id,
        customer_id=session.customer,
        price_id=ours[PRICE],
        paid=session.payment_status == "no_payment_required",
        amount_cents=0,
        currency=session.currency or "usd",
        created_at=session.created,
        purchase_id=ours.get(PURCHASE),
    )
