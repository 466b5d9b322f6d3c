"""At which metered price a subscription charges what is beyond its plan."""

from __future__ import annotations

from typing import Any

from staging_core.errors import Busy
from staging_core.models import PaidSubscription

from .line import Params
from .seen import Subscribed
from .subscriptions import Subscriptions, paid_subscription

_PENDING_S = 600.0


class Overage(Subscriptions):
    """Changes the metered items of a subscription, and no other ones."""

    async def charge_beyond(
        self, subscription_id: str, price_id: str | None, *, instead_of: tuple[str, ...], key: str
    ) -> PaidSubscription:
        """In one call: two prices of one meter would charge everything twice.

        Not while a change of the plan waits for its payment, which another update would undo.
        What was metered is billed when its item goes, unless prorations were switched off.
        """
        one = await self._retrieve(subscription_id)
        items = _changes(one, price_id, instead_of)
        if not items:
            return paid_subscription(one)
        if one.pending_update is not None:
            raise Busy("A change of this plan waits to be paid.", retry_after_s=_PENDING_S)
        params: Params = {"items": items, "proration_behavior": "create_prorations"}
        return await self._update(subscription_id, params, key)


def _changes(
    one: Subscribed, price_id: str | None, instead_of: tuple[str, ...]
) -> list[dict[str, Any]]:
    gone = [item for item in one.metered if item.price.id in instead_of]
    items: list[dict[str, Any]] = [{"id": item.id, "deleted": True} for item in gone]
    if price_id is not None and price_id not in {item.price.id for item in one.metered}:
        items.append({"price": price_id})
    return items
