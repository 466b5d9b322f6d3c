"""Answers that go on for hours: served beside the framework, which keeps too much of a request.

Of a stream that waits only its own state is held; everything that led to it is let go of.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from litestar import Request
from litestar.config.cors import CORSConfig

from .entrance import completed
from .event_stream import EventStream
from .identity import headers_of
from .problem import answer_to
from .service import Service
from .visit import KEY, Visit


async def begun(
    service: Service,
    path: str,
    cors: CORSConfig | None,
    visit: Visit,
    *,
    scope: Any,
    receive: Any,
    send: Any,
) -> tuple[int, EventStream | None]:
    """The status, and the stream that is asked for; None when that was refused, and it is told."""
    asked: Any = {**scope, KEY: visit, "state": {}}  # the server's state would hold the request
    request: Request[Any, Any, Any] = Request(asked, receive)
    more = _allowed(cors, scope)
    try:
        stream = await service.begun(path, request)
    except Exception as error:
        answer = answer_to(request, error)
        answer.headers = completed({**answer.headers, **more}, visit, scope)
        await answer.to_asgi_response(None, request)(asked, receive, send)
        return answer.status_code or 500, None
    stream.headers = completed({**stream.headers, **more}, visit, scope)
    return 200, stream


def _allowed(cors: CORSConfig | None, scope: Mapping[str, Any]) -> Mapping[str, str]:
    """What lets a page of another origin read the answer."""
    origin = headers_of(scope).get("origin")
    if cors is None or origin is None or not cors.is_origin_allowed(origin):
        return {}
    simple = {name.lower(): value for name, value in cors.simple_headers.items()}
    return {**simple, "access-control-allow-origin": origin, "vary": "Origin"}
