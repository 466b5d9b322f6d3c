"""What Stripe says no with, in our words: its own may quote keys, secrets and internals."""

from __future__ import annotations

import stripe

from staging_core.errors import (
    AskedOtherwise,
    BillingAddressMissing,
    Busy,
    PaymentRefused,
    PaymentsUnavailable,
    StagingError,
)
from staging_core.retry_after import seconds_of

USUAL_WAIT_S = 5.0
LONGEST_WAIT_S = 300.0
# Why a card was declined, as far as its holder may be told: that one was reported stolen is not.
_CARDS = {
    "authentication_required": "The bank wants the card's holder to confirm the payment.",
    "expired_card": "The card has expired.",
    "incorrect_cvc": "The card's security code is wrong.",
    "insufficient_funds": "The card has too little money.",
    "processing_error": "The card could not be charged just now.",
}
_REQUESTS = {
    "resource_missing": "Stripe does not know the customer, price or subscription of this.",
    "meter_event_no_customer_defined": "Stripe does not know the customer of what was metered.",
    "timestamp_too_far_in_past": "Stripe takes no usage of more than 35 days ago.",
    "timestamp_in_future": "Stripe takes no usage of the time to come.",
    "no_meter": "Stripe has no meter of images beyond the plan; publish the plans.",
}


def is_missing(error: BaseException | None) -> bool:
    """Whether Stripe has said that there is no such thing."""
    return isinstance(error, stripe.InvalidRequestError) and error.code == "resource_missing"


def is_taken(error: BaseException | None) -> bool:
    """Whether Stripe has said that this is there already."""
    return isinstance(error, stripe.InvalidRequestError) and (
        error.code == "resource_already_exists"
        or any(word in (error.user_message or "") for word in ("already exists", "already uses"))
    )


def refusal_of(error: stripe.StripeError) -> StagingError:
    """The error of ours that it is."""
    match error:
        case stripe.CardError():
            return PaymentRefused(_declined(error))
        case stripe.RateLimitError() | stripe.StripeError(http_status=409):
            # Or at the same call already, for which the client has no class of its own.
            return Busy("Stripe is asked too much at once.", retry_after_s=_wait(error))
        case stripe.IdempotencyError():
            return AskedOtherwise("Something else was asked of Stripe under the same key.")
        case stripe.AuthenticationError() | stripe.PermissionError():
            return PaymentsUnavailable(
                "Stripe does not accept STRIPE_SECRET_KEY for this.",
                remedy="Set a secret key of the account, or give a restricted one the right.",
            )
        case stripe.InvalidRequestError():
            return _refused(error.code or "")
    return PaymentsUnavailable("Stripe cannot be reached, or has not said what became of this.")


def _refused(code: str) -> PaymentRefused:
    if code == "customer_tax_location_invalid":
        return BillingAddressMissing()
    return PaymentRefused(_REQUESTS.get(code, "Stripe has refused this."))


def _declined(error: stripe.CardError) -> str:
    code = error.code or ""
    body = error.json_body if isinstance(error.json_body, dict) else {}
    reason = (body.get("error") or {}).get("decline_code")
    return _CARDS.get(str(reason)) or _CARDS.get(code) or "The card was declined."


def _wait(error: stripe.StripeError) -> float:
    """Seconds that Stripe asks to wait."""
    headers = {name.lower(): value for name, value in (error.headers or {}).items()}
    return seconds_of(headers.get("retry-after"), longest_s=LONGEST_WAIT_S) or USUAL_WAIT_S
