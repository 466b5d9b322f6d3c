"""Payment methods: cards only, of tests only."""

from __future__ import annotations

from typing import Any

from .account import Account
from .call import Call, merged
from .cards import MESSAGES, Card, named
from .refusal import Refused, declined, missing, required, unspoken
from .store import Object, page


class PaymentMethods:
    """A method belongs to one customer at most; once detached it is of no more use."""

    def __init__(self, account: Account) -> None:
        self._account = account

    def create(self, call: Call) -> Object:
        """A card from a token such as ``tok_visa``; numbers are not taken."""
        if call.params.get("type", "card") != "card":
            raise unspoken(f"payment methods of type {call.params['type']}")
        token = (call.params.get("card") or {}).get("token")
        if not token:
            raise required("card[token]")
        card = named(token)
        if card is None:
            raise missing("token", token, "card[token]", 400)
        metadata = merged({}, call.params.get("metadata"))
        method = self._made(card)
        method["billing_details"].update(call.params.get("billing_details") or {})
        method["metadata"] = metadata
        return method

    def attach(self, call: Call) -> Object:
        """The method becomes the customer's; its card is asked whether it will do."""
        if "customer" not in call.params:
            raise required("customer")
        self._account.named("customer", call.params["customer"], "customer")
        return self.attached(call.id, call.params["customer"], "payment_method")

    def detach(self, call: Call) -> Object:
        """The method is nobody's."""
        method = self._account.find("payment_method", call.id)
        if not method["customer"]:
            raise Refused(
                "The payment method you provided is not attached to a customer so"
                " detachment is impossible."
            )
        owner = self._account.store.known("customer", method["customer"]) or {}
        with self._account.changing(method, "payment_method.detached"):
            method["customer"] = None
        method["_detached"] = True
        settings = owner.get("invoice_settings", {})
        if settings.get("default_payment_method") == method["id"]:
            with self._account.changing(owner, "customer.updated"):
                settings["default_payment_method"] = None
        for subscription in self._account.store.all("subscription"):
            if subscription["default_payment_method"] == method["id"]:
                subscription["default_payment_method"] = None
        return method

    def update(self, call: Call) -> Object:
        """Billing details, expiry and metadata."""
        method = self._account.find("payment_method", call.id)
        with self._account.changing(method, "payment_method.updated"):
            method["billing_details"].update(call.params.get("billing_details") or {})
            method["card"].update(call.params.get("card") or {})
            method["metadata"] = merged(method["metadata"], call.params.get("metadata"))
        return method

    def pages(self, call: Call) -> Object:
        """Those of a customer, by parameter or by path."""
        owner = call.parts.get("customer") or call.params.get("customer")
        if owner:
            self._account.find("customer", owner, "customer")
        found = self._account.store.all("payment_method", customer=owner) if owner else []
        kind = call.params.get("type", "card")
        found = [method for method in found if method["type"] == kind]
        return page(found[::-1], call.params, call.path, "payment_method", lambda one: one)

    def of(self, call: Call) -> Object:
        """``GET /v1/customers/{customer}/payment_methods/{id}``."""
        self._account.find("customer", call.parts["customer"], "customer")
        return self.of_customer(call.id, call.parts["customer"], "payment_method", 404)

    # --- for other nouns ------------------------------------------------------------------------

    def of_customer(self, id: str, owner: str, param: str, status: int = 400) -> Object:
        """The customer's method; ``Refused`` if it is not attached to them."""
        found = self._account.store.known("payment_method", id)
        if found is None or found["customer"] != owner:
            message = (
                f"The customer does not have a payment method with the ID {id}. The payment method"
                " must be attached to the customer."
            )
            raise Refused(message, code="resource_missing", param=param, status=status)
        return found

    def usable(self, id: str, owner: str | None, param: str = "payment_method") -> Object:
        """A method to pay with: the customer's, nobody's, or a new one of a test card."""
        card = named(id)
        if card is not None:
            return self._made(card)
        method = self._account.named("payment_method", id, param)
        if method.get("_detached"):
            raise Refused(
                "The provided PaymentMethod was previously used with a PaymentIntent without"
                " Customer attachment, shared with a connected account without Customer attachment,"
                " or was detached from a Customer. It may not be used again.",
                param=param,
            )
        if method["customer"] and method["customer"] != owner:
            raise Refused(
                "The payment method belongs to another customer. Supply that customer.", param=param
            )
        return method

    def attached(self, id: str, owner: str, param: str) -> Object:
        """The method, attached to the customer."""
        method = self.usable(id, owner, param)
        card: Card = method["_card"]
        if card.declines and not card.attaches:
            raise declined(card.declines, card.reason, MESSAGES[card.declines])
        if method["customer"] != owner:
            with self._account.changing(method):
                method["customer"] = owner
            self._account.tell("payment_method.attached", method)
        return method

    def _made(self, card: Card) -> Object:
        return self._account.make(
            "payment_method",
            "pm",
            allow_redisplay="unspecified",
            billing_details={
                "address": dict.fromkeys(
                    ("city", "country", "line1", "line2", "postal_code", "state")
                ),
                "email": None,
                "name": None,
                "phone": None,
                "tax_id": None,
            },
            card=_shape(card),
            metadata={},
            type="card",
            _card=card,
        )


def cards_only(params: dict[str, Any]) -> list[str] | None:
    """The kinds of methods that are allowed; cards have to be one."""
    allowed: list[str] | None = params.get("allowed_payment_method_types")
    if allowed and "card" not in allowed:
        raise unspoken("payment without cards")
    return allowed


def _shape(card: Card) -> Object:
    return {
        "brand": card.brand,
        "checks": {
            "address_line1_check": None,
            "address_postal_code_check": None,
            "cvc_check": "pass",
        },
        "country": "US",
        "display_brand": card.brand,
        "exp_month": 12,
        "exp_year": 2040,
        "fingerprint": f"fp{card.brand}{card.last4}",
        "funding": "credit",
        "generated_from": None,
        "last4": card.last4,
        "networks": {"available": [card.brand], "preferred": None},
        "regulated_status": "unregulated",
        "three_d_secure_usage": {"supported": True},
        "wallet": None,
    }
