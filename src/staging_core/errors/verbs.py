"""Errors that say what shall happen to the job."""

from __future__ import annotations

import math

from .base import StagingError

_BUSY_S, _LONGEST_BUSY_S = 5.0, 3600.0


class JobVerb(StagingError):
    """A stager or a hook says what shall happen to the job."""

    code = "job_failed"
    status = 422


class Refused(JobVerb):
    """The work is refused for good; asking again would not help."""

    code = "refused"
    remedy_hint = "Change the photo or the request."


class RoomNotUnderstood(Refused):
    """The room's geometry cannot be read from this photo."""

    code = "room_not_understood"
    remedy_hint = (
        "Use a level photo of an empty, box-shaped room that shows floor and two walls; "
        "`staging room PHOTO --overlay FILE` shows what was seen."
    )

    def __init__(
        self, message: str = "", *, remedy: str | None = None, overlay_png: bytes | None = None
    ) -> None:
        super().__init__(message, remedy=remedy)
        self.overlay_png = overlay_png


class Busy(JobVerb):
    """The model certainly did not take the job; the same attempt may ask again later.

    ``retry_after_s``: seconds to wait, at least. Whatever a provider says, it is kept as 0 to 3600:
    what is no number would close a provider for ever.
    """

    code = "busy"
    status = 503
    remedy_hint = "Nothing to do; the job waits and tries again."

    def __init__(
        self, message: str = "", *, remedy: str | None = None, retry_after_s: float = _BUSY_S
    ) -> None:
        super().__init__(message, remedy=remedy)
        self.retry_after_s = busy_s(retry_after_s)


class ProviderClosed(Busy):
    """The provider turns the installation's account away; certainly nothing was made.

    Every job would be told the same, so they wait. ``whole``: it is so for all its models, and not
    for this one only.
    """

    code = "provider_closed"
    remedy_hint = "Whoever runs the installation sets its account at the provider right."

    def __init__(
        self,
        message: str = "",
        *,
        remedy: str | None = None,
        retry_after_s: float = 60.0,
        whole: bool = True,
    ) -> None:
        super().__init__(message, remedy=remedy, retry_after_s=retry_after_s)
        self.whole = whole


def busy_s(told: object) -> float:
    """Seconds from what somebody told: a number within bounds, whatever it was."""
    if not isinstance(told, int | float):
        return _BUSY_S
    within = float(min(max(told, 0), _LONGEST_BUSY_S))
    return _BUSY_S if math.isnan(within) else within


class SpendCapped(JobVerb):
    """What models may cost today is spent; the job waits, and its attempt was not begun.

    ``setting``: the cap that was reached. ``ends_at``: when its day is over, in Unix seconds.
    """

    code = "spend_capped"
    status = 503
    remedy_hint = "Nothing to do; the job goes on when the day (UTC) is over or the cap is raised."

    def __init__(
        self,
        message: str = "",
        *,
        remedy: str | None = None,
        setting: str = "daily_spend_usd",
        ends_at: float = 0.0,
    ) -> None:
        super().__init__(message, remedy=remedy)
        self.setting = setting
        self.ends_at = ends_at


class Retryable(JobVerb):
    """This attempt failed, another may succeed."""

    code = "attempt_failed"
    status = 503
    remedy_hint = "Nothing to do; the job tries again with a new attempt."


class OutputRefused(Retryable):
    """The model's output lies at an address that is not fetched from."""

    code = "output_refused"
    remedy_hint = "Outputs are fetched from the hosts on the model's card; check the card."


class OutputUnavailable(Retryable):
    """The model's output could not be fetched."""

    code = "output_unavailable"


class OutputGone(OutputUnavailable):
    """The model's output is not where it was put, or not any more."""

    code = "output_gone"


class OutputTooLarge(Retryable):
    """The model's output has more bytes than are read."""

    code = "output_too_large"


class OutcomeUnknown(JobVerb):
    """Nobody knows yet whether the model took the job."""

    code = "outcome_unknown"
    status = 503
    remedy_hint = "Nothing to do; the outcome is found out before anything else happens."


class Moderated(JobVerb):
    """The model's safety filter refused the picture or its result."""

    code = "moderated"
    remedy_hint = "Try another photo, another seed or another model."


class AttemptsExhausted(JobVerb):
    """All attempts failed; the last failure is in the job's history."""

    code = "attempts_exhausted"
    status = 502
    remedy_hint = "See `staging jobs show ID`, then requeue it."


class Cancelled(JobVerb):
    """The job was cancelled."""

    code = "cancelled"
    status = 409
    remedy_hint = "Submit it again if that was a mistake."
