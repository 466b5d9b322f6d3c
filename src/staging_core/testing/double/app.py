"""A double as a plain ASGI application: one request in, one answer out, or a line that is cut."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import parse_qsl

from .message import Answer, HangUp, Request

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


class DoubleApp(ABC):
    """What each double fills in: how it answers, what it tells the truth, and how it closes."""

    @abstractmethod
    async def answer(self, request: Request) -> Answer:
        """The answer to a request; ``HangUp`` cuts the connection."""

    @abstractmethod
    def tell(self, request: Request, status: int | None, about: dict[str, Any]) -> None:
        """Tell the truth of a request. ``status``: of the answer, ``None`` for a line cut."""

    @abstractmethod
    async def aclose(self) -> None:
        """Stop what is under way and delete what was kept."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Speak ASGI 3."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["type"] == "http":
            await self._serve(scope, receive, send)

    async def _live(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.shutdown":
                await self.aclose()
            await send({"type": f"{message['type']}.complete"})
            if message["type"] == "lifespan.shutdown":
                return

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = await _read(scope, receive)
        if request is None:
            return
        try:
            answer = await self.answer(request)
        except HangUp as cut:
            self.tell(request, None, cut.about)
            await _hang_up(receive, send)
            return
        self.tell(request, answer.status, answer.about)
        await _send(request, answer, send)


async def _read(scope: Scope, receive: Receive) -> Request | None:
    """The whole request; ``None`` when the client is gone before its end."""
    body = bytearray()
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        body += message.get("body", b"")
        more = message.get("more_body", False)
    headers = {
        name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]
    }
    return Request(
        method=scope["method"],
        path=scope["path"],
        query=dict(parse_qsl(scope["query_string"].decode("latin-1"))),
        headers=headers,
        body=bytes(body),
        base_url=f"{scope['scheme']}://{headers.get('host', 'localhost')}",
        query_string=scope["query_string"].decode("latin-1"),
    )


async def _send(request: Request, answer: Answer, send: Send) -> None:
    headers = dict(answer.headers)
    if answer.more is None:
        headers["content-length"] = str(len(answer.body))
    raw = [(name.encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": answer.status, "headers": raw})
    if request.method == "HEAD":
        await send({"type": "http.response.body", "body": b""})
        return
    for piece in answer.more or ():
        await send({"type": "http.response.body", "body": piece, "more_body": True})
    await send({"type": "http.response.body", "body": answer.body})


async def _hang_up(receive: Receive, send: Send) -> None:
    """Cut the connection without a word; where the server hides it, in the middle of an answer."""
    transport = getattr(getattr(send, "__self__", None), "transport", None)
    if transport is None:
        head = {
            "type": "http.response.start",
            "status": 200,
            "headers": [(b"content-length", b"9")],
        }
        await send(head)
        raise ConnectionAbortedError("the answer is lost, as chaos asked")
    transport.abort()
    while (await receive())["type"] != "http.disconnect":
        pass
