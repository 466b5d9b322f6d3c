"""The double as a plain ASGI application.

Weak spots: what the documentation leaves open is guessed (see the reference of the test doubles):
long data URIs are shown as URLs of the provider's copy, a call over the limit is told to wait for
one call's share of the minute, and models other than those of the catalogue are not known.
Deployments, trainings, streaming and collections are not spoken.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import parse_qsl

from .blobs import Blobs
from .callbacks import Callbacks
from .chaos import Chaos, Dice
from .course import Course
from .creation import Creation
from .deliveries import Deliveries
from .files import Files
from .limits import GRANTED, Limits
from .message import Answer, HangUp, Request, not_found, problem
from .photos import Photos
from .predictions import Predictions
from .private import Private
from .provider import Provider
from .reading import Reading
from .router import Router
from .settings import Settings
from .timeline import Timeline
from .truth import Truth

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


class ReplicateDouble:
    """One provider with its own time, memory and truth; lifespan or ``aclose`` closes it."""

    def __init__(self, settings: Settings | None = None, chaos: Chaos | None = None) -> None:
        self.settings = settings or Settings()
        timeline = Timeline(self.settings.time_factor)
        self.provider = Provider(
            settings=self.settings,
            timeline=timeline,
            dice=Dice(self.settings.seed, chaos or Chaos()),
            predictions=Predictions(timeline.now),
            truth=Truth(timeline, self.settings.log),
        )
        self._blobs = Blobs()
        self._build()
        creates = GRANTED if self.settings.granted else self.settings.creates_per_minute
        self._limits = Limits(timeline.now, creates, self.settings.others_per_minute)
        self._reads = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Speak ASGI 3."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["type"] == "http":
            await self._serve(scope, receive, send)

    async def aclose(self) -> None:
        """Stop all predictions and callbacks, and delete what was kept."""
        await self._course.close()
        await self._callbacks.close()
        await self._photos.aclose()
        self.provider.truth.close()
        self._blobs.close()

    # --- what it is made of ---------------------------------------------------------------------

    def _build(self) -> None:
        provider, seed = self.provider, self.settings.seed
        self._callbacks = Callbacks(provider)
        files = Files(self._blobs, provider.now, seed)
        self._photos = Photos(self._blobs, files)
        self._course = Course(provider, self._callbacks, self._photos)
        creation = Creation(provider, self._photos, self._course)
        self._router = Router()
        self._route_predictions(creation, Reading(provider, self._course))
        self._route_files(files, Deliveries(provider, self._blobs))
        self._route_private(Private(provider, self._course))

    def _route_predictions(self, creation: Creation, reading: Reading) -> None:
        add, model = self._router.add, "/v1/models/{owner}/{name}"
        add("GET", "/v1/predictions/{id}", reading.prediction)
        add("POST", f"{model}/predictions", creation.by_model)
        add("POST", "/v1/predictions", creation.by_version)
        add("GET", "/v1/predictions", reading.predictions)
        add("POST", "/v1/predictions/{id}/cancel", reading.cancel)
        add("GET", "/v1/account", reading.account)
        add("GET", "/v1/models", reading.models)
        add("GET", model, reading.model)
        add("GET", f"{model}/versions", reading.versions)
        add("GET", f"{model}/versions/{{id}}", reading.version)
        add("GET", "/v1/webhooks/default/secret", reading.secret)

    def _route_files(self, files: Files, deliveries: Deliveries) -> None:
        self._router.add("GET", "/delivery/{id}/{name}", deliveries.get)
        self._router.add("POST", "/v1/files", files.create)
        self._router.add("GET", "/v1/files", files.list)
        self._router.add("GET", "/v1/files/{id}", files.get)
        self._router.add("DELETE", "/v1/files/{id}", files.delete)

    def _route_private(self, private: Private) -> None:
        self._router.add("GET", "/_truth", private.truth)
        self._router.add("GET", "/_truth/predictions", private.outcomes)
        self._router.add("GET", "/_truth/counts", private.counts)
        self._router.add("GET", "/_chaos", private.chaos)
        self._router.add("POST", "/_chaos", private.set_chaos)
        self._router.add("POST", "/_chaos/next", private.then)
        self._router.add("POST", "/_clock", private.clock)
        self._router.add("POST", "/_predictions/{id}/{deed}", private.act)

    # --- one request ----------------------------------------------------------------------------

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
            answer = await self._answer(request)
        except HangUp as cut:
            self._tell(request, None, cut.about)
            await _hang_up(receive, send)
            return
        self._tell(request, answer.status, answer.about)
        await _send(request, answer, send)

    async def _answer(self, request: Request) -> Answer:
        if request.path.startswith("/v1/") and (refused := self._refusal(request)):
            return refused
        found = self._router.find(request)
        if found is None:
            return not_found()
        handler, parts = found
        return await handler(request, **parts)

    def _refusal(self, request: Request) -> Answer | None:
        """What keeps a call out of the API: no token, a wrong one, too many calls, chaos."""
        token = request.token()
        if token not in self.settings.tokens:
            kind = "a valid" if token else "an"
            detail = f"You did not pass {kind} authentication token"
            return problem(401, detail, "Unauthenticated")
        creates = request.method == "POST" and request.path.endswith("/predictions")
        if refused := self._limits.refusal(token or "", "create" if creates else "other"):
            return refused
        if not creates:
            self._reads += 1
            if self.provider.dice.reading_fails(self._reads):
                return problem(503, "The service is unavailable.", "Service unavailable")
        return None

    def _tell(self, request: Request, status: int | None, about: dict[str, Any]) -> None:
        if request.path.startswith("/_"):
            return
        delivery = request.path.startswith("/delivery/")
        if delivery and "authorization" in request.headers:
            self.provider.truth.tell("leak", path=request.path, **about)
        self.provider.truth.tell(
            "output" if delivery else "request",
            method=request.method,
            path=request.path,
            status=status,
            **about,
        )


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
