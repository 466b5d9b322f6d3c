"""Disputes: a holder asks their bank for the money back, and the bank takes it meanwhile."""

from __future__ import annotations

from .account import Account
from .call import Call, merged
from .refusal import Refused
from .settings import DAY_S
from .store import Object

_EVIDENCE = (
    "access_activity_log",
    "billing_address",
    "cancellation_policy",
    "cancellation_policy_disclosure",
    "cancellation_rebuttal",
    "customer_communication",
    "customer_email_address",
    "customer_name",
    "customer_purchase_ip",
    "customer_signature",
    "duplicate_charge_documentation",
    "duplicate_charge_explanation",
    "duplicate_charge_id",
    "product_description",
    "receipt",
    "refund_policy",
    "refund_policy_disclosure",
    "refund_refusal_explanation",
    "service_date",
    "service_documentation",
    "shipping_address",
    "shipping_carrier",
    "shipping_date",
    "shipping_documentation",
    "shipping_tracking_number",
    "uncategorized_file",
    "uncategorized_text",
)
_BEGINS = {
    "chargeback": "needs_response",
    "inquiry": "warning_needs_response",
    "resolution": "prevented",
    "block": "prevented",
}
"""By the type of the case; of an inquiry, and of what is blocked, nobody takes the money."""

_CLOSED = ("won", "lost", "prevented")


class Disputes:
    """Opened by a card of that kind or by a test; answered with evidence; ended by a test."""

    def __init__(self, account: Account) -> None:
        self._account = account

    def opened(
        self, charge: Object, reason: str = "fraudulent", case: str = "chargeback"
    ) -> Object:
        """The charge is disputed, and its amount withdrawn by a chargeback or a resolution."""
        if charge["disputed"] or not charge["paid"] or case not in _BEGINS:
            raise Refused(f"Charge {charge['id']} cannot be disputed.")
        owner = charge["customer"]
        now = self._account.now(owner)
        dispute = self._account.make(
            "dispute",
            "du",
            owner,
            amount=charge["amount"],
            balance_transactions=[],
            charge=charge["id"],
            currency=charge["currency"],
            enhanced_eligibility_types=[],
            evidence={**dict.fromkeys(_EVIDENCE), "enhanced_evidence": {}},
            evidence_details={
                "due_by": now + 7 * DAY_S,
                "enhanced_eligibility": {},
                "has_evidence": False,
                "past_due": False,
                "submission_count": 0,
                "submission_method": "not_submitted",
            },
            is_charge_refundable=False,
            metadata={},
            payment_intent=charge["payment_intent"],
            payment_method_details=_of_case(charge, case),
            reason=reason,
            status=_BEGINS[case],
        )
        with self._account.changing(charge, "charge.updated"):
            charge["disputed"] = True
        self._truth(dispute)
        self._account.tell("charge.dispute.created", dispute)
        if case in ("chargeback", "resolution"):
            self._account.tell("charge.dispute.funds_withdrawn", dispute)
        return dispute

    def update(self, call: Call) -> Object:
        """Evidence, handed in or kept for later."""
        dispute = self._account.find("dispute", call.id)
        if dispute["status"] != "needs_response":
            raise Refused("This dispute is no longer open to evidence.")
        with self._account.changing(dispute, "charge.dispute.updated"):
            evidence = call.params.get("evidence") or {}
            dispute["evidence"].update(evidence)
            dispute["metadata"] = merged(dispute["metadata"], call.params.get("metadata"))
            details = dispute["evidence_details"]
            details["has_evidence"] |= bool(evidence)
            if call.params.get("submit", True) and evidence:
                details["submission_count"] += 1
                details["submission_method"] = "manual"
                dispute["status"] = "under_review"
        return dispute

    def close(self, call: Call) -> Object:
        """Give in."""
        return self.ended(self._account.find("dispute", call.id), "lost")

    def ended(self, dispute: Object, status: str) -> Object:
        """The bank has decided: ``won`` or ``lost``."""
        if dispute["status"] in _CLOSED:
            raise Refused("This dispute is already closed.")
        with self._account.changing(dispute, "charge.dispute.closed"):
            dispute["status"] = status
        self._truth(dispute)
        if status == "won":
            self._account.tell("charge.dispute.funds_reinstated", dispute)
        return dispute

    def appealed(self, dispute: Object) -> Object:
        """What was lost may be decided once more; until then the bank keeps the money."""
        if dispute["status"] != "lost":
            raise Refused("Only a dispute that is lost can be appealed.")
        with self._account.changing(dispute, "charge.dispute.updated"):
            dispute["status"] = "appeal_needs_response"
        return dispute

    def _truth(self, dispute: Object) -> None:
        facts = {name: dispute[name] for name in ("id", "charge", "amount", "status")}
        self._account.truth.tell("dispute", **facts)


def _of_case(charge: Object, case: str) -> Object:
    brand = charge["payment_method_details"]["card"]["brand"]
    card = {"brand": brand, "case_type": case, "network": brand, "network_reason_code": None}
    return {"card": card, "type": "card"}
