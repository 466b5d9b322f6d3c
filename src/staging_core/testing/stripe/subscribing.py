"""A new subscription: its first period or trial, and its first invoice."""

from __future__ import annotations

from typing import Any

from .account import Account
from .call import merged
from .cards import MESSAGES, Card
from .coupons import Coupons
from .cycle import later
from .intents import Intents
from .invoicing import Invoicing
from .items import Items, Wanted, licensed
from .lines import Lines
from .payment_methods import PaymentMethods
from .prices import cost
from .refusal import Refused, declined, unspoken
from .renewal import WARNING_S, Renewal
from .settings import DAY_S
from .store import Object, listing

LONGEST_TRIAL_S = 730 * DAY_S


class Subscribing:
    """What the call of the API and a checkout that was paid have in common."""

    def __init__(
        self,
        account: Account,
        *,
        items: Items,
        lines: Lines,
        methods: PaymentMethods,
        intents: Intents,
        invoicing: Invoicing,
        renewal: Renewal,
        coupons: Coupons,
    ) -> None:
        self._account, self._items, self._lines = account, items, lines
        self._methods, self._intents, self._invoicing = methods, intents, invoicing
        self._renewal, self._coupons = renewal, coupons

    def start(
        self, owner: Object, wanted: list[Wanted], params: dict[str, Any], method: str | None = None
    ) -> Object:
        """A subscription as ``params`` of the API say; ``method`` pays the first invoice now.

        ``Refused`` with nothing made when the call asks for that (``error_if_incomplete``).
        """
        behavior = params.get("payment_behavior", "allow_incomplete")
        currency = wanted[0].price["currency"]
        pairs = self._coupons.checked(params.get("discounts"), owner["id"], currency)
        check_ending(params)
        self._check_tax(owner, params)
        trial_end = self._trial_end(owner, params)
        if behavior == "error_if_incomplete" and not trial_end:
            self._check_payable(owner, wanted, params)
        one = self._made(owner, wanted, params, trial_end)
        one["discounts"] = self._coupons.redeemed(pairs, owner["id"], subscription=one["id"])
        if behavior == "default_incomplete":
            self._account.tell("customer.subscription.created", one)
        self._first_invoice(owner, one, behavior, method)
        if behavior != "default_incomplete":
            self._account.tell("customer.subscription.created", one)
        if trial_end and trial_end - self._account.now(owner["id"]) <= WARNING_S:
            self._renewal.warn(one)
        return one

    # --- the first invoice ----------------------------------------------------------------------

    def _first_invoice(self, owner: Object, one: Object, behavior: str, method: str | None) -> None:
        trial = bool(one["trial_end"])
        lines = [
            self._lines.of_item(item, owner["id"], trial=trial)
            for item in one["items"]["data"]
            if licensed(item)
        ]
        invoice = self._invoicing.draft(
            owner,
            one["currency"],
            "subscription_create",
            lines,
            subscription=one,
            discounts=self._renewal.discounts(one),
        )
        if trial or invoice["amount_due"] == 0:
            self._save_without_paying(one)
        self._invoicing.finalize(invoice)
        if invoice["status"] != "open" or (behavior == "default_incomplete" and not method):
            return
        chosen = self._methods.usable(method, owner["id"]) if method else None
        self._invoicing.attempt(invoice, chosen, off_session=False)

    def _save_without_paying(self, one: Object) -> None:
        """Nothing is due yet: a setup intent asks for the method that will pay."""
        pays = (
            one["default_payment_method"]
            or self._account.find("customer", one["customer"])["invoice_settings"][
                "default_payment_method"
            ]
        )
        if not pays:
            one["pending_setup_intent"] = self._intents.setup(one["customer"])["id"]

    # --- what is asked for ----------------------------------------------------------------------

    def _check_payable(self, owner: Object, wanted: list[Wanted], params: dict[str, Any]) -> None:
        due = sum(cost(one.price, one.quantity) for one in wanted if one.quantity is not None)
        if due == 0:
            return
        id = (
            params.get("default_payment_method")
            or owner["invoice_settings"]["default_payment_method"]
        )
        method = self._account.store.known("payment_method", id)
        if method is None:
            message = "This customer has no attached payment source or default payment method."
            raise Refused(message, code="resource_missing")
        check_card(method["_card"])

    def _check_tax(self, owner: Object, params: dict[str, Any]) -> None:
        address = owner["address"] or {}
        if (params.get("automatic_tax") or {}).get("enabled") and not address.get("country"):
            message = (
                "The customer's location isn't recognized. Set a valid customer address in order"
                " to automatically calculate tax."
            )
            code = "customer_tax_location_invalid"
            raise Refused(message, code=code, param="automatic_tax[enabled]")

    def _trial_end(self, owner: Object, params: dict[str, Any]) -> int | None:
        now = self._account.now(owner["id"])
        if "trial_period_days" in params and "trial_end" in params:
            raise Refused("You may only specify one of trial_end and trial_period_days.")
        days = params.get("trial_period_days")
        if days is not None and not 1 <= days <= 730:
            message = "A trial lasts 1 to 730 days."
            raise Refused(message, param="trial_period_days")
        end = params.get("trial_end")
        if end == "now" or (end is None and days is None):
            return None
        end = end if end is not None else now + (days or 0) * DAY_S
        return trial_within(int(end), now)

    def _made(
        self, owner: Object, wanted: list[Wanted], params: dict[str, Any], trial_end: int | None
    ) -> Object:
        now = self._account.now(owner["id"])
        method = params.get("default_payment_method")
        if method:
            self._methods.of_customer(method, owner["id"], "default_payment_method")
        settings = params.get("payment_settings") or {}
        taxed = bool((params.get("automatic_tax") or {}).get("enabled"))
        one = self._account.make(
            "subscription",
            "sub",
            owner["id"],
            **_usual(),
            automatic_tax={
                "disabled_reason": None,
                "enabled": taxed,
                "liability": {"type": "self"} if taxed else None,
            },
            billing_cycle_anchor=trial_end or now,
            currency=wanted[0].price["currency"],
            customer=owner["id"],
            default_payment_method=method,
            description=params.get("description"),
            metadata=merged({}, params.get("metadata")),
            payment_settings={
                "payment_method_options": None,
                "payment_method_types": settings.get("payment_method_types"),
                "save_default_payment_method": settings.get("save_default_payment_method", "off"),
            },
            start_date=now,
            status="incomplete",
            test_clock=owner["test_clock"],
            trial_end=trial_end,
            trial_settings=params.get("trial_settings")
            or {"end_behavior": {"missing_payment_method": "create_invoice"}},
            trial_start=now if trial_end else None,
        )
        items = []
        for each in wanted:
            recurring = each.price["recurring"]
            end = later(now, recurring["interval"], recurring["interval_count"])
            items.append(self._items.made(each, one["id"], owner["id"], (now, trial_end or end)))
        url = f"/v1/subscription_items?subscription={one['id']}"
        one["items"] = {**listing(items, url), "total_count": len(items)}
        ending(one, params, now)
        owner["currency"] = owner["currency"] or one["currency"]
        return one


def check_card(card: Card) -> None:
    """Refuse a card that would not pay."""
    if card.declines:
        raise declined(card.declines, card.reason, MESSAGES[card.declines])
    if card.authenticates:
        message = "Your card was declined. This transaction requires authentication."
        raise declined("authentication_required", "authentication_required", message)


def trial_within(end: int, now: int) -> int:
    """When a trial ends; ``Refused`` in the past, or after more than two years."""
    if end <= now:
        raise Refused(
            "Invalid timestamp: must be an integer Unix timestamp in the future.", param="trial_end"
        )
    if end - now > LONGEST_TRIAL_S:
        raise Refused("A trial ends within two years.", param="trial_end")
    return end


def check_ending(params: dict[str, Any]) -> None:
    """Refuse two ends at once."""
    if "cancel_at" in params and "cancel_at_period_end" in params:
        raise Refused("You may only specify one of cancel_at and cancel_at_period_end.")
    if params.get("cancel_at") == "max_billed_until":
        raise unspoken("cancel_at=max_billed_until")


def ending(one: Object, params: dict[str, Any], now: int) -> None:
    """Set when it ends by itself, as ``cancel_at`` or ``cancel_at_period_end`` say."""
    period_end = one["items"]["data"][0]["current_period_end"]
    at = params.get("cancel_at")
    if params.get("cancel_at_period_end"):
        one["cancel_at_period_end"], one["cancel_at"] = True, period_end
    elif at:
        ends = at if isinstance(at, int) else period_end
        one["cancel_at_period_end"], one["cancel_at"] = False, ends
    else:
        # Taken back is what the flag had set, by the flag; an end that was named, by its name.
        if "cancel_at" in params or (
            "cancel_at_period_end" in params and one["cancel_at_period_end"]
        ):
            one["cancel_at_period_end"], one["cancel_at"] = False, None
            one["canceled_at"], one["cancellation_details"]["reason"] = None, None
        return
    one["canceled_at"] = now
    one["cancellation_details"]["reason"] = "cancellation_requested"


def _usual() -> Object:
    return {
        "billing_mode": {
            "flexible": {"proration_discounts": "included"},
            "type": "flexible",
            "updated_at": None,
        },
        "billing_schedules": [],
        "cancel_at_period_end": False,
        "cancellation_details": {
            "comment": None,
            "feedback": None,
            "feedback_option": None,
            "reason": None,
        },
        "collection_method": "charge_automatically",
        "default_tax_rates": [],
        "discounts": [],
        "invoice_settings": {"account_tax_ids": None, "issuer": {"type": "self"}},
    }
