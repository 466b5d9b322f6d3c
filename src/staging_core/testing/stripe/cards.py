"""Test cards by the names that Stripe's documentation gives them: ``pm_card_visa``."""

from __future__ import annotations

import msgspec


class Card(msgspec.Struct, frozen=True, kw_only=True):
    """``declines``: the error's code, with ``reason`` as its decline code.

    ``attaches``: it may be saved though it declines. ``authenticates``: its holder is asked each
    time. ``disputes``: its charges are disputed at once.
    """

    brand: str = "visa"
    last4: str = "4242"
    declines: str | None = None
    reason: str | None = None
    attaches: bool = True
    authenticates: bool = False
    disputes: bool = False


def _declining(last4: str, reason: str | None, code: str = "card_declined") -> Card:
    return Card(last4=last4, declines=code, reason=reason, attaches=False)


CARDS: dict[str, Card] = {
    "visa": Card(),
    "visa_debit": Card(last4="5556"),
    "mastercard": Card(brand="mastercard", last4="4444"),
    "amex": Card(brand="amex", last4="8431"),
    "discover": Card(brand="discover", last4="1117"),
    "chargeCustomerFail": Card(last4="0341", declines="card_declined", reason="generic_decline"),
    "chargeDeclined": _declining("0002", "generic_decline"),
    "visa_chargeDeclined": _declining("0002", "generic_decline"),
    "visa_chargeDeclinedInsufficientFunds": _declining("9995", "insufficient_funds"),
    "visa_chargeDeclinedLostCard": _declining("9987", "lost_card"),
    "chargeDeclinedExpiredCard": _declining("0069", None, "expired_card"),
    "chargeDeclinedIncorrectCvc": _declining("0127", None, "incorrect_cvc"),
    "chargeDeclinedProcessingError": _declining("0119", None, "processing_error"),
    "authenticationRequired": Card(last4="3184", authenticates=True),
    "createDispute": Card(last4="0259", disputes=True),
}
MESSAGES = {
    "card_declined": "Your card was declined.",
    "expired_card": "Your card has expired.",
    "incorrect_cvc": "Your card's security code is incorrect.",
    "processing_error": "An error occurred while processing your card. Try again in a little bit.",
}


def named(token: str) -> Card | None:
    """The card that ``pm_card_…`` or ``tok_…`` stands for."""
    for prefix in ("pm_card_", "tok_"):
        if token.startswith(prefix):
            return CARDS.get(token.removeprefix(prefix))
    return None
