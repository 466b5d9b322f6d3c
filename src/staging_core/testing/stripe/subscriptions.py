"""The calls that make, change, cancel and resume subscriptions."""

from __future__ import annotations

from functools import partial
from typing import Any

from .account import Account, shown
from .call import Call, merged
from .changes import Change, Changes, begins_now
from .coupons import Coupons
from .invoicing import Invoicing
from .items import Items
from .payment_methods import PaymentMethods
from .refusal import Refused, missing, required, unspoken
from .renewal import Renewal
from .standing import ENDED, UPDATED, Standing
from .store import Object, page, within
from .subscribing import Subscribing, check_card, check_ending, ending, trial_within

PENDING_S = 23 * 3600
# What may be changed with a payment that may fail, and what of it the double does not do.
_WITH_PENDING = frozenset(
    {
        "billing_cycle_anchor",
        "items",
        "off_session",
        "payment_behavior",
        "proration_behavior",
        "proration_date",
    }
)
_OF_ITEMS = frozenset({"id", "price", "quantity"})
_LATER = frozenset({"discounts", "trial_end"})
_AFTER_THE_END = {"metadata", "cancellation_details"}
_WHEN_INCOMPLETE = _AFTER_THE_END | {"default_payment_method", "description", "payment_settings"}


class Subscriptions:
    """Answers the calls; the rules are in the parts it is made of."""

    def __init__(
        self,
        account: Account,
        *,
        items: Items,
        methods: PaymentMethods,
        subscribing: Subscribing,
        changes: Changes,
        invoicing: Invoicing,
        standing: Standing,
        renewal: Renewal,
        coupons: Coupons,
    ) -> None:
        self._account, self._items, self._methods = account, items, methods
        self._subscribing, self._changes, self._invoicing = subscribing, changes, invoicing
        self._standing, self._renewal, self._coupons = standing, renewal, coupons

    def create(self, call: Call) -> Object:
        """A subscription for a customer."""
        if "customer" not in call.params:
            raise required("customer")
        owner = self._account.named("customer", call.params["customer"], "customer")
        if call.params.get("payment_behavior") == "pending_if_incomplete":
            raise Refused("pending_if_incomplete is for updates.", param="payment_behavior")
        wanted = self._items.wanted(call.params.get("items"), owner["currency"])
        if self._account.store.all("subscription", customer=owner["id"], ended_at=None)[500:]:
            raise Refused("A customer can have 500 subscriptions.", param="customer")
        return self._subscribing.start(owner, wanted, call.params)

    def pages(self, call: Call) -> Object:
        """Those that have not ended, unless ``status`` asks otherwise."""
        asked = call.params
        if owner := asked.get("customer"):
            self._account.find("customer", owner, "customer", 400)
        found = [one for one in self._account.store.all("subscription") if _wanted(one, asked)]
        return page(found[::-1], asked, call.path, "subscription", lambda one: one)

    # --- changes --------------------------------------------------------------------------------

    def update(self, call: Call) -> Object:
        """Changes what is given; what that costs is billed now or with the next invoice."""
        one = self._account.find("subscription", call.id)
        params = call.params
        self._check_may(one, params)
        self._set(shown(one), params)  # what is refused changes nothing
        change = self._change(one, params)
        behavior = params.get("payment_behavior", "allow_incomplete")
        if change is None:
            self._apply(one, params, None)
            return one
        at_once = change.reset or params.get("proration_behavior") == "always_invoice"
        if not at_once:
            self._apply(one, params, change)
            self._keep_for_later(one, change.lines)
            return one
        due = sum(line["amount"] for line in change.lines) + self._balance(one)
        if behavior == "error_if_incomplete" and due > 0:
            self._check_payable(one)
        if behavior == "pending_if_incomplete" and due > 0:
            self._later(one, change)
            return one
        self._apply(one, params, change)
        invoice = self._bill(one, change)
        if invoice["status"] == "open" and behavior != "default_incomplete":
            self._invoicing.attempt(invoice)
        if invoice["status"] == "open" and behavior == "default_incomplete":
            self._standing.move(one, "past_due")
        return one

    def _change(self, one: Object, params: dict[str, Any]) -> Change | None:
        anew = begins_now(params)
        if not params.get("items") and not anew:
            return None
        behavior = params.get("proration_behavior", "create_prorations")
        at = params.get("proration_date")
        return self._changes.worked_out(one, params.get("items", []), behavior, at=at, anew=anew)

    def _apply(self, one: Object, params: dict[str, Any], change: Change | None) -> None:
        discounts = self._discounts(one, params)
        with self._account.changing(one, UPDATED):
            self._set(one, params)
            if discounts is not None:
                one["discounts"] = discounts
            if change is not None:
                self._take(one, change)
        self._standing.touched(one)
        if "trial_end" in params:
            self._set_trial(one, params["trial_end"])

    def _take(self, one: Object, change: Change) -> None:
        one["items"]["data"] = change.items
        one["items"]["total_count"] = len(change.items)
        if change.reset:
            one["billing_cycle_anchor"] = self._account.now(one["customer"])
        if one["cancel_at_period_end"]:
            one["cancel_at"] = change.items[0]["current_period_end"]

    def _set(self, one: Object, params: dict[str, Any]) -> None:
        method = params.get("default_payment_method")
        if method:
            self._methods.of_customer(method, one["customer"], "default_payment_method")
        for name in ("default_payment_method", "description"):
            if name in params:
                one[name] = params[name] or None
        one["metadata"] = merged(one["metadata"], params.get("metadata"))
        one["payment_settings"].update(params.get("payment_settings") or {})
        one["cancellation_details"].update(params.get("cancellation_details") or {})
        if isinstance(params.get("trial_end"), int):
            trial_within(params["trial_end"], self._account.now(one["customer"]))
        if "trial_settings" in params:
            one["trial_settings"] = params["trial_settings"]
        if "automatic_tax" in params:
            one["automatic_tax"]["enabled"] = params["automatic_tax"]["enabled"]
        ending(one, params, self._account.now(one["customer"]))

    def _discounts(self, one: Object, params: dict[str, Any]) -> list[str] | None:
        if "discounts" not in params:
            return None
        given = params["discounts"] or []
        kept = [each["discount"] for each in given if "discount" in each]
        new = [each for each in given if "discount" not in each]
        pairs = self._coupons.checked(new, one["customer"], one["currency"])
        return kept + self._coupons.redeemed(pairs, one["customer"], subscription=one["id"])

    def _set_trial(self, one: Object, end: Any) -> None:
        now = self._account.now(one["customer"])
        if end == "now":
            if one["status"] == "trialing":
                self._renewal.end_trial(one, at_once=True)
            return
        with self._account.changing(one, UPDATED):
            one["trial_end"] = trial_within(int(end), now)
            one["trial_start"] = one["trial_start"] or now
            one["status"] = "trialing"
            one["billing_cycle_anchor"] = one["trial_end"]
            for item in one["items"]["data"]:
                item["current_period_end"] = one["trial_end"]

    # --- what a change costs --------------------------------------------------------------------

    def _bill(self, one: Object, change: Change) -> Object:
        owner = self._account.find("customer", one["customer"])
        invoice = self._invoicing.draft(
            owner,
            one["currency"],
            "subscription_update",
            change.lines,
            subscription=one,
            discounts=self._renewal.discounts(one),
        )
        self._invoicing.finalize(invoice)
        return invoice

    def _later(self, one: Object, change: Change) -> None:
        """Nothing changes before it is paid."""
        invoice = self._bill(one, change)
        one["_pending"] = {"invoice": invoice["id"], "apply": partial(self._take, one, change)}
        if invoice["status"] == "paid":
            self._standing.hear(invoice, "paid")
            return
        with self._account.changing(one, UPDATED):
            one["pending_update"] = {
                "billing_cycle_anchor": None,
                # Stripe drops it with the period for which it was worked out, if not before.
                "expires_at": min(
                    self._account.now(one["customer"]) + PENDING_S,
                    change.items[0]["current_period_end"],
                ),
                "subscription_items": change.items,
                "trial_end": None,
                "trial_from_plan": None,
            }
        self._invoicing.attempt(invoice)
        if one.get("_pending") and invoice["status"] == "open":
            invoice["next_payment_attempt"] = None

    def _keep_for_later(self, one: Object, lines: list[Object]) -> None:
        for line in lines:
            item = self._account.make(
                "invoiceitem", "ii", one["customer"], **_waiting(one, line), _of=one["id"],
                _line=line, invoice=None, test_clock=one["test_clock"],
            )  # fmt: skip
            line["parent"]["subscription_item_details"]["invoice_item"] = item["id"]
            del item["created"]
            self._account.tell("invoiceitem.created", item)

    def _balance(self, one: Object) -> int:
        balance: int = self._account.find("customer", one["customer"])["balance"] or 0
        return balance

    def _check_payable(self, one: Object) -> None:
        probe = {
            "customer": one["customer"],
            "default_payment_method": one["default_payment_method"],
            "parent": None,
        }
        method = self._invoicing.method_of(probe)
        if method is None:
            message = "This customer has no attached payment source or default payment method."
            raise Refused(message, code="resource_missing")
        check_card(method["_card"])

    def _check_may(self, one: Object, params: dict[str, Any]) -> None:
        check_ending(params)
        if one["status"] in ENDED and set(params) - _AFTER_THE_END:
            raise Refused(
                "A canceled subscription can only update its cancellation_details and metadata."
            )
        if one["status"] == "incomplete" and set(params) - _WHEN_INCOMPLETE:
            raise Refused("An incomplete subscription cannot be changed before it is paid.")
        if params.get("payment_behavior") == "pending_if_incomplete":
            for name in sorted(set(params) & _LATER):
                raise unspoken(f"{name} with payment_behavior=pending_if_incomplete")
            for name in sorted(set(params) - _WITH_PENDING):
                message = f"{name} cannot be updated with payment_behavior=pending_if_incomplete."
                raise Refused(message, param=name)
            for place, item in enumerate(params.get("items") or []):
                for name in sorted(set(item) - _OF_ITEMS):
                    param = f"items[{place}][{name}]"
                    message = f"{param} cannot be updated with a payment that may fail."
                    raise Refused(message, param=param)
            if one.get("_pending"):
                self._standing.drop_update(one)

    # --- the end, and back ----------------------------------------------------------------------

    def cancel(self, call: Call) -> Object:
        """Ends it now."""
        one = self._account.find("subscription", call.id)
        if one["status"] in ENDED:
            raise missing("subscription", one["id"])
        one["cancellation_details"].update(call.params.get("cancellation_details") or {})
        if call.params.get("prorate"):
            at = self._account.now(one["customer"])
            items = one["items"]["data"]
            self._keep_for_later(one, self._changes.given_back(items, at))
        if call.params.get("invoice_now"):
            self._renewal.bill_usage(one)
        self._end(one)
        return one

    def of_deleted(self, customer: Object) -> None:
        """The customer is gone, and with them what they subscribed to."""
        for one in self._account.store.all("subscription", customer=customer["id"]):
            if one["status"] not in ENDED:
                self._end(one)

    def _end(self, one: Object) -> None:
        invoice = self._account.store.known("invoice", one["latest_invoice"])
        first = one["status"] == "incomplete"
        self._standing.end(one, "cancellation_requested")
        if first and invoice and invoice["status"] == "open":
            self._invoicing.void(invoice)

    def resume(self, call: Call) -> Object:
        """Out of ``paused``, with a new period that has to be paid first."""
        one = self._account.find("subscription", call.id)
        if call.params.get("billing_cycle_anchor", {"type": "now"})["type"] != "now":
            raise unspoken("resuming without a new period")
        if one["status"] != "paused":
            raise Refused("The subscription cannot be resumed: it is not paused.")
        with self._account.changing(one, UPDATED):
            one["billing_cycle_anchor"] = now = self._account.now(one["customer"])
        one["_resuming"] = True
        self._renewal.next_period(one, now, at_once=True)
        return one


def _waiting(one: Object, line: Object) -> Object:
    """A line as an invoice item that waits for the next invoice."""
    details = {"subscription": one["id"], "subscription_item": _item_of(line)}
    return {
        "amount": line["amount"],
        "currency": line["currency"],
        "customer": one["customer"],
        "date": line["period"]["start"],
        "description": line["description"],
        "discountable": True,
        "discounts": [],
        "metadata": {},
        "net_amount": line["amount"],
        "parent": {"subscription_details": details, "type": "subscription_details"},
        "period": dict(line["period"]),
        "pricing": line["pricing"],
        "proration": True,
        "proration_details": {"discount_amounts": []},
        "quantity": line["quantity"],
        "quantity_decimal": line["quantity_decimal"],
        "tax_rates": [],
    }


def _item_of(line: Object) -> str:
    return str(line["parent"]["subscription_item_details"]["subscription_item"])


def _wanted(one: Object, asked: dict[str, Any]) -> bool:
    status = asked.get("status")
    if status == "ended":
        fits = one["status"] in ENDED
    elif status == "all":
        fits = True
    else:
        fits = one["status"] == status if status else one["status"] != "canceled"
    item = one["items"]["data"][0]
    return (
        fits
        and all(one[name] == asked[name] for name in ("customer", "test_clock") if name in asked)
        and asked.get("price") in (None, *(each["price"]["id"] for each in one["items"]["data"]))
        and within(one["created"], asked.get("created", {}))
        and within(item["current_period_end"], asked.get("current_period_end", {}))
    )
