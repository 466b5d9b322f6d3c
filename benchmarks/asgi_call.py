"""One request of an ASGI application, called in this process: a server would cost all the same."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

App = Callable[[Any, Any, Any], Awaitable[None]]


def request(method: str, path: str) -> dict[str, Any]:
    """The scope of a request for JSON."""
    headers = [(b"host", b"localhost"), (b"accept", b"application/json")]
    if method == "POST":
        headers.append((b"content-type", b"application/json"))
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": b"",
        "headers": headers,
        "client": ("127.0.0.1", 50000),
        "server": ("127.0.0.1", 8080),
    }


async def call(app: App, scope: dict[str, Any], body: bytes = b"") -> bytes:
    """The answer's body; ``ValueError`` unless it comes with 200."""
    if body:
        length = (b"content-length", str(len(body)).encode())
        scope = {**scope, "headers": [*scope["headers"], length]}
    answer = bytearray()

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            if message["status"] != 200:
                raise ValueError(f"answered {message['status']}")
        else:
            answer.extend(message["body"])

    await app(dict(scope), receive, send)
    return bytes(answer)
