"""Why a prediction failed, told from its message: a filter's no, or something that may pass."""

from __future__ import annotations

import re
from typing import Any

from staging_core.models import Failed

from .transport import plain

_MODERATED = re.compile(
    r"nsfw|\bE00[56]\b|flagged as (?:sensitive|inappropriate|unsafe)"
    r"|safety (?:filter|system|checker)"
    r"|content (?:policy|moderation|filter)|moderat(?:ed|ion)|prohibited (?:content|use)"
    r"|sensitive content|violates? (?:our|the) (?:usage |content )?polic|rejected by .{0,30}safety",
    re.IGNORECASE,
)
_PASSING = (
    (re.compile(r"out of memory|\boom\b", re.IGNORECASE), "The model ran out of memory"),
    (
        re.compile(r"timed?[ -]?out|deadline|took too long|failed to start|boot", re.IGNORECASE),
        "The model did not answer in time",
    ),
    (re.compile(r"capacity|overloaded|unavailable|E00[34]", re.IGNORECASE), "The model is busy"),
)


def failed(prediction: dict[str, Any], *, cost_usd: float = 0.0) -> Failed:
    """The failure of a prediction whose status is ``failed``.

    ``moderated``: a safety filter refused; the same again is refused again, so it is not
    retryable as it is. Everything else may pass with another attempt.
    """
    message = plain(str(prediction.get("error") or "no reason given"))
    if _MODERATED.search(message):
        return Failed(
            message=f"The model's safety filter refused: {message}",
            moderated=True,
            retryable=False,
            cost_usd=cost_usd,
        )
    for pattern, meaning in _PASSING:
        if pattern.search(message):
            return Failed(message=f"{meaning}: {message}", cost_usd=cost_usd)
    return Failed(message=f"The model failed: {message}", cost_usd=cost_usd)
