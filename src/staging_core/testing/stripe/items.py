"""The items of subscriptions: what is subscribed to, how many of it, and for which period."""

from __future__ import annotations

from typing import Any

import msgspec

from .account import Account
from .call import merged
from .prices import cost, sold
from .published import filled
from .refusal import Refused, required, unspoken
from .store import Object


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """One item as a call asks for it. ``quantity``: ``None`` for what is metered."""

    price: Object
    quantity: int | None
    metadata: dict[str, str]


class Items:
    """Every item has its own period; in the double all of a subscription end together."""

    def __init__(self, account: Account) -> None:
        self._account = account

    def wanted(self, given: list[dict[str, Any]] | None, currency: str | None) -> list[Wanted]:
        """The items that a call names; ``Refused`` if they cannot be subscribed to."""
        if not given:
            raise required("items")
        found = [self._wanted(one, place) for place, one in enumerate(given)]
        self.check_together([one.price for one in found], currency)
        return found

    def _wanted(self, given: dict[str, Any], place: int) -> Wanted:
        return Wanted(
            price=self.price(given, place),
            quantity=self.quantity(given, self.price(given, place), place),
            metadata=merged({}, given.get("metadata")),
        )

    def price(self, given: dict[str, Any], place: int) -> Object:
        """An active, recurring price."""
        param = f"items[{place}][price]"
        price = sold(self._account, given.get("price"), param)
        if price["recurring"] is None:
            message = (
                "The price specified is set to `type=one_time` but this field only accepts prices"
                " with `type=recurring`."
            )
            raise Refused(message, param=param)
        return price

    def quantity(self, given: dict[str, Any], price: Object, place: int) -> int | None:
        """How many; nobody says so of what is metered."""
        param = f"items[{place}][quantity]"
        if price["recurring"]["usage_type"] == "metered":
            if "quantity" in given:
                raise Refused("You cannot set a quantity on a metered price.", param=param)
            return None
        quantity: int = given.get("quantity", 1)
        if not 0 <= quantity <= 999_999:
            raise Refused(
                "Invalid non-negative integer", code="parameter_invalid_integer", param=param
            )
        return quantity

    def check_together(self, prices: list[Object], currency: str | None) -> None:
        """Refuse what one subscription cannot have together."""
        if len({price["id"] for price in prices}) < len(prices):
            raise Refused(
                "A subscription cannot have two items with the same price.", param="items"
            )
        currencies = {price["currency"] for price in prices} | ({currency} if currency else set())
        if len(currencies) > 1:
            message = "All prices on a subscription must have the same currency."
            raise Refused(message, param="items")
        if len({self._interval(price) for price in prices}) > 1:
            raise unspoken("subscriptions with different intervals")

    def _interval(self, price: Object) -> tuple[str, int]:
        return price["recurring"]["interval"], price["recurring"]["interval_count"]

    def made(self, wanted: Wanted, subscription: str, owner: str, span: tuple[int, int]) -> Object:
        """A new item of a subscription, for its first period."""
        item = filled(
            {
                "id": self._account.store.new_id("si"),
                "object": "subscription_item",
                "created": self._account.now(owner),
                "current_period_end": span[1],
                "current_period_start": span[0],
                "discounts": [],
                "metadata": wanted.metadata,
                "plan": plan(wanted.price),
                "price": wanted.price,
                "subscription": subscription,
                "tax_rates": [],
            }
        )
        if wanted.quantity is None:
            del item["quantity"]
        else:
            item["quantity"] = wanted.quantity
        return item


def worth(items: list[Object]) -> int:
    """What the licensed items cost for a period."""
    return sum(cost(item["price"], item["quantity"]) for item in items if licensed(item))


def licensed(item: Object) -> bool:
    """Whether it is paid before it is used."""
    return bool(item["price"]["recurring"]["usage_type"] == "licensed")


def plan(price: Object) -> Object:
    """The price as the older object that items still carry."""
    recurring = price["recurring"]
    return filled(
        {
            "id": price["id"],
            "object": "plan",
            "active": price["active"],
            "amount": price["unit_amount"],
            "amount_decimal": price["unit_amount_decimal"],
            "billing_scheme": price["billing_scheme"],
            "created": price["created"],
            "currency": price["currency"],
            "interval": recurring["interval"],
            "interval_count": recurring["interval_count"],
            "livemode": False,
            "metadata": price["metadata"],
            "meter": recurring["meter"],
            "nickname": price["nickname"],
            "product": price["product"],
            "usage_type": recurring["usage_type"],
        }
    )
