"""What time does to subscriptions and invoices: renewals, trials that end, tries again."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from .account import Account
from .coupons import Coupons
from .cycle import period
from .invoicing import Invoicing
from .items import licensed
from .lines import Lines, Span
from .settings import DAY_S
from .standing import ENDED, UPDATED, Standing
from .store import Object

WARNING_S, FIRST_PAYMENT_S = 3 * DAY_S, 23 * 3600
Due = tuple[int, Callable[[], None]]


class Renewal:
    """``due`` tells what will happen and when; each may be done once its time has come."""

    def __init__(
        self,
        account: Account,
        invoicing: Invoicing,
        lines: Lines,
        standing: Standing,
        coupons: Coupons,
    ) -> None:
        self._account, self._invoicing, self._lines = account, invoicing, lines
        self._standing, self._coupons = standing, coupons

    def due(self, clock: str | None) -> Iterator[Due]:
        """What is to come for everything on this test clock, or on none."""
        for subscription in self._account.store.all("subscription", test_clock=clock):
            if subscription["status"] not in ENDED:
                yield from self._of_subscription(subscription)
        for invoice in self._account.store.all("invoice", test_clock=clock):
            yield from self._of_invoice(invoice)

    def _of_subscription(self, one: Object) -> Iterator[Due]:
        if one["status"] == "incomplete":
            yield one["created"] + FIRST_PAYMENT_S, lambda: self._standing.expire(one)
            return
        if one["pending_update"]:
            event = "customer.subscription.pending_update_expired"
            expires = one["pending_update"]["expires_at"]
            yield expires, lambda: self._standing.drop_update(one, event)
        if one["cancel_at"] and not one["cancel_at_period_end"]:
            yield one["cancel_at"], lambda: self._cancel(one)
        if one["status"] == "trialing":
            if not one.get("_warned"):
                yield one["trial_end"] - WARNING_S, lambda: self.warn(one)
            yield one["trial_end"], lambda: self.end_trial(one)
        elif one["status"] != "paused":
            yield one["items"]["data"][0]["current_period_end"], lambda: self._renew(one)

    def _of_invoice(self, invoice: Object) -> Iterator[Due]:
        if invoice["status"] == "draft" and invoice["auto_advance"]:
            yield invoice["automatically_finalizes_at"], lambda: self._collect(invoice)
        if invoice["status"] == "open" and invoice["next_payment_attempt"]:
            yield invoice["next_payment_attempt"], lambda: self._again(invoice)

    # --- periods --------------------------------------------------------------------------------

    def _renew(self, one: Object) -> None:
        if one["cancel_at_period_end"]:
            self._cancel(one)
            return
        self.next_period(one, one["items"]["data"][0]["current_period_end"])

    def _cancel(self, one: Object) -> None:
        self.bill_usage(one)
        self._standing.end(one, "cancellation_requested")

    def bill_usage(self, one: Object) -> None:
        """A last invoice for what was used and not paid."""
        lines = [line for line in self.owed(one) if line["amount"]]
        if lines:
            self._bill(one, "subscription_cycle", lines)

    def next_period(self, one: Object, start: int, *, at_once: bool = False) -> Object:
        """A new period, and a draft for it and for what was used before."""
        owed = self.owed(one)
        with self._account.changing(one, UPDATED):
            for item in one["items"]["data"]:
                span = period(one["billing_cycle_anchor"], item["price"]["recurring"], start)
                item["current_period_start"], item["current_period_end"] = span
        invoice = self._bill(one, "subscription_cycle", owed + self.ahead(one))
        if one["status"] == "unpaid":
            invoice["auto_advance"] = False
        elif at_once:
            self._collect(invoice)
        return invoice

    def owed(self, one: Object) -> list[Object]:
        """Lines for prorations that wait, and for what was used in the period that is over."""
        return [*self._waiting(one), *self.usage(one)]

    def usage(self, one: Object) -> list[Object]:
        """Lines for what was used in the period that is over."""
        return [
            self._lines.of_usage(
                item,
                one["customer"],
                Span(item["current_period_start"], item["current_period_end"]),
            )
            for item in one["items"]["data"]
            if not licensed(item) and item["current_period_start"] >= (one["trial_end"] or 0)
        ]

    def ahead(self, one: Object) -> list[Object]:
        """Lines for the period that begins."""
        items = one["items"]["data"]
        return [self._lines.of_item(item, one["customer"]) for item in items if licensed(item)]

    def _waiting(self, one: Object) -> list[Object]:
        waiting = self._account.store.all("invoiceitem", invoice=None, _of=one["id"])
        for item in waiting:
            item["invoice"] = ""
        return [item["_line"] for item in waiting]

    def _bill(self, one: Object, reason: str, lines: list[Object]) -> Object:
        owner = self._account.find("customer", one["customer"])
        invoice = self._invoicing.draft(
            owner, one["currency"], reason, lines, subscription=one, discounts=self.discounts(one)
        )
        for item in self._account.store.all("invoiceitem", invoice="", _of=one["id"]):
            item["invoice"] = invoice["id"]
        return invoice

    def discounts(self, one: Object) -> list[Object]:
        """The discounts that are still given; one that is over is taken off the subscription."""
        now = self._account.now(one["customer"])
        given = [self._account.find("discount", id) for id in one["discounts"]]
        lasting = [each for each in given if self._lasts(each, now)]
        if len(lasting) < len(given):
            with self._account.changing(one, UPDATED):
                one["discounts"] = [each["id"] for each in lasting]
        for each in lasting:
            each["_used"] = True
        return lasting

    def _lasts(self, discount: Object, now: int) -> bool:
        once = self._coupons.coupon_of(discount)["duration"] == "once"
        over = discount["end"] is not None and now >= discount["end"]
        return not over and not (once and discount.get("_used"))

    # --- trials ---------------------------------------------------------------------------------

    def warn(self, one: Object) -> None:
        """The trial ends in three days, or sooner when it is shorter."""
        one["_warned"] = True
        self._account.tell("customer.subscription.trial_will_end", one)

    def end_trial(self, one: Object, *, at_once: bool = False) -> None:
        """The first period that is paid begins, or without a method what was wished for then."""
        now = self._account.now(one["customer"])
        if one["cancel_at_period_end"]:
            self._cancel(one)
            return
        if self._invoicing.method_of(_about(one)) is None:
            match one["trial_settings"]["end_behavior"]["missing_payment_method"]:
                case "cancel":
                    self._standing.end(one, "payment_failed")
                    return
                case "pause":
                    one["status_details"] = _paused(now, "trial_end_without_payment_method")
                    self._standing.move(one, "paused", "customer.subscription.paused")
                    return
        with self._account.changing(one, UPDATED):
            one["status"], one["trial_end"] = "active", now
            one["billing_cycle_anchor"] = now
        self._standing.touched(one)
        self.next_period(one, now, at_once=at_once)

    # --- invoices -------------------------------------------------------------------------------

    def _collect(self, invoice: Object) -> None:
        self._invoicing.finalize(invoice)
        if invoice["status"] == "open":
            self._invoicing.attempt(invoice)

    def _again(self, invoice: Object) -> None:
        self._invoicing.attempt(invoice)


def _about(one: Object) -> Object:
    """As much of an invoice as tells who would pay it."""
    details = {"subscription_details": {"subscription": one["id"]}}
    return {
        "customer": one["customer"],
        "default_payment_method": one["default_payment_method"],
        "parent": details,
    }


def _paused(now: int, reason: str) -> Object:
    return {
        "paused": {
            "subscription": {"type": reason},
            "transitioned_at": now,
            "type": "subscription",
        }
    }
