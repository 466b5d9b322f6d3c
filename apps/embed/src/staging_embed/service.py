"""From routes to handlers: who may call, how often, what is read, what is answered."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, contextmanager, nullcontext
from functools import partial
from typing import Any
from urllib.parse import parse_qsl, quote

import msgspec
from litestar import Request, Response
from litestar.enums import HttpMethod
from litestar.exceptions import MethodNotAllowedException
from litestar.handlers import ASGIRouteHandler, HTTPRouteHandler
from litestar.types import Receive, Send

from staging_core import Principal, Staging
from staging_core.errors import Unauthorized
from staging_core.interfaces import Telemetry
from staging_core.models import check_role, check_scope

from .answer import Answer, Bytes, Stream, encoded
from .body import check_texts, decoded, read_json
from .call import Call
from .cursor import Cursors
from .event_stream import EventStream, EventStreams
from .identity import PrincipalOf, address_of, credentials_of, principal_of
from .problem import AnyRequest
from .refusal import Refusal, from_validation, invalid
from .routing import API, Route
from .shedding import Reader, Room, Rooms
from .stopping import streams_of
from .streamed import StreamedResponse
from .visit import Visit, visit_of

JSON = "application/json"
OBJECTS = f"{API}/objects/"
_FORM_BYTES = 1 << 17


class Service:
    """What all routes of an application share.

    ``principal``: whom it sees in a request's credentials; None where no route needs one.
    """

    def __init__(
        self,
        staging: Staging,
        routes: tuple[Route, ...],
        *,
        principal: PrincipalOf | None,
        origins: Collection[str],
        rooms: Rooms,
    ) -> None:
        self.staging = staging
        self.routes = routes
        self.origins = origins
        self.rooms = rooms
        self.streams = EventStreams(lambda: self.telemetry, staging.settings.max_streams)
        streams_of(staging).add(self.streams)
        self._live: dict[str, Route] = {}
        self._slashed = [pattern for route in routes if (pattern := route.slashed) is not None]
        self._serves_objects = any(route.path.startswith(OBJECTS) for route in routes)
        self._principal = principal
        self._cursors: Cursors | None = None

    @property
    def cursors(self) -> Cursors:
        """Made at the first list: an embedded installation's key is made on first use."""
        if self._cursors is None:
            self._cursors = Cursors(self.staging.settings.signing_key())
        return self._cursors

    def handler(self, route: Route) -> HTTPRouteHandler | ASGIRouteHandler:
        """What the framework calls for ``route``."""
        return self._live_handler(route) if route.live else self._http_handler(route)

    def _live_handler(self, route: Route) -> ASGIRouteHandler:
        """For all methods but the route's own: those calls are served beside the framework."""

        allowed = {"Allow": f"{route.method}, OPTIONS"}

        async def handle(scope: Any, receive: Receive, send: Send) -> None:
            if scope["method"] != "OPTIONS":
                raise MethodNotAllowedException(headers=allowed)
            answer = Response(None, status_code=204, headers=allowed)
            await answer.to_asgi_response(None, Request(scope))(scope, receive, send)

        self._live[route.path] = route
        path = _litestar_path(route.path)
        return ASGIRouteHandler(path, opt={"route": route}, copy_scope=False)(handle)

    def live_path(self, scope: Mapping[str, Any]) -> str | None:
        """The path of the live route that is asked for; None when it is none of them."""
        path = _path(scope).rstrip("/")  # some hosts add a slash
        route = self._live.get(path)
        return path if route is not None and scope["method"] == route.method else None

    def unslashed(self, scope: Mapping[str, Any]) -> str:
        """The path, with what stands in one of its parts quoted again.

        Servers unquote the whole path, so that a slash within a part looks like one between two.
        """
        path = str(scope["path"])
        below = _path(scope)
        for pattern in self._slashed:
            if found := pattern.fullmatch(below):
                quoted = _quoted(below, found)
                return path.removesuffix(below) + quoted
        return path

    def is_signed(self, scope: Mapping[str, Any]) -> bool:
        """Whether an object behind a signed address of ours is asked for."""
        return self._serves_objects and _path(scope).startswith(OBJECTS)

    async def begun(self, path: str, request: AnyRequest) -> EventStream:
        """The stream of the live route at ``path``."""
        route = self._live[path]
        with self._told(route, request.scope):
            call = Call(self, request, await self.admit(route, request.scope))
            stream: EventStream = await route.handler(call, **dict(_query(route, request)))
        return stream

    def _http_handler(self, route: Route) -> HTTPRouteHandler:

        async def handle(request: Request[Any, Any, Any]) -> Response[Any]:
            with self._told(route, request.scope):
                principal = await self.admit(route, request.scope)
                return await self._answer(route, request, principal)

        return HTTPRouteHandler(
            path=_litestar_path(route.path),
            http_method=_methods(route),
            name=route.operation_id,
            status_code=200,  # ours say their own; the framework's guess of 204 forbids them to
            opt={"route": route, "most_told": self._most_told(route)},
            request_max_body_size=self._most_bytes(route),
        )(handle)

    def _most_bytes(self, route: Route) -> int:
        """A form needs some more than its file."""
        return self._most_told(route) + (_FORM_BYTES if route.whole_photo else 0)

    def _most_told(self, route: Route) -> int:
        """How long what is sent may be, as who sends too much is told."""
        return self.staging.settings.max_bytes if route.whole_photo else route.most_bytes

    @property
    def telemetry(self) -> Telemetry:
        """The installation's."""
        return self.staging.telemetry

    @contextmanager
    def _told(self, route: Route, scope: Mapping[str, Any]) -> Iterator[None]:
        """The request has its route, and a span until it has its whole answer."""
        visit = visit_of(scope)
        visit.route = route.path
        self.enter_span(visit, f"{route.method} {route.path}", **{"http.route": route.path})
        try:
            yield
        except Exception as error:
            visit.error = error
            raise

    def enter_span(self, visit: Visit, name: str, **facts: str) -> None:
        """The rest of the request as a span, which goes on with its caller's trace."""
        facts = {**facts, "staging.request": visit.request_id}
        visit.enter(self.telemetry.span(name, parent=visit.caller, **facts))
        visit.traceparent = self.telemetry.current() or visit.traceparent

    async def admit(self, route: Route, scope: Mapping[str, Any]) -> Principal | None:
        """Whoever calls, if the route lets them and they do not call too often."""
        if route.counted:
            self.staging.rates.check(address_of(scope))
            await self.staging.rates.arrived(address_of(scope))
        if route.access.who == "anyone":
            return None
        ticket = _ticket(scope) if route.by_ticket else None
        principal = await self._signed_in(scope, ticket)
        self.telemetry.note(**{"staging.user": principal.user_id})
        _check(principal, route)
        await self._count(principal, scope, creates=route.creates)
        return principal

    async def _signed_in(self, scope: Mapping[str, Any], ticket: str | None) -> Principal:
        assert self._principal is not None, "an application without sign-in has no such route"
        rates, address, shown = self.staging.rates, address_of(scope), ticket
        try:
            if ticket is not None:
                await rates.check_sign_in(address, ticket)
                return await self.staging.redeem(ticket)
            credentials = credentials_of(scope, self.origins)
            shown = credentials.bearer
            await rates.check_sign_in(address, shown)
            principal = await principal_of(self._principal, credentials)
        except Unauthorized:
            await rates.failed(address, shown)
            raise
        rates.signed_in(shown)
        return principal

    async def _count(
        self, principal: Principal, scope: Mapping[str, Any], *, creates: bool
    ) -> None:
        limit, left = await self.staging.rates.take(principal, "requests")
        if creates:
            limit, left = await self.staging.rates.take(principal, "creates")
        visit_of(scope).headers |= {
            "RateLimit-Limit": str(limit),
            "RateLimit-Remaining": str(left.remaining),
            "RateLimit-Reset": str(math.ceil(left.reset_s)),
        }

    async def _answer(
        self, route: Route, request: AnyRequest, principal: Principal | None
    ) -> Response[Any]:
        call = Call(self, request, principal)
        if route.creates:
            call.check_idempotency_key()
        if route.body is not None or route.raw:
            _check_plain(request)
        given = dict(_query(route, request))
        if route.body is not None:
            given["body"] = await _body(route, request)
        # Not before: a body may be long in coming, and meanwhile nothing is being done.
        whose = "" if principal is None else principal.account_id
        async with self._turn(route.room, whose):
            result = await route.handler(call, **given)
        if isinstance(result, Stream):
            reads, whose = "reads" if route.streams is not None else None, result.whose or whose
            return StreamedResponse(
                result,
                turn=partial(self._turn, route.streams, whose),
                reads=partial(self._turn, reads, whose),
            )
        return _response(route, result)

    def _turn(
        self,
        room: str | None,
        whose: str,
        *,
        reader: Reader | None = None,
        patient: bool = False,
    ) -> AbstractAsyncContextManager[None]:
        """Waits for a turn in that room, where there is one; see ``Room.one``."""
        if room is None or not whose:
            return nullcontext()
        chosen: Room = getattr(self.rooms, room)
        return chosen.one(whose, reader=reader, patient=patient)


def options_handlers(routes: Iterable[Route]) -> Iterator[HTTPRouteHandler]:
    """What each path answers to OPTIONS: all its methods."""
    paths: dict[str, set[str]] = {}
    for route in routes:
        if not route.live:
            paths.setdefault(route.path, {"OPTIONS"}).update(_methods(route))
    for path, methods in paths.items():
        yield _options_handler(path, ", ".join(sorted(methods)))


def _options_handler(path: str, allowed: str) -> HTTPRouteHandler:
    async def handle() -> Response[None]:
        return Response(None, status_code=204, headers={"Allow": allowed})

    return HTTPRouteHandler(_litestar_path(path), http_method=["OPTIONS"], status_code=200)(handle)


def _methods(route: Route) -> list[HttpMethod]:
    """A server leaves the body out of an answer to HEAD."""
    method = HttpMethod(route.method)
    return [method, HttpMethod.HEAD] if method is HttpMethod.GET else [method]


def _check(principal: Principal, route: Route) -> None:
    """``Forbidden`` unless the principal's role and scopes are enough."""
    access = route.access
    assert access.who != "anyone"
    check_role(principal, access.who)
    if access.scope:
        check_scope(principal, access.scope)


def _path(scope: Mapping[str, Any]) -> str:
    """What is asked for, below the mount."""
    return str(scope["path"]).removeprefix(str(scope.get("root_path", "")))


def _quoted(path: str, found: re.Match[str]) -> str:
    """The path with its named parts quoted."""
    for name in reversed(found.groupdict()):
        start, end = found.span(name)
        path = path[:start] + quote(path[start:end], safe="") + path[end:]
    return path


def _ticket(scope: Mapping[str, Any]) -> str | None:
    """The ticket in the query; what else may be wrong with the query is told later."""
    query = scope["query_string"].decode("latin-1")
    return next((value for name, value in parse_qsl(query) if name == "ticket"), None)


def _litestar_path(path: str) -> str:
    return re.sub(r"{(\w+)(:slashed)?}", r"{\1:str}", path)


def _query(route: Route, request: AnyRequest) -> Iterator[tuple[str, Any]]:
    """The query as the route's struct; what it does not know is left unread."""
    if route.query is None:
        return
    given: dict[str, str] = {}
    for name, value in request.query_params.multi_items():
        if name in given:
            raise invalid(name, "Send it once.")
        if "\0" in value:  # no database looks for it
            raise invalid(name, "The character NUL is in no text.")
        given[name] = value
    try:
        query = msgspec.convert(given, route.query, strict=False)
    except msgspec.ValidationError as wrong:
        raise from_validation(wrong, route.query) from wrong
    check_texts(given)
    for name, value in given.items():
        # The word null is read as None, which is for what was left out.
        if getattr(query, name, value) is None:
            raise invalid(name, "There is no such value; leave it out.")
    yield "query", query


async def _body(route: Route, request: AnyRequest) -> Any:
    """The JSON body as the route's struct, or as what its function reads item by item."""
    assert route.body is not None
    raw = await request.body()
    if not raw and route.body_optional:
        return None
    _check_json(request)
    if route.items is not None:
        return decoded(raw, route.items)
    return read_json(raw, route.body)


def _check_plain(request: AnyRequest) -> None:
    """What is compressed would be taken for what it is not; nothing here unpacks it."""
    coding = request.headers.get("content-encoding", "").strip().lower()
    if coding not in ("", "identity"):
        raise Refusal(
            415,
            "unsupported_media_type",
            "Send the body as it is, without Content-Encoding.",
            headers={"Accept-Encoding": "identity"},
        )


def _check_json(request: AnyRequest) -> None:
    told = request.headers.get("content-type", JSON).partition(";")[0].strip().lower()
    if told != JSON and not (told.startswith("application/") and told.endswith("+json")):
        raise Refusal(415, "unsupported_media_type", "The body has to be application/json.")


def _response(route: Route, result: Any) -> Response[Any]:
    if isinstance(result, Bytes):
        return Response(
            result.body,
            status_code=route.status,
            media_type=result.media_type,
            headers=result.headers,
        )
    headers: Mapping[str, str] = route.headers
    status = route.status
    if isinstance(result, Answer):
        headers = {**headers, **result.headers}
        status = result.status or status
        result = result.body
    if result is None:
        empty = None if status == 204 else b""  # else the framework says `null`
        return Response(empty, status_code=status, headers=headers, media_type="text/plain")
    return Response(encoded(result), status_code=status, media_type=JSON, headers=headers)
