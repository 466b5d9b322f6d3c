"""The life of an invoice: draft, open, paid or given up."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .account import Account
from .intents import LEAST, Intents
from .lines import Lines, Span
from .refusal import Refused, declined
from .settings import DAY_S
from .store import Object

GRACE_S = 3600


class Invoicing:
    """``after``: told of each invoice with ``paid``, ``failed``, ``void`` or ``written off``."""

    def __init__(
        self,
        account: Account,
        lines: Lines,
        intents: Intents,
    ) -> None:
        self._account, self._lines, self._intents = account, lines, intents
        self.after: list[Callable[[Object, str], None]] = []
        intents.after.append(self._hear)

    # --- draft ----------------------------------------------------------------------------------

    def draft(
        self,
        owner: Object,
        currency: str,
        reason: str,
        lines: list[Object],
        *,
        subscription: Object | None = None,
        discounts: list[Object] | None = None,
        **fields: Any,
    ) -> Object:
        """A draft that is finalized within the hour, or at once by its maker."""
        invoice = self.computed(
            owner,
            currency,
            reason,
            lines,
            subscription=subscription,
            discounts=discounts or [],
            **fields,
        )
        if subscription is not None:
            subscription["latest_invoice"] = invoice["id"]
        self._account.tell("invoice.created", self._account.store.add(invoice))
        return invoice

    def computed(
        self,
        owner: Object,
        currency: str,
        reason: str,
        lines: list[Object],
        *,
        subscription: Object | None,
        discounts: list[Object],
        **fields: Any,
    ) -> Object:
        """An invoice that nobody keeps."""
        now = self._account.now(owner["id"])
        taxed = bool(subscription and subscription["automatic_tax"]["enabled"])
        invoice = self._account.make(
            "invoice", "in", owner["id"], **_usual(owner, taxed=taxed), currency=currency,
            billing_reason=reason, parent=_parent(subscription), period_start=now, period_end=now,
            test_clock=owner["test_clock"], automatically_finalizes_at=now + GRACE_S,
            discounts=[one["id"] for one in discounts], **fields,
        )  # fmt: skip
        self._account.store.remove(invoice)
        if subscription is not None:
            invoice["default_payment_method"] = subscription["default_payment_method"]
        invoice["_discounts"] = discounts
        invoice["lines"] = self._lines.listed(lines, invoice["id"])
        self._add_up(invoice, owner)
        return invoice

    def _add_up(self, invoice: Object, owner: Object) -> None:
        lines = invoice["lines"]["data"]
        off = self._lines.discounted(lines, invoice["_discounts"])
        subtotal = sum(line["amount"] for line in lines)
        total = subtotal - sum(one["amount"] for one in off)
        start = owner["balance"] or 0
        due = max(0, total + start)
        if due < LEAST[invoice["currency"]]:
            due = 0  # too little to be charged: it is left for the next invoice
        invoice.update(
            subtotal=subtotal,
            subtotal_excluding_tax=subtotal,
            total=total,
            total_excluding_tax=total,
            total_discount_amounts=off,
            starting_balance=start,
            amount_due=due,
            amount_remaining=due,
        )

    # --- open -----------------------------------------------------------------------------------

    def finalize(self, invoice: Object, *, auto_advance: bool = True) -> None:
        """Number it, use up the customer's balance, and make the intent that will pay it."""
        owner = self._account.find("customer", invoice["customer"])
        self._count_usage(invoice)
        self._add_up(invoice, owner)
        now = self._account.now(owner["id"])
        number = owner["next_invoice_sequence"]
        owner["next_invoice_sequence"] += 1
        url = f"{self._account.base_url}/i/{invoice['id']}"
        invoice.update(
            automatically_finalizes_at=None,
            auto_advance=auto_advance,
            effective_at=now,
            hosted_invoice_url=url,
            invoice_pdf=f"{url}/pdf",
            number=f"{owner['invoice_prefix']}-{number:04d}",
            status="open",
        )
        invoice["status_transitions"]["finalized_at"] = now
        self._use_balance(invoice, owner)
        self._account.tell("invoice.finalized", invoice)
        if invoice["amount_due"] == 0:
            self._paid(invoice)
        else:
            self._ask(invoice)

    def _count_usage(self, invoice: Object) -> None:
        """Usage of the last period counts as long as the invoice is a draft."""
        lines = invoice["lines"]["data"]
        for place, line in enumerate(lines):
            if item := line.get("_usage"):
                span = Span(line["period"]["start"], line["period"]["end"])
                again = self._lines.of_usage(item, invoice["customer"], span)
                lines[place] = {**again, "id": line["id"], "invoice": invoice["id"]}

    def _use_balance(self, invoice: Object, owner: Object) -> None:
        before = owner["balance"] or 0
        paid_off = invoice["amount_due"] > 0
        after = 0 if paid_off else before + invoice["total"]
        invoice["ending_balance"] = after
        with self._account.changing(owner, "customer.updated"):
            owner["balance"] = after
        if after != before:
            self._account.truth.tell(
                "balance", customer=owner["id"], invoice=invoice["id"], change=after - before
            )

    def _ask(self, invoice: Object) -> None:
        method = self.method_of(invoice)
        intent = self._intents.made(
            invoice["amount_due"],
            invoice["currency"],
            invoice["customer"],
            description="Subscription" if subscription_of(invoice) else "Invoice",
            payment_method=method["id"] if method else None,
            setup_future_usage="off_session" if subscription_of(invoice) else None,
            _invoice=invoice["id"],
        )
        invoice["_intent"] = intent["id"]
        invoice["_payment"] = self._account.make(
            "invoice_payment",
            "inpay",
            invoice["customer"],
            amount_requested=invoice["amount_due"],
            currency=invoice["currency"],
            invoice=invoice["id"],
            is_default=True,
            payment={"payment_intent": intent["id"], "type": "payment_intent"},
            status="open",
            status_transitions={"canceled_at": None, "paid_at": None},
        )

    # --- paid -----------------------------------------------------------------------------------

    def method_of(self, invoice: Object) -> Object | None:
        """What the customer has said that the invoice is paid with."""
        subscription = self._account.store.known("subscription", subscription_of(invoice))
        owner = self._account.store.known("customer", invoice["customer"]) or {}
        ids = (
            invoice["default_payment_method"],
            (subscription or {}).get("default_payment_method"),
            owner.get("invoice_settings", {}).get("default_payment_method"),
        )
        id = next((id for id in ids if id), None)
        return self._account.store.known("payment_method", id)

    def attempt(
        self, invoice: Object, method: Object | None = None, *, off_session: bool = True
    ) -> Refused | None:
        """Try to be paid; the reason when it does not work."""
        method = method or self.method_of(invoice)
        intent = self._account.find("payment_intent", invoice["_intent"])
        if intent["status"] == "requires_action":
            intent["status"], intent["next_action"] = "requires_payment_method", None
        if method is None:
            self._failed(invoice)
            message = "There is no default payment method to pay this invoice with."
            return declined("missing", None, message)
        return self._intents.tried(intent, method, off_session=off_session)

    def pay_elsewhere(self, invoice: Object) -> None:
        """Paid without us."""
        self._intents.canceled(
            self._account.find("payment_intent", invoice["_intent"]), "void_invoice"
        )
        self._paid(invoice)

    def _hear(self, intent: Object, well: bool) -> None:
        invoice = self._account.store.known("invoice", intent.get("_invoice"))
        if invoice is None or invoice["status"] not in ("open", "uncollectible"):
            return
        if well:
            self._paid(invoice)
        else:
            self._failed(invoice)

    def _paid(self, invoice: Object) -> None:
        now = self._account.now(invoice["customer"])
        invoice.update(
            amount_paid=invoice["amount_due"],
            amount_remaining=0,
            attempted=True,
            next_payment_attempt=None,
            status="paid",
            status_details=None,
        )
        if invoice["amount_due"]:
            invoice["attempt_count"] += 1
        invoice["status_transitions"]["paid_at"] = now
        if payment := invoice.get("_payment"):
            payment.update(status="paid", amount_paid=invoice["amount_due"])
            payment["status_transitions"]["paid_at"] = now
            self._account.tell("invoice_payment.paid", payment)
        self._account.truth.tell("paid", invoice=invoice["id"], amount=invoice["amount_paid"])
        self._account.tell("invoice.paid", invoice)
        self._account.tell("invoice.payment_succeeded", invoice)
        self._finish(invoice, "paid")

    def _failed(self, invoice: Object) -> None:
        retries = self._account.settings.retries_days
        invoice["attempted"] = True
        invoice["attempt_count"] += 1
        number = invoice["attempt_count"]
        again = invoice["auto_advance"] and invoice["billing_reason"] != "subscription_create"
        invoice["next_payment_attempt"] = (
            self._account.now(invoice["customer"]) + retries[number - 1] * DAY_S
            if again and number <= len(retries)
            else None
        )
        self._account.tell("invoice.payment_failed", invoice)
        self._finish(invoice, "failed")

    # --- given up -------------------------------------------------------------------------------

    def void(self, invoice: Object) -> None:
        """It was a mistake: nothing is owed, and a credit that it used is there again."""
        owner = self._account.find("customer", invoice["customer"])
        self._give_up(invoice, "void", "voided_at")
        used = invoice["starting_balance"] - (invoice["ending_balance"] or 0)
        if used:
            with self._account.changing(owner, "customer.updated"):
                owner["balance"] += used
        self._account.tell("invoice.voided", invoice)
        self._finish(invoice, "void")

    def write_off(self, invoice: Object, reason: str = "user_forgiven") -> None:
        """It will not be paid, most likely; its subscription goes on."""
        invoice["status"] = "uncollectible"
        invoice["status_details"] = {"uncollectible": {"reason": reason}}
        invoice["next_payment_attempt"] = None
        now = self._account.now(invoice["customer"])
        invoice["status_transitions"]["marked_uncollectible_at"] = now
        self._account.tell("invoice.marked_uncollectible", invoice)
        self._finish(invoice, "written off")

    def _give_up(self, invoice: Object, status: str, stamp: str) -> None:
        invoice.update(status=status, status_details=None, next_payment_attempt=None)
        invoice["amount_remaining"] = 0
        now = self._account.now(invoice["customer"])
        invoice["status_transitions"][stamp] = now
        intent = self._account.store.known("payment_intent", invoice.get("_intent"))
        if intent and intent["status"] != "canceled":
            self._intents.canceled(intent, "void_invoice")
        if payment := invoice.get("_payment"):
            payment["status"] = "canceled"
            payment["status_transitions"]["canceled_at"] = now

    def _finish(self, invoice: Object, how: str) -> None:
        for told in self.after:
            told(invoice, how)


def subscription_of(invoice: Object) -> str | None:
    """The id of the subscription that the invoice is for."""
    details = (invoice["parent"] or {}).get("subscription_details") or {}
    found: str | None = details.get("subscription")
    return found


def _parent(subscription: Object | None) -> Object | None:
    if subscription is None:
        return None
    details = {"metadata": dict(subscription["metadata"]), "subscription": subscription["id"]}
    return {
        "quote_details": None,
        "subscription_details": details,
        "type": "subscription_details",
    }


def _usual(owner: Object, *, taxed: bool) -> Object:
    return {
        "account_country": "US",
        "account_name": "The double's shop",
        "amount_due": 0,
        "amount_overpaid": 0,
        "amount_paid": 0,
        "amount_remaining": 0,
        "amount_shipping": 0,
        "attempt_count": 0,
        "attempted": False,
        "auto_advance": True,
        "automatic_tax": {
            "disabled_reason": None,
            "enabled": taxed,
            "liability": {"type": "self"} if taxed else None,
            "provider": "stripe" if taxed else None,
            "status": "complete" if taxed else None,
        },
        "collection_method": "charge_automatically",
        "customer": owner["id"],
        "customer_address": owner["address"],
        "customer_email": owner["email"],
        "customer_name": owner["name"],
        "customer_phone": owner["phone"],
        "customer_shipping": owner["shipping"],
        "customer_tax_exempt": owner["tax_exempt"],
        "customer_tax_ids": [],
        "default_tax_rates": [],
        "issuer": {"type": "self"},
        "metadata": {},
        "payment_settings": {
            "default_mandate": None,
            "payment_method_options": None,
            "payment_method_types": None,
        },
        "post_payment_credit_notes_amount": 0,
        "pre_payment_credit_notes_amount": 0,
        "status": "draft",
        "status_transitions": {
            "finalized_at": None,
            "marked_uncollectible_at": None,
            "paid_at": None,
            "voided_at": None,
        },
        "total_taxes": [],
    }
