"""Payment intents and setup intents: the way to a charge, and to a saved method."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .account import Account, shown
from .call import Call, merged
from .cards import MESSAGES, Card
from .charges import Charges
from .disputes import Disputes
from .payment_methods import PaymentMethods, cards_only
from .prices import MOST, currency
from .refusal import Refused, declined, required
from .store import Object

LEAST = {"usd": 50, "eur": 50, "gbp": 30, "cad": 50, "aud": 50, "chf": 50, "dkk": 250, "jpy": 50,
         "nok": 300, "nzd": 50, "pln": 200, "sek": 300, "sgd": 50}  # fmt: skip
_OPEN = ("requires_payment_method", "requires_confirmation", "requires_action")


class Intents:
    """``after``: told of each payment intent that has succeeded or failed.

    ``after_setup``: told of each setup intent that has succeeded.
    """

    def __init__(
        self, account: Account, methods: PaymentMethods, charges: Charges, disputes: Disputes
    ) -> None:
        self._account, self._methods = account, methods
        self._charges, self._disputes = charges, disputes
        self.after: list[Callable[[Object, bool], None]] = []
        self.after_setup: list[Callable[[Object], None]] = []

    # --- payment intents ------------------------------------------------------------------------

    def create(self, call: Call) -> Object:
        """An intent; with ``confirm`` it is tried at once."""
        params = call.params
        bounds(params["amount"], currency(params["currency"]))
        owner = params.get("customer")
        if owner:
            self._account.named("customer", owner, "customer")
        method = params.get("payment_method")
        chosen = self._methods.usable(method, owner) if method else None
        if params.get("confirm") and chosen is None:
            raise required("payment_method")
        intent = self.made(
            params["amount"],
            currency(params["currency"]),
            owner,
            allowed_payment_method_types=cards_only(params),
            description=params.get("description"),
            metadata=merged({}, params.get("metadata")),
            payment_method=chosen["id"] if chosen else None,
            receipt_email=params.get("receipt_email"),
            setup_future_usage=params.get("setup_future_usage"),
        )
        if params.get("confirm") and chosen:
            self._confirmed(intent, chosen, off_session=bool(params.get("off_session")))
        return intent

    def confirm(self, call: Call) -> Object:
        """Try to take the money."""
        intent = self._account.find("payment_intent", call.id, "intent")
        id = call.params.get("payment_method") or intent["payment_method"]
        if intent["status"] not in _OPEN:
            raise unexpected(intent, "confirm")
        if not id:
            raise Refused(
                "You cannot confirm this PaymentIntent because it's missing a payment method. You"
                " can either update the PaymentIntent with a payment method and then confirm it"
                " again, or confirm it again directly with a payment method.",
                code="payment_intent_unexpected_state",
                payment_intent=shown(intent),
            )
        method = self._methods.usable(id, intent["customer"])
        self._confirmed(intent, method, off_session=bool(call.params.get("off_session")))
        return intent

    def cancel(self, call: Call) -> Object:
        """It can never be paid any more."""
        intent = self._account.find("payment_intent", call.id, "intent")
        if intent.get("_invoice"):
            raise Refused("This PaymentIntent belongs to an invoice: void the invoice instead.")
        return self.canceled(intent, call.params.get("cancellation_reason"))

    def update(self, call: Call) -> Object:
        """Description and metadata, and before it is paid the method."""
        intent = self._account.find("payment_intent", call.id, "intent")
        if method := call.params.get("payment_method"):
            if intent["status"] not in _OPEN:
                raise unexpected(intent, "update")
            intent["payment_method"] = self._methods.usable(method, intent["customer"])["id"]
            intent["status"] = "requires_confirmation"
        intent.update(call.given("description", "receipt_email"))
        intent["metadata"] = merged(intent["metadata"], call.params.get("metadata"))
        return intent

    # --- for other nouns ------------------------------------------------------------------------

    def made(self, amount: int, currency: str, owner: str | None, **fields: object) -> Object:
        """A payment intent that nobody has confirmed."""
        usual = {
            "amount": amount,
            "amount_capturable": 0,
            "amount_received": 0,
            "automatic_payment_methods": {"allow_redirects": "always", "enabled": True},
            "capture_method": "automatic_async",
            "confirmation_method": "automatic",
            "currency": currency,
            "customer": owner,
            "metadata": {},
            "payment_method_options": {},
            "payment_method_types": ["card"],
        }
        intent = self._account.make("payment_intent", "pi", owner, **{**usual, **fields})
        intent["client_secret"] = f"{intent['id']}_secret_{self._account.store.letters(25)}"
        chosen = intent["payment_method"]
        intent["status"] = "requires_confirmation" if chosen else "requires_payment_method"
        self._account.tell("payment_intent.created", intent)
        return intent

    def tried(self, intent: Object, method: Object, *, off_session: bool) -> Refused | None:
        """Try the method; what its card says when it does not pay."""
        card: Card = method["_card"]
        intent["payment_method"] = method["id"]
        if card.authenticates and not intent.get("_authenticated"):
            if not off_session:
                self._ask(intent)
                return None
            return self._fail(intent, method, "authentication_required", "authentication_required")
        charge = self._charges.made(intent, method)
        intent["latest_charge"] = charge["id"]
        if card.declines:
            return self._fail(intent, method, card.declines, card.reason, charge["id"])
        self._succeed(intent, method)
        if card.disputes:
            self._disputes.opened(charge)
        return None

    def authenticate(self, intent: Object, *, well: bool) -> None:
        """The holder has been asked: they have proven who they are, or not."""
        if intent["status"] != "requires_action":
            raise unexpected(intent, "authenticate")
        method = self._account.find("payment_method", intent["payment_method"])
        if intent["object"] == "setup_intent":
            self._set_up(intent, method, well=well)
        elif well:
            intent["_authenticated"] = True
            self.tried(intent, method, off_session=False)
        else:
            self._fail(intent, method, "payment_intent_authentication_failure", None)

    def canceled(self, intent: Object, reason: str | None) -> Object:
        """The intent, canceled; ``Refused`` when it has been paid."""
        if intent["status"] not in _OPEN:
            raise unexpected(intent, "cancel")
        with self._account.changing(intent):
            intent["status"] = "canceled"
            intent["canceled_at"] = self._account.now(intent["customer"])
            intent["cancellation_reason"] = reason
            intent["next_action"] = None
        self._account.tell(f"{intent['object']}.canceled", intent)
        return intent

    def _confirmed(self, intent: Object, method: Object, *, off_session: bool) -> None:
        if refused := self.tried(intent, method, off_session=off_session):
            raise refused

    def _ask(self, intent: Object) -> None:
        intent["status"] = "requires_action"
        intent["next_action"] = {"type": "use_stripe_sdk", "use_stripe_sdk": {}}
        self._account.tell(f"{intent['object']}.requires_action", intent)

    def _succeed(self, intent: Object, method: Object) -> None:
        intent["status"] = "succeeded"
        intent["amount_received"] = intent["amount"]
        intent["next_action"] = intent["last_payment_error"] = None
        if intent["setup_future_usage"] and intent["customer"]:
            self._methods.attached(method["id"], intent["customer"], "payment_method")
        self._account.tell("payment_intent.succeeded", intent)
        for told in self.after:
            told(intent, True)

    def _fail(
        self,
        intent: Object,
        method: Object,
        code: str,
        reason: str | None,
        charge: str | None = None,
    ) -> Refused:
        message = MESSAGES.get(code, "The payment failed: its holder has to authenticate it.")
        error = {"type": "card_error", "code": code, "message": message, "charge": charge}
        if reason:
            error["decline_code"] = reason
        intent["last_payment_error"] = {**error, "payment_method": shown(method)}
        intent["status"], intent["payment_method"] = "requires_payment_method", None
        intent["next_action"] = None
        self._account.tell("payment_intent.payment_failed", intent)
        for told in self.after:
            told(intent, False)
        return declined(
            code,
            reason,
            message,
            charge=charge,
            payment_intent=shown(intent),
            payment_method=shown(method),
        )

    # --- setup intents --------------------------------------------------------------------------

    def create_setup(self, call: Call) -> Object:
        """An intent to save a method."""
        owner = call.params.get("customer")
        if owner:
            self._account.named("customer", owner, "customer")
        metadata, allowed = merged({}, call.params.get("metadata")), cards_only(call.params)
        intent = self.setup(owner, call.params.get("usage", "off_session"))
        intent["metadata"], intent["allowed_payment_method_types"] = metadata, allowed
        intent["description"] = call.params.get("description")
        if id := call.params.get("payment_method"):
            intent["payment_method"] = self._methods.usable(id, owner)["id"]
            intent["status"] = "requires_confirmation"
        if call.params.get("confirm"):
            self._confirm_setup(intent, None)
        return intent

    def confirm_setup(self, call: Call) -> Object:
        """Save the method."""
        intent = self._account.find("setup_intent", call.id, "intent")
        self._confirm_setup(intent, call.params.get("payment_method"))
        return intent

    def cancel_setup(self, call: Call) -> Object:
        """Nothing is saved any more."""
        intent = self._account.find("setup_intent", call.id, "intent")
        return self.canceled(intent, call.params.get("cancellation_reason"))

    def setup(self, owner: str | None, usage: str = "off_session") -> Object:
        """A setup intent that nobody has confirmed."""
        intent = self._account.make(
            "setup_intent",
            "seti",
            owner,
            automatic_payment_methods={"allow_redirects": "always", "enabled": True},
            customer=owner,
            metadata={},
            payment_method_options={},
            payment_method_types=["card"],
            status="requires_payment_method",
            usage=usage,
        )
        intent["client_secret"] = f"{intent['id']}_secret_{self._account.store.letters(25)}"
        self._account.tell("setup_intent.created", intent)
        return intent

    def save(self, intent: Object, method: Object) -> None:
        """The holder has agreed: the method is saved."""
        intent["payment_method"] = method["id"]
        self._set_up(intent, method, well=True)

    def _confirm_setup(self, intent: Object, id: str | None) -> None:
        if intent["status"] not in _OPEN:
            raise unexpected(intent, "confirm")
        id = id or intent["payment_method"]
        if not id:
            raise required("payment_method")
        method = self._methods.usable(id, intent["customer"])
        intent["payment_method"] = method["id"]
        card: Card = method["_card"]
        if card.authenticates:
            self._ask(intent)
        else:
            self._set_up(intent, method, well=card.declines is None or card.attaches)
            if intent["last_setup_error"] and card.declines:
                raise declined(card.declines, card.reason, MESSAGES[card.declines])

    def _set_up(self, intent: Object, method: Object, *, well: bool) -> None:
        intent["next_action"] = None
        if well:
            intent["status"], intent["last_setup_error"] = "succeeded", None
            if intent["customer"]:
                self._methods.attached(method["id"], intent["customer"], "payment_method")
            self._account.tell("setup_intent.succeeded", intent)
            for told in self.after_setup:
                told(intent)
        else:
            intent["status"], intent["payment_method"] = "requires_payment_method", None
            intent["last_setup_error"] = {
                "type": "card_error",
                "code": method["_card"].declines or "setup_intent_authentication_failure",
                "message": "The method was not saved.",
            }
            self._account.tell("setup_intent.setup_failed", intent)


def bounds(amount: int, currency: str, param: str = "amount") -> None:
    """Refuse what is too little or too much to be charged."""
    if amount < LEAST[currency]:
        if amount < 1:
            raise Refused(
                "This value must be greater than or equal to 1.",
                code="parameter_invalid_integer",
                param=param,
            )
        message = f"Amount must be at least {LEAST[currency]} in the smallest unit of {currency}"
        raise Refused(message, code="amount_too_small", param=param)
    if amount > MOST:
        raise Refused(f"Amount must be no more than {MOST}", code="amount_too_large", param=param)


def unexpected(intent: Object, deed: str) -> Refused:
    """The intent is not in a state for this."""
    message = (
        f"You cannot {deed} this {intent['object']} because it has a status of {intent['status']}."
    )
    named: dict[str, Any] = {intent["object"]: shown(intent)}
    return Refused(message, code=f"{intent['object']}_unexpected_state", **named)
