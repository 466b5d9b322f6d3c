"""The lines of invoices: what for, how much, and for which time."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec

from .account import Account
from .coupons import Coupons
from .meters import Meters
from .prices import cost, rounded
from .published import filled
from .store import Object, listing


class Span(msgspec.Struct, frozen=True):
    """From ``start`` to before ``end``, in Unix seconds."""

    start: int
    end: int

    def left(self, at: int) -> Decimal:
        """The part of it that begins at ``at``."""
        whole = self.end - self.start
        return Decimal(max(0, min(whole, self.end - at))) / whole if whole else Decimal(0)


class Lines:
    """Makes lines, and takes discounts off them."""

    def __init__(self, account: Account, meters: Meters, coupons: Coupons) -> None:
        self._account, self._meters, self._coupons = account, meters, coupons

    # --- lines ----------------------------------------------------------------------------------

    def of_item(self, item: Object, owner: str, *, trial: bool = False) -> Object:
        """The line of a subscription's item for its period; a trial costs nothing."""
        price = item["price"]
        span = Span(item["current_period_start"], item["current_period_end"])
        product = self._name(price)
        if trial:
            return self.line(item, f"Trial period for {product}", 0, span)
        if price["recurring"]["usage_type"] == "metered":
            return self.of_usage(item, owner, span)
        quantity = item["quantity"]
        amount = cost(price, quantity)
        return self.line(item, f"{quantity} × {product}", amount, span, quantity=quantity)

    def of_usage(self, item: Object, owner: str, span: Span) -> Object:
        """The line for what was used in a period that is over, or since the item is there."""
        price = item["price"]
        span = Span(max(span.start, item["created"]), span.end)
        meter = self._account.find("billing.meter", price["recurring"]["meter"])
        used = int(self._meters.used(meter, owner, span.start, span.end))
        text = f"{used} × {self._name(price)}"
        line = self.line(item, text, cost(price, used), span, quantity=used)
        line["_usage"] = item
        return line

    def of_price(self, price: Object, quantity: int, at: int) -> Object:
        """The line of something that is bought once."""
        text = f"{quantity} × {self._name(price)}"
        return self._line(
            price, text, cost(price, quantity), Span(at, at), quantity=quantity, parent=None
        )

    def prorated(self, item: Object, at: int, *, credit: bool) -> Object:
        """What the rest of the item's period is worth: given back, or to be paid.

        Given back is a part of what was debited for the item, with the discounts of that time.
        """
        span = Span(item["current_period_start"], item["current_period_end"])
        price, quantity = item["price"], item["quantity"]
        debited = self._debited(item) if credit else None
        part = Decimal(1) if debited is None else debited
        worth = rounded(cost(price, quantity) * part * span.left(at))
        words = "Unused time on" if credit else "Remaining time on"
        amount = -worth if credit else worth
        text = f"{words} {quantity} × {self._name(price)}"
        ends = Span(at, span.end)
        line = self.line(item, text, amount, ends, quantity=quantity, proration=True)
        line["discountable"] = debited is None
        return line

    def _debited(self, item: Object) -> Decimal | None:
        """Which part of the item's price was debited last, after discounts; None: it never was."""
        debits = [
            line
            for invoice in self._account.store.all("invoice", customer=self._owner(item))
            for line in invoice["lines"]["data"]
            if invoice["status"] != "void"
            and line["amount"] > 0
            and line["pricing"]["price_details"]["price"] == item["price"]["id"]
            and _item_of(line) == item["id"]
        ]
        if not debits:
            return None
        line = debits[-1]
        off = sum(one["amount"] for one in line["discount_amounts"])
        return Decimal(line["amount"] - off) / Decimal(line["amount"])

    def _owner(self, item: Object) -> str:
        owner: str = self._account.find("subscription", item["subscription"])["customer"]
        return owner

    def line(
        self,
        item: Object,
        text: str,
        amount: int,
        span: Span,
        *,
        quantity: int = 1,
        proration: bool = False,
    ) -> Object:
        """A line of a subscription's item."""
        parent = {
            "invoice_item_details": None,
            "subscription_item_details": {
                "invoice_item": None,
                "proration": proration,
                "proration_details": {"credited_items": None} if proration else None,
                "subscription": item["subscription"],
                "subscription_item": item["id"],
            },
            "type": "subscription_item_details",
        }
        line = self._line(item["price"], text, amount, span, quantity=quantity, parent=parent)
        line["subscription"] = item["subscription"]
        return line

    def listed(self, lines: list[Object], invoice: str) -> Object:
        """The lines as the list of an invoice."""
        for line in lines:
            line["invoice"] = invoice
        return {**listing(lines, f"/v1/invoices/{invoice}/lines"), "total_count": len(lines)}

    def _line(
        self,
        price: Object,
        text: str,
        amount: int,
        span: Span,
        *,
        quantity: int,
        parent: Object | None,
    ) -> Object:
        details = {"price": price["id"], "product": price["product"]}
        return filled(
            {
                "id": self._account.store.new_id("il"),
                "object": "line_item",
                "amount": amount,
                "currency": price["currency"],
                "description": text,
                "discount_amounts": [],
                "discountable": True,
                "discounts": [],
                "livemode": False,
                "metadata": {},
                "parent": parent,
                "period": {"start": span.start, "end": span.end},
                "pretax_credit_amounts": [],
                "pricing": {
                    "price_details": details,
                    "type": "price_details",
                    "unit_amount_decimal": price["unit_amount_decimal"],
                },
                "quantity": quantity,
                "quantity_decimal": str(quantity),
                "subtotal": amount,
                "taxes": [],
            }
        )

    def _name(self, price: Object) -> str:
        product = self._account.store.known("product", price["product"])
        return str(product["name"]) if product else price["id"]

    # --- discounts ------------------------------------------------------------------------------

    def discounted(self, lines: list[Object], discounts: list[Object]) -> list[dict[str, Any]]:
        """Take the discounts off the lines, one after another; the totals of each."""
        for line in lines:
            line["discount_amounts"] = []
        return [
            {"amount": self._taken(lines, discount), "discount": discount["id"]}
            for discount in discounts
        ]

    def _taken(self, lines: list[Object], discount: Object) -> int:
        coupon = self._coupons.coupon_of(discount)
        left = coupon["amount_off"]
        whole = 0
        for line in lines:
            if not self._fits(line, coupon):
                continue
            rest = line["amount"] - sum(one["amount"] for one in line["discount_amounts"])
            if left is None:
                off = rounded(Decimal(rest) * Decimal(str(coupon["percent_off"])) / 100)
            else:
                off = max(0, min(left, rest))
                left -= off
            line["discount_amounts"].append({"amount": off, "discount": discount["id"]})
            whole += off
        return whole

    def _fits(self, line: Object, coupon: Object) -> bool:
        products = coupon.get("_products")
        product = line["pricing"]["price_details"]["product"]
        return bool(line["discountable"] and (products is None or product in products))


def _item_of(line: Object) -> str | None:
    details = (line["parent"] or {}).get("subscription_item_details") or {}
    found: str | None = details.get("subscription_item")
    return found
