"""Signed addresses may be used by pages of any origin (CORS), as a bucket's may.

No cookie and no token is needed there, and none is looked at: the signature is the whole right.
"""

from __future__ import annotations

from typing import Any

_ANY = {
    b"access-control-allow-origin": b"*",
    b"access-control-expose-headers": b"Accept-Ranges, Content-Disposition, Content-Range, ETag",
    b"cross-origin-resource-policy": b"cross-origin",
}
_PREFLIGHT = {
    b"access-control-allow-headers": b"*",
    b"access-control-allow-methods": b"GET, HEAD, PUT",
    b"access-control-max-age": b"600",
}


def is_preflight(scope: Any) -> bool:
    """Whether a browser asks whether a page may do something."""
    return scope["method"] == "OPTIONS" and any(
        name == b"access-control-request-method" for name, _ in scope["headers"]
    )


async def allow(send: Any) -> None:
    """Answer a preflight: it may."""
    headers = [*_ANY.items(), *_PREFLIGHT.items()]
    await send({"type": "http.response.start", "status": 204, "headers": headers})
    await send({"type": "http.response.body", "body": b""})


def open_to_pages(send: Any) -> Any:
    """Send answers that any page may read, whatever the application says of origins."""

    async def answer(message: Any) -> None:
        if message["type"] == "http.response.start":
            kept = [each for each in message["headers"] if each[0].lower() not in _ANY]
            message["headers"] = [*kept, *_ANY.items()]
        await send(message)

    return answer
