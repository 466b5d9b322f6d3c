"""Charges: the money that was really taken, and what was given back of it."""

from __future__ import annotations

from .account import Account
from .call import Call, merged
from .cards import MESSAGES, Card
from .refusal import Refused, required
from .store import Object


class Charges:
    """A charge is never made by itself: a payment intent makes it."""

    def __init__(self, account: Account) -> None:
        self._account = account

    def made(self, intent: Object, method: Object) -> Object:
        """One try to take the money: ``status`` tells whether it was taken."""
        card: Card = method["_card"]
        taken = card.declines is None
        owner = intent["customer"]
        charge = self._account.make(
            "charge",
            "ch",
            owner,
            amount=intent["amount"],
            amount_captured=intent["amount"] if taken else 0,
            amount_refunded=0,
            balance_transaction=self._account.store.new_id("txn") if taken else None,
            billing_details=dict(method["billing_details"]),
            calculated_statement_descriptor="STAGING",
            captured=taken,
            currency=intent["currency"],
            customer=owner,
            description=intent["description"],
            disputed=False,
            failure_code=card.declines,
            failure_message=MESSAGES[card.declines] if card.declines else None,
            fraud_details={},
            metadata=dict(intent["metadata"]),
            outcome=_outcome(card),
            paid=taken,
            payment_intent=intent["id"],
            payment_method=method["id"],
            payment_method_details=_details(method),
            refunded=False,
            status="succeeded" if taken else "failed",
        )
        charge["receipt_url"] = f"{self._account.base_url}/receipts/{charge['id']}"
        self._account.truth.tell(
            "charge",
            id=charge["id"],
            status=charge["status"],
            amount=charge["amount"],
            currency=charge["currency"],
            customer=owner,
            intent=intent["id"],
            invoice=intent.get("_invoice"),
        )
        self._account.tell("charge.succeeded" if taken else "charge.failed", charge)
        return charge

    def refund(self, call: Call) -> Object:
        """Gives back all or a part of what is left of a charge."""
        charge = self._meant(call)
        left = charge["amount_captured"] - charge["amount_refunded"]
        amount = call.params.get("amount", left)
        if charge["disputed"]:
            message = f"Charge {charge['id']} has been charged back; cannot issue a refund."
            raise Refused(message, code="charge_disputed")
        if left == 0:
            message = f"Charge {charge['id']} has already been refunded."
            raise Refused(message, code="charge_already_refunded")
        if amount <= 0:
            raise Refused(
                "Invalid positive integer", code="parameter_invalid_integer", param="amount"
            )
        if amount > left:
            message = (
                f"Refund amount ({amount}) is greater than unrefunded amount on charge ({left})"
            )
            raise Refused(message, code="amount_too_large", param="amount")
        return self._refunded(charge, amount, call)

    def update_refund(self, call: Call) -> Object:
        """Its metadata."""
        refund = self._account.find("refund", call.id)
        with self._account.changing(refund, "refund.updated"):
            refund["metadata"] = merged(refund["metadata"], call.params.get("metadata"))
        return refund

    def _refunded(self, charge: Object, amount: int, call: Call) -> Object:
        owner = charge["customer"]
        refund = self._account.make(
            "refund",
            "re",
            owner,
            amount=amount,
            balance_transaction=self._account.store.new_id("txn"),
            charge=charge["id"],
            currency=charge["currency"],
            destination_details={"card": {"type": "refund"}, "type": "card"},
            metadata=merged({}, call.params.get("metadata")),
            payment_intent=charge["payment_intent"],
            reason=call.params.get("reason"),
            status="succeeded",
        )
        del refund["livemode"]
        self._account.truth.tell(
            "refund", id=refund["id"], charge=charge["id"], amount=amount, customer=owner
        )
        self._account.tell("refund.created", refund)
        with self._account.changing(charge, "charge.refunded"):
            charge["amount_refunded"] += amount
            charge["refunded"] = charge["amount_refunded"] == charge["amount_captured"]
        return refund

    def _meant(self, call: Call) -> Object:
        params = call.params
        if "charge" in params:
            charge = self._account.named("charge", params["charge"], "charge")
        elif "payment_intent" in params:
            intent = self._account.named(
                "payment_intent", params["payment_intent"], "payment_intent"
            )
            if not intent["latest_charge"]:
                raise Refused(
                    f"This PaymentIntent ({intent['id']}) does not have a successful charge to"
                    " refund.",
                    param="payment_intent",
                )
            charge = self._account.find("charge", intent["latest_charge"])
        else:
            raise required("payment_intent")
        if charge["status"] != "succeeded":
            raise Refused(f"Charge {charge['id']} was not paid; there is nothing to refund.")
        return charge


def _outcome(card: Card) -> Object:
    if card.declines is None:
        kind, network, message = "authorized", "approved_by_network", "Payment complete."
    else:
        kind, network = "issuer_declined", "declined_by_network"
        message = "The bank did not return any further details with this decline."
    return {
        "advice_code": None,
        "network_advice_code": None,
        "network_decline_code": None,
        "network_status": network,
        "reason": card.reason,
        "risk_level": "normal",
        "risk_score": 20,
        "seller_message": message,
        "type": kind,
    }


def _details(method: Object) -> Object:
    names = ("brand", "checks", "country", "exp_month", "exp_year", "fingerprint", "funding",
             "last4", "regulated_status", "wallet")  # fmt: skip
    card = {name: method["card"][name] for name in names}
    return {"card": {**card, "network": card["brand"], "three_d_secure": None}, "type": "card"}
