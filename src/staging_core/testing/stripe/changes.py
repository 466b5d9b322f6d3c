"""Changes of what is subscribed to: what is given back, what is to be paid, and when."""

from __future__ import annotations

from typing import Any

import msgspec

from .account import Account
from .call import merged
from .cycle import later
from .items import Items, Wanted, licensed, plan, worth
from .lines import Lines, Span
from .refusal import Refused, missing, unspoken
from .store import Object


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """``items``: after it. ``lines``: what it costs. ``reset``: a new period begins with it."""

    items: list[Object]
    lines: list[Object]
    reset: bool


class Changes:
    """Works changes out; nothing is changed by that."""

    def __init__(self, account: Account, items: Items, lines: Lines) -> None:
        self._account, self._items, self._lines = account, items, lines

    def worked_out(
        self,
        subscription: Object,
        given: list[dict[str, Any]],
        behavior: str,
        *,
        at: int | None = None,
        anew: bool = False,
    ) -> Change:
        """``given``: the items of the call; one without an ``id`` is one more.

        ``behavior``: ``none`` has nothing given back. ``at``: the time that prorations begin.
        ``anew``: a new period begins now in any case.
        """
        owner = subscription["customer"]
        now = self._account.now(owner)
        before: list[Object] = subscription["items"]["data"]
        self._check_time(at, before)
        after = self._after(subscription, given)
        trial = subscription["status"] == "trialing"
        reset = not trial and (anew or self._begins_anew(before, after))
        if reset:
            after = [self._from_now(item, now) for item in after]
        lines = []
        if not trial and behavior != "none":
            lines += self._given_back(before, after, at or now, whole=reset)
        if reset:
            lines += self._used(before, owner, now)
            lines += [self._lines.of_item(item, owner) for item in after if licensed(item)]
        elif not trial and behavior != "none":
            lines += self._to_be_paid(before, after, at or now)
            lines += self._used(_gone(before, after), owner, now)
        return Change(items=after, lines=lines, reset=reset)

    def given_back(self, items: list[Object], at: int) -> list[Object]:
        """What the rest of the period is worth, when all of it ends at ``at``."""
        return self._given_back(items, [], at, whole=True)

    # --- items ----------------------------------------------------------------------------------

    def _after(self, subscription: Object, given: list[dict[str, Any]]) -> list[Object]:
        items = {item["id"]: item for item in subscription["items"]["data"]}
        for place, one in enumerate(given):
            if one.get("deleted"):
                self._known(items, one, place)
                del items[one["id"]]
            elif "id" in one:
                item = self._known(items, one, place)
                items[one["id"]] = self._changed(item, one, place)
            else:
                item = self._added(subscription, one, place)
                items[item["id"]] = item
        if not items:
            raise Refused("A subscription must have at least one active plan.", param="items")
        prices = [item["price"] for item in items.values()]
        self._items.check_together(prices, subscription["currency"])
        return list(items.values())

    def _known(self, items: dict[str, Object], given: dict[str, Any], place: int) -> Object:
        id = given.get("id", "")
        if id not in items:
            raise missing("subscription item", id, f"items[{place}][id]", 400)
        return items[id]

    def _changed(self, item: Object, given: dict[str, Any], place: int) -> Object:
        price = self._items.price(given, place) if "price" in given else item["price"]
        if not licensed(item) and price["id"] != item["price"]["id"]:
            raise unspoken("another price of a metered item; delete it and add another")
        asked = dict(given)
        if "quantity" not in asked and "quantity" in item:
            asked["quantity"] = item["quantity"]
        if price["recurring"]["usage_type"] == "metered" and "quantity" not in given:
            asked.pop("quantity", None)
        quantity = self._items.quantity(asked, price, place)
        changed = {**item, "price": price, "plan": plan(price), "quantity": quantity}
        if quantity is None:
            del changed["quantity"]
        changed["metadata"] = merged(item["metadata"], given.get("metadata"))
        return changed

    def _added(self, subscription: Object, given: dict[str, Any], place: int) -> Object:
        price = self._items.price(given, place)
        wanted = Wanted(
            price=price,
            quantity=self._items.quantity(given, price, place),
            metadata=merged({}, given.get("metadata")),
        )
        first = subscription["items"]["data"][0]
        span = first["current_period_start"], first["current_period_end"]
        return self._items.made(wanted, subscription["id"], subscription["customer"], span)

    # --- money ----------------------------------------------------------------------------------

    def _begins_anew(self, before: list[Object], after: list[Object]) -> bool:
        """Another interval, or the first that costs anything."""
        was, is_now = before[0]["price"]["recurring"], after[0]["price"]["recurring"]
        same = all(was[name] == is_now[name] for name in ("interval", "interval_count"))
        return not same or (worth(before) == 0 and worth(after) > 0)

    def _from_now(self, item: Object, now: int) -> Object:
        recurring = item["price"]["recurring"]
        end = later(now, recurring["interval"], recurring["interval_count"])
        return {**item, "current_period_start": now, "current_period_end": end}

    def _given_back(
        self, before: list[Object], after: list[Object], at: int, *, whole: bool
    ) -> list[Object]:
        kept = {} if whole else {item["id"]: _bought(item) for item in after}
        gone = [item for item in before if kept.get(item["id"]) != _bought(item)]
        lines = [self._lines.prorated(item, at, credit=True) for item in gone if licensed(item)]
        return [line for line in lines if line["amount"] or not whole]

    def _to_be_paid(self, before: list[Object], after: list[Object], at: int) -> list[Object]:
        had = {item["id"]: _bought(item) for item in before}
        new = [item for item in after if had.get(item["id"]) != _bought(item)]
        return [self._lines.prorated(item, at, credit=False) for item in new if licensed(item)]

    def _used(self, before: list[Object], owner: str, now: int) -> list[Object]:
        return [
            self._lines.of_usage(item, owner, Span(item["current_period_start"], now))
            for item in before
            if not licensed(item)
        ]

    def _check_time(self, at: int | None, before: list[Object]) -> None:
        first = before[0]
        if at is not None and not (
            first["current_period_start"] <= at <= first["current_period_end"]
        ):
            message = "The proration date must be within the current period."
            raise Refused(message, param="proration_date")


def _bought(item: Object) -> tuple[str, int | None]:
    return item["price"]["id"], item.get("quantity")


def _gone(before: list[Object], after: list[Object]) -> list[Object]:
    """Items that are not there any more: what was metered of them is billed with the next bill."""
    kept = {item["id"] for item in after}
    return [item for item in before if item["id"] not in kept]


def begins_now(params: dict[str, Any]) -> bool:
    """Whether a call asks for a new period from now on."""
    anchor = params.get("billing_cycle_anchor") or {}
    return bool(anchor.get("type") == "now")
