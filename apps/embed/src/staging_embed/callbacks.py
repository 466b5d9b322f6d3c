"""Where providers report: the raw request goes to ``Staging.receive``, and nothing else happens.

Nobody signs in here: the stager of the attempt verifies the signature over the raw bytes. The
answer comes after the report is stored, so a provider that hears no 2xx sends it again.
"""

from __future__ import annotations

import re
import time
from typing import Any, Literal, Protocol

from litestar import Request, post
from litestar.exceptions import HTTPException
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from staging_core.errors import InvalidCallback, NotFound
from staging_core.models import Callback

MOST_BYTES = 1 << 20
_ATTEMPT = re.compile(r"[0-9A-Za-z-]{1,64}")

Received = Literal["received", "duplicate"]


class ReceivesCallbacks(Protocol):
    """The part of ``Staging`` that these routes need."""

    async def receive(self, callback: Callback, *, attempt_id: str | None = None) -> Received:
        """Verify and store a report; see ``Staging.receive``."""
        ...


def callback_routes(staging: ReceivesCallbacks) -> list[HTTPRouteHandler]:
    """The route of each attempt's own address, and the one that old installations registered."""

    @post("/api/v1/callbacks/{attempt_id:str}", status_code=200, request_max_body_size=MOST_BYTES)
    async def receive_for_attempt(
        request: Request[Any, Any, Any], attempt_id: FromPath[str]
    ) -> dict[str, Received]:
        if not _ATTEMPT.fullmatch(attempt_id):
            raise NotFound("There is no attempt of that id.")
        return {"status": await staging.receive(await _callback(request), attempt_id=attempt_id)}

    @post("/api/v1/replicate/webhook", status_code=200, request_max_body_size=MOST_BYTES)
    async def receive_from_replicate(request: Request[Any, Any, Any]) -> dict[str, Received]:
        return {"status": await staging.receive(await _callback(request))}

    return [receive_for_attempt, receive_from_replicate]


async def _callback(request: Request[Any, Any, Any]) -> Callback:
    """The request as it came. What is too long is not read to its end."""
    try:
        body = await request.body()
    except HTTPException as error:
        if error.status_code != 413:
            raise
        raise InvalidCallback(f"A callback has at most {MOST_BYTES >> 20} MiB.") from error
    return Callback(body=body, headers=_headers(request), received_at=time.time())


def _headers(request: Request[Any, Any, Any]) -> dict[str, str]:
    """By lower-case name; several of one name are joined as RFC 9110 says."""
    headers: dict[str, str] = {}
    for name, value in request.headers.multi_items():
        key = name.lower()
        headers[key] = f"{headers[key]}, {value}" if key in headers else value
    return headers
