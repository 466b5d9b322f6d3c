"""What a failed create means for the attempt: certainly not made, or nobody knows."""

from __future__ import annotations

import httpx

from staging_core.errors import Busy, JobVerb, OutcomeUnknown, ProviderClosed, Refused

from .transport import Garbled, Rejected

FAILING = (Rejected, Garbled, httpx.HTTPError, TimeoutError, ValueError, TypeError, KeyError)
"""What a call can raise: refusals, breaks, and what the package says to JSON of another shape."""

_UNREACHED_S = 5.0
_BUSY_S = 10.0
_SHUT_S = 60.0
_ACCOUNT: dict[int, tuple[str, str]] = {
    401: ("Replicate does not accept the token", "Set REPLICATE_API_TOKEN to a valid token."),
    402: (
        "The account at Replicate has no credit",
        "Add credit at replicate.com/account/billing, or set REPLICATE_API_TOKEN of another.",
    ),
    403: (
        "The token may not use this model",
        "Set REPLICATE_API_TOKEN to a token of an account that has access to it.",
    ),
}
_CLOSED: dict[int, tuple[str, str]] = {
    400: ("Replicate does not accept the request", "Run `staging models verify`."),
    404: ("Replicate has no such model or version", "Run `staging models verify`."),
    413: ("Replicate finds the request too large", "Send a smaller photo."),
    422: ("The model does not accept its input", "Run `staging models verify`."),
}


def of_create(error: Exception) -> JobVerb:
    """The verb for what went wrong while a prediction was being created.

    ``Busy`` and ``Refused`` only where Replicate certainly made none: it said so with a 4xx, or
    no connection came about. Everything else, a 5xx and a broken connection included, is unknown.
    """
    if isinstance(error, Rejected) and error.status == 429:
        wait = error.retry_after_s or _BUSY_S
        return Busy(f"Replicate is busy: {error.detail}", retry_after_s=wait)
    if (closed := of_account(error)) is not None:
        return closed
    if isinstance(error, Rejected) and error.status in _CLOSED:
        what, remedy = _CLOSED[error.status]
        return Refused(f"{what}: {error.detail}", remedy=remedy)
    if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout):
        return Busy("Replicate cannot be reached.", retry_after_s=_UNREACHED_S)
    return OutcomeUnknown(f"Whether Replicate took the job is unknown: {told(error)}.")


def of_account(error: Exception) -> ProviderClosed | None:
    """What it means where Replicate turns the account away, whatever it was asked.

    A 403 may be about the one model: others are only found to be closed when they are asked.
    """
    if not isinstance(error, Rejected) or error.status not in _ACCOUNT:
        return None
    what, remedy = _ACCOUNT[error.status]
    whole, wait = error.status != 403, error.retry_after_s or _SHUT_S
    message = f"{what}: {error.detail}"
    return ProviderClosed(message, remedy=remedy, retry_after_s=wait, whole=whole)


def of_upload(error: Exception) -> JobVerb:
    """The verb for what went wrong before the create: there is certainly no prediction."""
    verb = of_create(error)
    if isinstance(verb, OutcomeUnknown):
        return Busy(f"The photo could not be sent to Replicate: {told(error)}.")
    return verb


def told(error: Exception) -> str:
    """An error in a word or two, without addresses."""
    return str(error).rstrip(".") if isinstance(error, Rejected) else type(error).__name__
