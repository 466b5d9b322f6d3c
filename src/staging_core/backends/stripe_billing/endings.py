"""The end of all that a customer pays."""

from __future__ import annotations

from staging_core.errors import PaymentRefused

from .line import Params
from .part import PURCHASE, Part
from .refusal import is_missing
from .seen import Named, Session, Subscribed

_ENDED = ("canceled", "incomplete_expired")


class Endings(Part):
    """Pages are closed first, so that nothing begins while subscriptions end."""

    async def end_payments(self, customer_id: str) -> None:
        """At once; what was metered is billed, and nothing is given back."""
        try:
            await self._close_pages(customer_id)
            await self._end_subscriptions(customer_id)
        except PaymentRefused as error:
            if not is_missing(error.__cause__):
                raise

    async def _close_pages(self, customer_id: str, purchase_id: str | None = None) -> None:
        """All that are open, or that of a purchase."""
        sessions = self._v1.checkout.sessions
        params: Params = {"customer": customer_id, "status": "open"}
        found = self._line.each(sessions.list_async, params, Session)
        for page in [one async for one in found]:
            if purchase_id not in (None, (page.metadata or {}).get(PURCHASE)):
                continue
            try:
                await self._line.ask(sessions.expire_async(page.id), Named)
            except PaymentRefused:
                # Who was faster has paid: what came of it ends with the subscriptions.
                now = await self._line.ask(sessions.retrieve_async(page.id), Named)
                if now.status == "open":
                    raise

    async def _end_subscriptions(self, customer_id: str) -> None:
        params: Params = {"customer": customer_id}
        found = self._line.each(self._v1.subscriptions.list_async, params, Subscribed)
        for one in [each async for each in found]:
            if one.status in _ENDED:
                continue
            last: Params = {} if one.status == "incomplete" else {"invoice_now": True}
            try:
                await self._line.ask(self._v1.subscriptions.cancel_async(one.id, last), Named)
            except PaymentRefused as error:
                if not is_missing(error.__cause__):
                    raise
