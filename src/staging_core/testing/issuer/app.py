"""The issuer over HTTP, as a plain ASGI application.

Weak spots: it asks nobody for a password, gives a token to whoever wants one, and has no page to
sign in on. It is for tests, on loopback.
"""

from __future__ import annotations

import asyncio
import json
import zlib
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import urlsplit

import msgspec

from .faults import FAULTS
from .issuer import LIVES_S, Fetch, Issuer

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Answer = tuple[int, bytes, dict[str, str]]

_JSON = {"content-type": "application/json"}
_WELL_KNOWN = ("/.well-known/openid-configuration", "/.well-known/jwks.json")
_HUGE = 8 << 20


class IssuerApp:
    """Answers questions about the keys in the issuer's mode; paths with ``/_`` are a test's."""

    def __init__(self, issuer: Issuer, base_url: str) -> None:
        self.issuer = issuer
        self.base_url = base_url
        self._path = urlsplit(base_url).path
        self._deeds: dict[tuple[str, str], Callable[[dict[str, Any]], Any]] = {
            ("POST", "/oauth/token"): self._token,
            ("POST", "/_rotate"): self._rotate,
            ("POST", "/_mode"): self._mode,
            ("POST", "/_clock"): self._clock,
            ("GET", "/_fetches"): self._fetches,
            ("GET", "/_faults"): self._faults,
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Speak ASGI 3."""
        if scope["type"] == "lifespan":
            await _live(receive, send)
        elif scope["type"] == "http":
            body = await _body(receive)
            path = scope["path"].removeprefix(self._path)
            answer = await self._answer(scope["method"], path, body)
            if answer is None:
                await _hang_up(receive, send)
            else:
                await _send(answer, send)

    async def _answer(self, method: str, path: str, body: bytes) -> Answer | None:
        """None: the connection is cut."""
        if method == "GET" and path in _WELL_KNOWN:
            return await self._well_known(path)
        try:
            return self._asked(method, path, json.loads(body or b"{}"))
        except (ValueError, TypeError, KeyError) as wrong:
            return _answer({"error": "invalid_request", "error_description": str(wrong)}, 400)

    async def _well_known(self, path: str) -> Answer | None:
        issuer = self.issuer
        issuer.fetches.append(Fetch(path=path, at=issuer.now(), mode=issuer.mode))
        if issuer.mode == "slow":
            await asyncio.sleep(issuer.slow_s)
        odd = _ODD.get(issuer.mode)
        if odd is not None:
            return odd
        if issuer.mode == "hangs_up":
            return None
        if path.endswith("jwks.json"):
            return _answer(issuer.published())
        if issuer.mode == "no_discovery":
            return _answer({"error": "not_found"}, 404)
        return _answer(issuer.discovery(self.base_url))

    def _asked(self, method: str, path: str, told: dict[str, Any]) -> Answer:
        deed = self._deeds.get((method, path))
        return _answer({"error": "not_found"}, 404) if deed is None else _answer(deed(told))

    def _token(self, told: dict[str, Any]) -> Any:
        """``{"subject": …, "claims": {…}, "fault": …}``, all of which may be left out."""
        token = self.issuer.token(
            told.get("subject", "ada"), fault=told.get("fault"), **told.get("claims", {})
        )
        return {"access_token": token, "token_type": "Bearer", "expires_in": LIVES_S}

    def _rotate(self, told: dict[str, Any]) -> Any:
        return {"kid": self.issuer.rotate(drop_old=bool(told.get("drop_old")))}

    def _mode(self, told: dict[str, Any]) -> Any:
        self.issuer.set_mode(told["mode"], slow_s=float(told.get("slow_s", 0)))
        return {"mode": self.issuer.mode}

    def _clock(self, told: dict[str, Any]) -> Any:
        self.issuer.advance(float(told["advance"]))
        return {"now": self.issuer.now()}

    def _fetches(self, told: dict[str, Any]) -> Any:
        return {"fetches": msgspec.to_builtins(self.issuer.fetches)}

    def _faults(self, told: dict[str, Any]) -> Any:
        return {name: fault.summary for name, fault in FAULTS.items()}


def _answer(value: Any, status: int = 200) -> Answer:
    return status, json.dumps(value).encode(), _JSON


_ODD: dict[str, Answer] = {
    "outage": (503, b"{}", _JSON),
    "garbage": (200, b"<!doctype html><title>Welcome</title>", {"content-type": "text/html"}),
    "huge": (200, b" " * _HUGE, _JSON),
    "packed": (200, zlib.compress(b" " * _HUGE), {**_JSON, "content-encoding": "deflate"}),
    "redirect": (302, b"", {"location": "http://127.0.0.1:9/keys"}),
}


async def _live(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return


async def _body(receive: Receive) -> bytes:
    body = bytearray()
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body", False):
            return bytes(body)


async def _send(answer: Answer, send: Send) -> None:
    status, body, headers = answer
    told = {**headers, "content-length": str(len(body)), "cache-control": "no-store"}
    raw = [(name.encode(), value.encode()) for name, value in told.items()]
    await send({"type": "http.response.start", "status": status, "headers": raw})
    await send({"type": "http.response.body", "body": body})


async def _hang_up(receive: Receive, send: Send) -> None:
    """Cut the connection without a word, as far as the server lets us."""
    transport = getattr(getattr(send, "__self__", None), "transport", None)
    if transport is not None:
        transport.abort()
        while (await receive())["type"] != "http.disconnect":
            pass
