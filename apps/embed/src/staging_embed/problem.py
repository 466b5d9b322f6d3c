"""Errors as ``application/problem+json`` (RFC 9457), with the members that older clients read.

What an error of the 5xx kind says about this installation (a path, a driver's words) is for its
operator: the client gets the plain sentence of its class, and the log has the rest.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import msgspec
from litestar import Request, Response
from litestar.exceptions import HTTPException
from litestar.types import ExceptionHandlersMap

from staging_core.errors import (
    AlreadyCreated,
    BadInput,
    BadPicture,
    Overloaded,
    ServiceUnavailable,
    StagingError,
    TooManyQueued,
    TooManyStreams,
    UsageLimitExceeded,
    ValidationFailed,
)

from .refusal import Refusal
from .times import rfc3339
from .visit import visit_of

log = logging.getLogger("staging_embed")

MEDIA_TYPE = "application/problem+json"
_CODES = {404: "not_found", 405: "method_not_allowed", 413: "request_too_large"}
_WORDS = {
    404: "There is nothing at this address.",
    405: "This address does not know the method; the header `Allow` names those it knows.",
}
_READ_ANYWAY = 1 << 16
_LATER_S = 5.0
_SAID_TO_CLIENTS = (Overloaded, ServiceUnavailable)
_TOO_MANY = (TooManyQueued, TooManyStreams)
_INVALID = "validation_failed"
# What the library's keywords are called in requests.
_NAMES = {
    "expires_in_s": "expires_in",
    "expires_s": "expires_in",
    "overlap_s": "overlap",
    "room": "room_type",
    "search": "q",
}
# The parts of a request that the library's own errors are about.
_FIELDS = {
    "endpoint_refused": "url",
    "source_refused": "url",
    "source_unavailable": "url",
    "idempotency_key_invalid": "Idempotency-Key",
    "unknown_model": "model",
    "unknown_room": "room_type",
    "unknown_style": "style",
    "upload_mismatch": "file",
    "upload_missing": "file",
    "upload_unknown": "address",
}

AnyRequest = Request[Any, Any, Any]


class FieldError(msgspec.Struct, frozen=True):
    """What is wrong with one part of a request."""

    field: str
    message: str


class Shortfall(msgspec.Struct, frozen=True, kw_only=True):
    """What an order lacks, in images, and what would help.

    `left`: what plan and credits still have of what was `asked`. `missing_credits`: so many more
    would do. `period_end`: when the plan's images are given anew. `larger_plans`: their codes, the
    smallest first.
    """

    plan_code: str
    asked: int
    left: int
    missing_credits: int
    period_end: str
    larger_plans: tuple[str, ...]


class Problem(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Why a request was not done (RFC 9457).

    ``code`` is stable, for programs; ``detail`` is for people, and ``remedy`` what they can do.
    ``error`` and ``message`` repeat them for older clients. ``request_id`` finds the request in the
    installation's log. ``created_id``: of what an earlier call made, when it is told only once.
    ``shortfall``: with a 402, what the account lacks, and what would help.
    """

    type: str
    title: str
    status: int
    detail: str
    code: str
    request_id: str
    error: str
    message: str
    validation_errors: tuple[FieldError, ...] = ()
    remedy: str = ""
    created_id: str = ""
    shortfall: Shortfall | None = None


def from_staging_error(request: AnyRequest, error: StagingError) -> Response[bytes]:
    """An error of ours: its code, status and message."""
    if not is_told(error):
        log.error("%s %s%s", request.method, error.code, _of(request), exc_info=error)
    detail, remedy = told_to_clients(error)
    code = code_of(error)
    headers = _when_again(error) | ({"WWW-Authenticate": "Bearer"} if error.status == 401 else {})
    more: dict[str, Any] = {"remedy": remedy, "shortfall": shortfall_of(error)}
    if isinstance(error, AlreadyCreated):
        more["created_id"] = error.id
    fields = _fields(error) if error.status == 422 else {}
    return problem(request, error.status, code, detail, headers=headers, fields=fields, **more)


def code_of(error: StagingError) -> str:
    """Its code; 422 without one of its own is `validation_failed`, since `bad_request` is 400."""
    return _INVALID if type(error) is BadInput else error.code


def shortfall_of(error: StagingError) -> Shortfall | None:
    """What would help, where a plan has not enough."""
    found = error.shortfall if isinstance(error, UsageLimitExceeded) else None
    if found is None:
        return None
    return Shortfall(
        plan_code=found.plan_code,
        asked=found.asked,
        left=found.left,
        missing_credits=found.missing_credits,
        period_end=rfc3339(found.period_end),
        larger_plans=found.larger_plans,
    )


def is_told(error: StagingError) -> bool:
    """Whether a client may read its words; those of a fault here are for the log."""
    return error.status < 500 or isinstance(error, _SAID_TO_CLIENTS)


def told_to_clients(error: StagingError) -> tuple[str, str]:
    """The message and the remedy that a client reads."""
    if is_told(error):
        return _in_requests_words(error), error.remedy
    return (type(error).__doc__ or HTTPStatus(error.status).phrase).strip().splitlines()[0], ""


def _in_requests_words(error: StagingError) -> str:
    """The message, with parts by the names that requests have for them."""
    message = error.message
    if isinstance(error, ValidationFailed):
        for name in error.fields.keys() & _NAMES.keys():
            message = message.replace(f"`{name}`", f"`{_NAMES[name]}`")
    return message


def from_refusal(request: AnyRequest, refusal: Refusal) -> Response[bytes]:
    """A request that could not be read."""
    return problem(
        request,
        refusal.status,
        refusal.code,
        refusal.detail,
        headers=refusal.headers,
        fields=refusal.fields,
    )


def from_http_exception(request: AnyRequest, error: HTTPException) -> Response[bytes]:
    """An answer of the framework's: no such path, no such method, a request that is not HTTP."""
    status = error.status_code
    code = _CODES.get(status, "bad_request" if status < 500 else "internal_server_error")
    detail = _WORDS.get(status, HTTPStatus(status).phrase + ".")
    if status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        most = request.scope["route_handler"].opt.get("most_told")
        detail = f"What is sent here has up to {most} bytes."
    return problem(request, status, code, detail, headers=error.headers)


def from_bug(request: AnyRequest, error: Exception) -> Response[bytes]:
    """Anything else: nothing of it is shown."""
    log.error("%s failed%s", request.method, _of(request), exc_info=error)
    return problem(request, 500, "internal_server_error", "Something went wrong here.")


def _of(request: AnyRequest) -> str:
    """Names the request in words: the logging of a host may show no more than these."""
    return f", request {visit_of(request.scope).request_id}"


EXCEPTION_HANDLERS: ExceptionHandlersMap = {
    StagingError: from_staging_error,
    Refusal: from_refusal,
    HTTPException: from_http_exception,
    Exception: from_bug,
}


def answer_to(request: AnyRequest, error: Exception) -> Response[bytes]:
    """The answer to whatever was raised, where the framework does not ask."""
    for kind in type(error).__mro__:
        handler: Any = EXCEPTION_HANDLERS.get(kind)
        if handler is not None:
            answer: Response[bytes] = handler(request, error)
            return answer
    raise error


def problem(
    request: AnyRequest,
    status: int,
    code: str,
    detail: str,
    *,
    headers: Mapping[str, str] | None = None,
    fields: Mapping[str, str] | None = None,
    **more: Any,
) -> Response[bytes]:
    """The answer; ``fields``: what is wrong in which part of the request; ``more``: members."""
    told = Problem(
        type="about:blank",
        title=HTTPStatus(status).phrase,
        status=status,
        detail=detail,
        code=code,
        request_id=visit_of(request.scope).request_id,
        error=code,
        message=detail,
        validation_errors=tuple(FieldError(*each) for each in (fields or {}).items()),
        **more,
    )
    return Response(
        msgspec.json.encode(told),
        status_code=status,
        media_type=MEDIA_TYPE,
        headers={**(headers or {}), **_ending(request)},
    )


def _fields(error: StagingError) -> dict[str, str]:
    """What is wrong, by the part of the request that it is about; none where that is unknown."""
    if isinstance(error, ValidationFailed):
        return {_NAMES.get(name, name): words for name, words in error.fields.items()}
    told = error.part if isinstance(error, BadInput) else ""
    usual = "file" if isinstance(error, BadPicture) else _FIELDS.get(error.code, "request")
    return {_NAMES.get(told, told) or usual: error.message}


def _when_again(error: StagingError) -> dict[str, str]:
    """When the same request may do better."""
    after = getattr(error, "retry_after_s", None)
    if after is None:
        after = _LATER_S if error.status == 503 or isinstance(error, _TOO_MANY) else None
    headers = {} if after is None else {"Retry-After": str(max(1, math.ceil(after)))}
    limit = getattr(error, "limit", 0)
    if limit:
        told = {"Limit": limit, "Remaining": 0, "Reset": math.ceil(after or 0)}
        headers |= {f"RateLimit-{name}": str(value) for name, value in told.items()}
    return headers


def _ending(request: AnyRequest) -> dict[str, str]:
    """End the connection after a refusal, or a server reads on what nobody wants (HTTP/1 only)."""
    if not request.scope.get("http_version", "1.1").startswith("1"):
        return {}
    length = request.headers.get("content-length", "0")
    short = length.isdecimal() and int(length) <= _READ_ANYWAY
    return {} if short and "transfer-encoding" not in request.headers else {"Connection": "close"}
