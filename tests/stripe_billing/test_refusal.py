"""What Stripe says no with becomes a plain sentence of ours; its own words stay away."""

from __future__ import annotations

from typing import Any

import pytest
import stripe

from staging_core.backends.stripe_billing.refusal import refusal_of
from staging_core.errors import (
    AskedOtherwise,
    Busy,
    PaymentRefused,
    PaymentsUnavailable,
    StagingError,
)

# Its errors are made without types.
VENDOR: Any = stripe
INTERNAL = "Invalid API Key provided: sk_live_************1234; see pi_1_secret_2"


def card(code: str, decline_code: str | None = None) -> Any:
    """A declined card, as Stripe's client raises it."""
    body = {"error": {"code": code, "decline_code": decline_code, "message": INTERNAL}}
    return VENDOR.CardError(INTERNAL, "", code, http_status=402, json_body=body)


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (card("card_declined", "insufficient_funds"), "The card has too little money."),
        (card("card_declined", "lost_card"), "The card was declined."),
        (card("card_declined", "stolen_card"), "The card was declined."),
        (card("expired_card", "expired_card"), "The card has expired."),
        (card("incorrect_cvc"), "The card's security code is wrong."),
        (card("authentication_required"), "The bank wants the card's holder to confirm"),
        (card("of_tomorrow"), "The card was declined."),
    ],
)
def test_a_declined_card_says_what_its_holder_may_know(error: Any, says: str) -> None:
    refused = refusal_of(error)
    assert isinstance(refused, PaymentRefused)
    assert refused.message.startswith(says)


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (VENDOR.InvalidRequestError(INTERNAL, "id", "resource_missing"), PaymentRefused),
        (VENDOR.InvalidRequestError(INTERNAL, "id", "of_tomorrow"), PaymentRefused),
        (VENDOR.IdempotencyError(INTERNAL, http_status=400), AskedOtherwise),
        (VENDOR.IdempotencyError(INTERNAL, http_status=409), Busy),
        (VENDOR.APIError(INTERNAL, http_status=409), Busy),
        (VENDOR.AuthenticationError(INTERNAL), PaymentsUnavailable),
        (VENDOR.PermissionError(INTERNAL), PaymentsUnavailable),
        (VENDOR.APIConnectionError(INTERNAL), PaymentsUnavailable),
        (VENDOR.APIError(INTERNAL, http_status=500), PaymentsUnavailable),
        (VENDOR.StripeError(INTERNAL), PaymentsUnavailable),
        (VENDOR.RateLimitError(INTERNAL), Busy),
    ],
)
def test_every_error_is_one_of_the_contracts_and_tells_no_internals(
    error: Any, kind: type[StagingError]
) -> None:
    refused = refusal_of(error)
    assert type(refused) is kind
    told = f"{refused!r} {refused.message} {refused.remedy}"
    assert "sk_live" not in told
    assert "_secret_" not in told


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("7", 7), ("0.5", 0.5), ("99999", 300), ("-1", 5), ("soon", 5), ("nan", 5), (None, 5)],
)
def test_busy_waits_as_long_as_stripe_asks_within_reason(
    header: str | None, seconds: float
) -> None:
    headers = {"Retry-After": header} if header else {}
    busy = refusal_of(VENDOR.RateLimitError("slower", headers=headers))
    assert isinstance(busy, Busy)
    assert busy.retry_after_s == seconds
