"""The signature of a report: by Stripe's own package, at a time that is read once."""

from __future__ import annotations

import re

import stripe

from staging_core.errors import InvalidSignature
from staging_core.models import Callback

TOLERANCE_S = 300
_HEADER = "stripe-signature"
_TIME = re.compile(r"t=([0-9]{1,15})")


def verify(callback: Callback, secrets: tuple[str, ...]) -> None:
    """``InvalidSignature`` unless one of the secrets has signed it, in the last five minutes."""
    header = callback.headers.get(_HEADER, "")
    at = _signed_at(header)
    if not any(_is_signed(callback.body, header, secret) for secret in secrets):
        raise InvalidSignature
    if abs(callback.received_at - at) > TOLERANCE_S:
        raise InvalidSignature("The callback is too old to be believed, or of a time to come.")


def _signed_at(header: str) -> int:
    """The only time in the header, written in digits and nothing else.

    The package takes the first ``t=`` and whatever ``int`` reads, ``" 17"`` and ``"1_7"`` too. Of
    two times, or one that is read otherwise there than here, one would be signed and the other be
    held against the clock.
    """
    times = [part for part in header.split(",") if part.partition("=")[0].strip() == "t"]
    time = _TIME.fullmatch(times[0]) if len(times) == 1 else None
    if time is None:
        raise InvalidSignature
    return int(time[1])


def _is_signed(body: bytes, header: str, secret: str) -> bool:
    try:
        # The time is held against the installation's clock, and not against this machine's.
        stripe.WebhookSignature.verify_header(body, header, secret, tolerance=None)
    except (stripe.SignatureVerificationError, UnicodeDecodeError, TypeError):
        return False
    return True
