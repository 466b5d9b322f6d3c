"""From an answer that refuses back to the error that the server raised."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from staging_core.error_codes import kind_of
from staging_core.errors import (
    AlreadyCreated,
    AnswerNotUnderstood,
    RateLimited,
    ServerUnreachable,
    Shortfall,
    StagingError,
    UsageLimitExceeded,
    ValidationFailed,
)
from staging_core.retry_after import seconds_of

from .told import seconds

MEDIA_TYPE = "application/problem+json"
_PASSES = frozenset({502, 503, 504})  # what proxies say while the server is away
_LONGEST_WAIT_S = 86_400.0


class Field(msgspec.Struct, frozen=True):
    """What is wrong with one part of a request."""

    field: str = ""
    message: str = ""


class ShortfallTold(msgspec.Struct, frozen=True, kw_only=True):
    """What an order lacks."""

    plan_code: str
    asked: int
    left: int
    missing_credits: int
    period_end: str
    larger_plans: tuple[str, ...] = ()

    def shortfall(self) -> Shortfall:
        """As the library has it."""
        return Shortfall(
            plan_code=self.plan_code,
            asked=self.asked,
            left=self.left,
            missing_credits=self.missing_credits,
            period_end=seconds(self.period_end),
            larger_plans=self.larger_plans,
        )


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """Why a request was not done (RFC 9457), as far as it matters here."""

    code: str
    detail: str = ""
    remedy: str = ""
    request_id: str = ""
    created_id: str = ""
    shortfall: ShortfallTold | None = None
    validation_errors: tuple[Field, ...] = ()


def error_of(status: int, headers: Mapping[str, str], body: bytes) -> StagingError:
    """The error; of a code that is not known here a plain ``StagingError`` with that status."""
    problem = _problem(headers, body)
    if problem is None:
        return _unknown(status, headers)
    error = _error(problem, headers, status)
    if problem.request_id.isprintable():
        error.add_note(f"The server's log knows it as request {problem.request_id[:128]}.")
    return error


def item_error(
    code: str, message: str, remedy: str, shortfall: ShortfallTold | None = None
) -> StagingError:
    """The error of one of several."""
    kind = kind_of(code)
    error = (kind or StagingError)(message, remedy=remedy or None)
    if shortfall is not None and isinstance(error, UsageLimitExceeded):
        error.shortfall = shortfall.shortfall()
    return error if kind else _named(error, code, 422)


def retry_after_s(headers: Mapping[str, str]) -> float | None:
    """How many seconds the answer says to wait; None where it does not say."""
    return seconds_of(headers.get("retry-after"), longest_s=_LONGEST_WAIT_S)


def _problem(headers: Mapping[str, str], body: bytes) -> Problem | None:
    if headers.get("content-type", "").partition(";")[0].strip().lower() != MEDIA_TYPE:
        return None
    try:
        return msgspec.json.decode(body, type=Problem)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None


def _error(problem: Problem, headers: Mapping[str, str], status: int) -> StagingError:
    kind = kind_of(problem.code) or StagingError
    more: dict[str, Any] = {"remedy": problem.remedy or None}
    if issubclass(kind, ValidationFailed):
        more["fields"] = {each.field: each.message for each in problem.validation_errors}
    if issubclass(kind, AlreadyCreated):
        more["id"] = problem.created_id
    if issubclass(kind, UsageLimitExceeded) and problem.shortfall is not None:
        more["shortfall"] = problem.shortfall.shortfall()
    error = kind(problem.detail, **more)
    after = retry_after_s(headers)
    if after is not None:
        error.retry_after_s = after  # type: ignore[attr-defined]
    if isinstance(error, RateLimited):
        limit = headers.get("ratelimit-limit", "")
        error.limit = int(limit) if limit.isascii() and limit.isdecimal() else 0
    return error if error.code == problem.code else _named(error, problem.code, status)


def _named(error: StagingError, code: str, status: int) -> StagingError:
    """The error under a code that only the server knows."""
    error.code, error.status = code, status  # type: ignore[misc]
    return error


def _unknown(status: int, headers: Mapping[str, str]) -> StagingError:
    """Whatever answered was not the API."""
    if status in _PASSES:
        return ServerUnreachable(f"Something on the way to the server answers {status}.")
    if status == 429:
        return RateLimited(retry_after_s=retry_after_s(headers) or 1.0)
    if 300 <= status < 400:
        return AnswerNotUnderstood("The server answers with a redirect, which is not followed.")
    return AnswerNotUnderstood(f"The server answers {status}, and does not say why.")
