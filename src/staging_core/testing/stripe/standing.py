"""How a subscription stands: what paid, failed and voided invoices make of it, and its end."""

from __future__ import annotations

from collections.abc import Callable

from .account import Account
from .invoicing import Invoicing, subscription_of
from .store import Object

ENDED = ("canceled", "incomplete_expired")
UPDATED = "customer.subscription.updated"


class Standing:
    """``after``: told of each subscription that gives or takes something."""

    def __init__(self, account: Account, invoicing: Invoicing) -> None:
        self._account, self._invoicing = account, invoicing
        self.after: list[Callable[[Object], None]] = []
        invoicing.after.append(self.hear)

    def move(self, subscription: Object, status: str, *events: str) -> None:
        """Another status, told as an update and as ``events``."""
        if subscription["status"] == status:
            return
        with self._account.changing(subscription, UPDATED):
            subscription["status"] = status
        for event in events:
            self._account.tell(event, subscription)
        self.touched(subscription)

    def touched(self, subscription: Object) -> None:
        """Whoever depends on the subscription may look again."""
        for told in self.after:
            told(subscription)

    # --- the end --------------------------------------------------------------------------------

    def end(self, subscription: Object, reason: str | None, status: str = "canceled") -> None:
        """It is over."""
        now = self._account.now(subscription["customer"])
        subscription["status"] = status
        subscription["ended_at"] = now
        subscription["canceled_at"] = subscription["canceled_at"] or now
        subscription["pending_update"] = None
        details = subscription["cancellation_details"]
        details["reason"] = details["reason"] or reason
        event = "customer.subscription.deleted" if status == "canceled" else UPDATED
        self._account.tell(event, subscription)
        self.touched(subscription)

    def expire(self, subscription: Object) -> None:
        """Its first payment did not come within a day."""
        invoice = self._account.store.known("invoice", subscription["latest_invoice"])
        if invoice and invoice["status"] == "open":
            self._invoicing.void(invoice)
        if subscription["status"] == "incomplete":
            self.end(subscription, None, "incomplete_expired")

    def drop_update(self, subscription: Object, event: str | None = None) -> None:
        """What was to change is not changed."""
        pending = subscription.pop("_pending", None)
        if pending is None:
            return
        with self._account.changing(subscription, UPDATED):
            subscription["pending_update"] = None
        invoice = self._account.store.known("invoice", pending["invoice"])
        if invoice and invoice["status"] == "open":
            self._invoicing.void(invoice)
        if event:
            self._account.tell(event, subscription)

    # --- its invoices ---------------------------------------------------------------------------

    def hear(self, invoice: Object, how: str) -> None:
        """What an invoice that was paid, has failed, is void or was written off makes of it."""
        subscription = self._account.store.known("subscription", subscription_of(invoice))
        if subscription is None or subscription["status"] in ENDED:
            return
        match how:
            case "paid":
                self._paid(subscription, invoice)
            case "failed":
                self._failed(subscription, invoice)
            case "written off":
                self._written_off(subscription, invoice)
            case _:
                self._void(subscription, invoice)

    def _paid(self, subscription: Object, invoice: Object) -> None:
        self._save_method(subscription, invoice)
        pending = subscription.get("_pending")
        if pending and pending["invoice"] == invoice["id"]:
            del subscription["_pending"]
            with self._account.changing(subscription, UPDATED):
                subscription["pending_update"] = None
                pending["apply"]()
            self._account.tell("customer.subscription.pending_update_applied", subscription)
            self.touched(subscription)
        if subscription["latest_invoice"] != invoice["id"]:
            return
        match subscription["status"]:
            case "incomplete":
                trial = subscription["trial_end"] or 0
                now = self._account.now(subscription["customer"])
                self.move(subscription, "trialing" if trial > now else "active")
            case "past_due" | "unpaid":
                self.move(subscription, "active")
            case "paused" if subscription.pop("_resuming", False):
                subscription["status_details"] = None
                self.move(subscription, "active", "customer.subscription.resumed")

    def _failed(self, subscription: Object, invoice: Object) -> None:
        if subscription.get("_pending", {}).get("invoice") == invoice["id"]:
            return
        if subscription["status"] not in ("active", "past_due", "trialing"):
            return
        if invoice["next_payment_attempt"] or not invoice["auto_advance"]:
            self.move(subscription, "past_due")
            return
        match self._account.settings.after_retries:
            case "cancel":
                self.end(subscription, "payment_failed")
            case "uncollectible":
                self.move(subscription, "past_due")
                self._invoicing.write_off(invoice, "max_payment_attempts")
            case status:
                self.move(subscription, status)

    def _written_off(self, subscription: Object, invoice: Object) -> None:
        if subscription["latest_invoice"] != invoice["id"]:
            return
        if subscription["status"] in ("past_due", "unpaid"):
            self.move(subscription, "active")

    def _void(self, subscription: Object, invoice: Object) -> None:
        if subscription["status"] == "incomplete":
            self.end(subscription, None, "incomplete_expired")
        elif subscription.get("_pending", {}).get("invoice") == invoice["id"]:
            self.drop_update(subscription)

    def _save_method(self, subscription: Object, invoice: Object) -> None:
        intent = self._account.store.known("payment_intent", invoice.get("_intent"))
        wanted = subscription["payment_settings"]["save_default_payment_method"]
        saves = wanted == "on_subscription" and not subscription["default_payment_method"]
        if saves and intent and intent["status"] == "succeeded":
            subscription["default_payment_method"] = intent["payment_method"]

    def keep_method(self, intent: Object) -> None:
        """A setup intent has saved the method for a subscription on trial."""
        for subscription in self._account.store.all(
            "subscription", pending_setup_intent=intent["id"]
        ):
            with self._account.changing(subscription, UPDATED):
                subscription["pending_setup_intent"] = None
                subscription["default_payment_method"] = intent["payment_method"]
