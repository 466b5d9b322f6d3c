"""Errors as ``application/problem+json`` (RFC 9457), with the members that older clients read.

What an error of the 5xx kind says about this installation (a path, a driver's words) is for its
operator: the client gets the plain sentence of its class, and the log has the rest.
"""

from __future__ import annotations

import logging
import re
from http import HTTPStatus
from typing import Any
from uuid import uuid4

import msgspec
from litestar import Request, Response
from litestar.exceptions import HTTPException
from litestar.types import ExceptionHandlersMap

from staging_core.errors import StagingError

log = logging.getLogger("staging_embed")

MEDIA_TYPE = "application/problem+json"
_REQUEST_ID = re.compile(r"[\w.:-]{1,128}", re.ASCII)
_CODES = {404: "not_found", 405: "method_not_allowed", 413: "request_too_large"}

AnyRequest = Request[Any, Any, Any]


def from_staging_error(request: AnyRequest, error: StagingError) -> Response[bytes]:
    """An error of ours: its code, status and message."""
    if error.status < 500:
        return problem(request, error.status, error.code, error.message)
    log.error("%s %s", request.method, error.code, exc_info=error)
    sentence = (type(error).__doc__ or HTTPStatus(error.status).phrase).strip().splitlines()[0]
    return problem(request, error.status, error.code, sentence)


def from_http_exception(request: AnyRequest, error: HTTPException) -> Response[bytes]:
    """An answer of the framework's: no such path, no such method, a request that is not HTTP."""
    status = error.status_code
    code = _CODES.get(status, "bad_request" if status < 500 else "internal_server_error")
    return problem(request, status, code, HTTPStatus(status).phrase + ".", error.headers)


def from_bug(request: AnyRequest, error: Exception) -> Response[bytes]:
    """Anything else: nothing of it is shown."""
    log.error("%s failed", request.method, exc_info=error)
    return problem(request, 500, "internal_server_error", "Something went wrong here.")


EXCEPTION_HANDLERS: ExceptionHandlersMap = {
    StagingError: from_staging_error,
    HTTPException: from_http_exception,
    Exception: from_bug,
}


def problem(
    request: AnyRequest,
    status: int,
    code: str,
    detail: str,
    headers: dict[str, str] | None = None,
) -> Response[bytes]:
    """The answer; its request id is the caller's ``X-Request-ID``, or a new one."""
    told = request.headers.get("x-request-id", "")
    request_id = told if _REQUEST_ID.fullmatch(told) else str(uuid4())
    body = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "code": code,
        "request_id": request_id,
        "error": code,
        "message": detail,
    }
    return Response(
        msgspec.json.encode(body),
        status_code=status,
        media_type=MEDIA_TYPE,
        headers={**(headers or {}), "X-Request-ID": request_id, **_ending(request, status)},
    )


def _ending(request: AnyRequest, status: int) -> dict[str, str]:
    """End the connection after a refusal, or a server reads on what nobody wants (HTTP/1 only)."""
    unread = status == 400 and request.scope.get("http_version", "1.1").startswith("1")
    return {"Connection": "close"} if unread else {}
