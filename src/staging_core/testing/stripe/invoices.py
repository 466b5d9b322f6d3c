"""The calls about invoices: read, preview, pay, void."""

from __future__ import annotations

from typing import Any

from .account import Account
from .call import Call, merged
from .changes import Changes, begins_now
from .coupons import Coupons
from .cycle import period
from .invoicing import Invoicing
from .items import Items, licensed
from .lines import Lines
from .payment_methods import PaymentMethods
from .refusal import Refused, required
from .renewal import Renewal
from .standing import ENDED
from .store import Object, page, within


class Invoices:
    """Invoices are made by subscriptions and checkouts; nobody makes one by itself here."""

    def __init__(
        self,
        account: Account,
        *,
        invoicing: Invoicing,
        methods: PaymentMethods,
        lines: Lines,
        items: Items,
        changes: Changes,
        renewal: Renewal,
        coupons: Coupons,
    ) -> None:
        self._account, self._invoicing, self._methods = account, invoicing, methods
        self._lines, self._items, self._changes = lines, items, changes
        self._renewal, self._coupons = renewal, coupons

    def pages(self, call: Call) -> Object:
        """The newest first."""
        asked = call.params
        having = {name: asked[name] for name in ("customer", "status") if name in asked}
        found = [
            invoice
            for invoice in self._account.store.all("invoice", **having)
            if within(invoice["created"], asked.get("created", {}))
            and ("subscription" not in asked or _of(invoice) == asked["subscription"])
        ]
        return page(found[::-1], asked, call.path, "invoice", lambda one: one)

    def lines(self, call: Call) -> Object:
        """A page of its lines, in their order."""
        invoice = self._account.find("invoice", call.id)
        return page(invoice["lines"]["data"], call.params, call.path, "line", lambda one: one)

    def update(self, call: Call) -> Object:
        """Its metadata."""
        invoice = self._account.find("invoice", call.id)
        with self._account.changing(invoice, "invoice.updated"):
            invoice["metadata"] = merged(invoice["metadata"], call.params.get("metadata"))
            invoice.update(call.given("description", "auto_advance"))
        return invoice

    def finalize(self, call: Call) -> Object:
        """Out of the draft, without waiting for the hour to pass."""
        invoice = self._account.find("invoice", call.id)
        if invoice["status"] != "draft":
            raise _not(invoice, "finalize")
        self._invoicing.finalize(
            invoice, auto_advance=bool(call.params.get("auto_advance", invoice["auto_advance"]))
        )
        return invoice

    def pay(self, call: Call) -> Object:
        """Try to be paid now, by a method of the customer or elsewhere."""
        invoice = self._account.find("invoice", call.id)
        if invoice["status"] == "paid":
            raise Refused("Invoice is already paid", code="invoice_already_paid")
        if invoice["status"] == "draft":
            self._invoicing.finalize(invoice)
        if invoice["status"] == "paid":
            return invoice
        if invoice["status"] not in ("open", "uncollectible"):
            raise _not(invoice, "pay")
        if call.params.get("paid_out_of_band"):
            self._invoicing.pay_elsewhere(invoice)
            return invoice
        method = call.params.get("payment_method")
        chosen = self._methods.usable(method, invoice["customer"]) if method else None
        off_session = call.params.get("off_session", True)
        if refused := self._invoicing.attempt(invoice, chosen, off_session=bool(off_session)):
            raise refused
        return invoice

    def void(self, call: Call) -> Object:
        """Nothing is owed."""
        invoice = self._account.find("invoice", call.id)
        if invoice["status"] not in ("open", "uncollectible"):
            raise _not(invoice, "void")
        self._invoicing.void(invoice)
        return invoice

    def write_off(self, call: Call) -> Object:
        """It is not expected to be paid."""
        invoice = self._account.find("invoice", call.id)
        if invoice["status"] != "open":
            raise _not(invoice, "mark as uncollectible")
        self._invoicing.write_off(invoice)
        return invoice

    # --- preview --------------------------------------------------------------------------------

    def preview(self, call: Call) -> Object:
        """The next invoice, or that of a change; nobody keeps it."""
        id = call.params.get("subscription")
        details = call.params.get("subscription_details") or {}
        if id is None:
            return self._preview_new(call, details)
        one = self._account.named("subscription", id, "subscription")
        if one["status"] in ENDED:
            message = "You cannot preview the upcoming invoice of a canceled subscription."
            raise Refused(message, code="invoice_upcoming_none")
        owner = self._account.find("customer", one["customer"])
        discounts = self._discounts(call, owner, one)
        lines = self._lines_of(one, details)
        invoice = self._invoicing.computed(
            owner, one["currency"], "upcoming", lines, subscription=one, discounts=discounts
        )
        return _upcoming(invoice)

    def _lines_of(self, one: Object, details: dict[str, Any]) -> list[Object]:
        behavior = details.get("proration_behavior", "create_prorations")
        anew = begins_now(details)
        if not details.get("items") and not anew:
            if one["cancel_at_period_end"] and details.get("cancel_at_period_end", True):
                message = "No upcoming invoices for customer: the subscription ends."
                raise Refused(message, code="invoice_upcoming_none", status=404)
            waiting = self._account.store.all("invoiceitem", invoice=None, _of=one["id"])
            lines = [item["_line"] for item in waiting]
            return [*lines, *self._renewal.usage(one), *self._next(one, one["items"]["data"])]
        at = details.get("proration_date")
        change = self._changes.worked_out(one, details.get("items", []), behavior, at=at, anew=anew)
        if change.reset or behavior == "always_invoice":
            return change.lines
        return [*change.lines, *self._renewal.usage(one), *self._next(one, change.items)]

    def _next(self, one: Object, items: list[Object]) -> list[Object]:
        """The lines of the period after this one."""
        lines = []
        for item in filter(licensed, items):
            anchor, recurring = one["billing_cycle_anchor"], item["price"]["recurring"]
            start, end = period(anchor, recurring, item["current_period_end"])
            coming = {**item, "current_period_start": start, "current_period_end": end}
            lines.append(self._lines.of_item(coming, one["customer"]))
        return lines

    def _preview_new(self, call: Call, details: dict[str, Any]) -> Object:
        if "customer" not in call.params:
            raise required("customer")
        owner = self._account.named("customer", call.params["customer"], "customer")
        wanted = self._items.wanted(details.get("items"), owner["currency"])
        now = self._account.now(owner["id"])
        lines = []
        for each in wanted:
            span = period(now, each.price["recurring"], now)
            item = self._items.made(each, "sub_preview", owner["id"], span)
            if licensed(item):
                lines.append(self._lines.of_item(item, owner["id"]))
        currency = wanted[0].price["currency"]
        discounts = self._discounts(call, owner, None, currency)
        return _upcoming(
            self._invoicing.computed(
                owner, currency, "upcoming", lines, subscription=None, discounts=discounts
            )
        )

    def _discounts(
        self, call: Call, owner: Object, one: Object | None, currency: str | None = None
    ) -> list[Object]:
        if "discounts" not in call.params:
            ids = one["discounts"] if one else []
            return [self._account.find("discount", id) for id in ids]
        given = call.params["discounts"] or []
        pairs = self._coupons.checked(given, owner["id"], currency or (one or {})["currency"])
        return [
            {"id": f"di_preview{place}", "source": {"coupon": coupon["id"], "type": "coupon"}}
            for place, (coupon, _) in enumerate(pairs)
        ]


def _upcoming(invoice: Object) -> Object:
    return {**invoice, "id": f"upcoming_{invoice['id']}", "auto_advance": True}


def _of(invoice: Object) -> str | None:
    details = (invoice["parent"] or {}).get("subscription_details") or {}
    found: str | None = details.get("subscription")
    return found


def _not(invoice: Object, deed: str) -> Refused:
    message = f"You cannot {deed} this invoice: its status is {invoice['status']}."
    return Refused(message, code="invoice_not_editable")
