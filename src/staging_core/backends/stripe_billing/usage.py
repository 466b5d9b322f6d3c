"""Images beyond a plan: told to a meter of Stripe, which charges them with the next bill."""

from __future__ import annotations

from staging_core.errors import PaymentRefused

from .line import Params
from .part import Part
from .refusal import is_taken
from .seen import Named, Summary

EVENT_NAME = "staging_overage"
"""What the meter behind every overage price counts."""


class Usage(Part):
    """One meter for all plans; who pays how much is the matter of their overage prices."""

    async def meter(self, customer_id: str, images: int, *, at: float, key: str) -> None:
        """``key``: 100 characters at most. Stripe knows an event by it for a day."""
        params: Params = {
            "event_name": EVENT_NAME,
            "identifier": key,
            "payload": {"stripe_customer_id": customer_id, "value": str(images)},
            "timestamp": int(at),
        }
        try:
            # No idempotency key: it would keep an error of Stripe's own, the identifier does not.
            await self._line.ask(self._v1.billing.meter_events.create_async(params), _Told)
        except PaymentRefused as error:
            if not is_taken(error.__cause__):
                raise

    async def metered(self, customer_id: str, *, since: float, until: float) -> int:
        """By the meter's own sums; none where there is no meter yet."""
        meter = await self._find_meter()
        if meter is None or since >= until:
            return 0
        listed = self._v1.billing.meters.event_summaries.list_async
        params: Params = {"customer": customer_id, "start_time": int(since), "end_time": int(until)}
        summaries = self._line.each(lambda asked: listed(meter, asked), params, Summary)
        return round(sum([one.aggregated_value async for one in summaries]))

    async def _find_meter(self) -> str | None:
        listed = self._line.each(self._v1.billing.meters.list_async, {"status": "active"}, Named)
        return next((one.id for one in [each async for each in listed] if _ours(one)), None)


class _Told(Named, frozen=True, kw_only=True):
    """A meter event has no id."""

    id: str = ""


def _ours(meter: Named) -> bool:
    return meter.event_name == EVENT_NAME
