"""The application that a host mounts."""

from __future__ import annotations

from collections.abc import Collection
from time import perf_counter
from typing import Any

from litestar import Litestar
from litestar.config.cors import CORSConfig
from litestar.plugins.core import MsgspecDIPlugin

from staging_core import Staging
from staging_core.errors import SettingError

from .any_page import allow, is_preflight, open_to_pages
from .entrance import Entrance
from .event_stream import EventStream
from .identity import PrincipalOf, headers_of
from .live_answer import begun
from .problem import EXCEPTION_HANDLERS
from .routes import GROUPS, LEFT_OUT
from .routing import Route
from .service import Service, options_handlers
from .shedding import Rooms
from .visit import Visit

# What a page of another origin may read beside the body.
_EXPOSED = (
    "Content-Disposition",
    "ETag",
    "Idempotent-Replayed",
    "Location",
    "RateLimit-Limit",
    "RateLimit-Remaining",
    "RateLimit-Reset",
    "Retry-After",
    "X-Request-ID",
)


class _Framework(Litestar):
    """Litestar without its plugins for pydantic and attrs, which would import them: 8 MB.

    Routes take and give what msgspec knows. The method is not public: should Litestar no longer
    ask it, they are imported again, and nothing else changes.
    """

    @staticmethod
    def _get_default_plugins(plugins: list[Any]) -> list[Any]:
        return [*plugins, MsgspecDIPlugin()]


class StagingApp(Entrance):
    """An ASGI application. ``routes``: what it serves, for whoever documents or tests it."""

    def __init__(self, app: Litestar, service: Service) -> None:
        super().__init__(app)
        self.service = service
        self.routes = service.routes

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve one connection."""
        if scope["type"] == "http" and self.service.is_signed(scope):
            if is_preflight(scope):
                await allow(send)
                return
            send = open_to_pages(send)
        path = self.service.live_path(scope) if scope["type"] == "http" else None
        if path is None:
            if scope["type"] == "http":
                scope = {**scope, "path": self.service.unslashed(scope)}
                if is_preflight(scope) and not self._lets_in(scope):
                    # The framework would answer by itself, and no problem.
                    kept = [each for each in scope["headers"] if each[0].lower() != b"origin"]
                    scope["headers"] = kept
            await super().__call__(scope, receive, send)
            return
        stream = await self._begun(path, scope, receive, send)
        if stream is not None:
            await stream.serve(receive, send)

    def _lets_in(self, scope: Any) -> bool:
        """Whether pages of the origin that asks may call us."""
        cors, origin = self.app.cors_config, headers_of(scope).get("origin", "")
        return cors is not None and cors.is_origin_allowed(origin)

    async def _begun(self, path: str, scope: Any, receive: Any, send: Any) -> EventStream | None:
        """What goes on for hours; as a request it is over when it has begun."""
        visit, began = Visit.of(scope["headers"]), perf_counter()
        cors = self.app.cors_config
        with visit.ending():
            status, stream = await begun(
                self.service, path, cors, visit, scope=scope, receive=receive, send=send
            )
            self.answered(visit, scope["method"], status, perf_counter() - began)
        return stream

    def answering(self, visit: Visit, method: str) -> None:
        """What no route took has a span too, or the log would not know it by its name."""
        if not visit.has_span:
            self.service.enter_span(visit, method)

    def answered(self, visit: Visit, method: str, status: int, seconds: float) -> None:
        """See ``Entrance.answered``; a path that is no route of ours is one name for all."""
        self.answering(visit, method)
        super().answered(visit, method, status, seconds)
        labels = {"method": method, "route": visit.route or "none", "status": str(status)}
        self.service.telemetry.measure("http.server.request.duration", seconds, **labels)

    def end_streams(self) -> None:
        """End all event streams, each with a hint when to come back: the server stops.

        Call it, from a signal handler or any thread, when the server is told to stop; it waits for
        open requests, and streams do not end on their own. ``staging_lifespan`` and
        ``StagingPlugin`` do.
        """
        self.service.streams.end()


def staging_app(
    staging: Staging,
    *,
    principal: PrincipalOf | None = None,
    include: Collection[str] | None = None,
    exclude: Collection[str] = (),
    creates_at_once: int = 100,
) -> StagingApp:
    """The HTTP API over ``staging``, for any ASGI host to mount under any path.

    ``principal``: whom the host sees in a request's credentials; by default whom the installation's
    own ``auth`` sees. ``SettingError`` where neither says anything: ``local:``, the default of
    ``auth``, would take everybody for the owner who comes through a proxy of this machine.
    ``include``: groups of routes, by default all but those in ``LEFT_OUT``, less ``exclude``.
    ``creates_at_once``: requests of this process that may create something at one time, a quarter
    of them of one account; as many may be sending photos.

    It opens and closes nothing: who mounts it opens ``staging`` first (``staging_lifespan`` does),
    and closes it after the last request. A mount is not guarded by the host's own dependencies.
    """
    routes = _chosen(include, exclude)
    needs_sign_in = any(route.access.who != "anyone" for route in routes)
    service = Service(
        staging,
        routes,
        principal=_sign_in(staging, principal) if needs_sign_in else None,
        origins=frozenset(staging.settings.cors_origins),
        rooms=Rooms(creates_at_once),
    )
    app = _Framework(
        [*options_handlers(routes), *map(service.handler, routes)],
        exception_handlers=EXCEPTION_HANDLERS,
        cors_config=_cors(staging.settings.cors_origins),
        openapi_config=None,
        logging_config=None,  # the host's logging stays as it is
        debug=False,
    )
    _check_declared(app)
    service.streams.tell()
    return StagingApp(app, service)


def _chosen(include: Collection[str] | None, exclude: Collection[str]) -> tuple[Route, ...]:
    wanted = set(GROUPS) - LEFT_OUT if include is None else set(include)
    unknown = (wanted | set(exclude)) - set(GROUPS)
    if unknown:
        raise SettingError(
            f"There is no group of routes {min(unknown)!r}.",
            remedy=f"Choose among {', '.join(GROUPS)}.",
        )
    return tuple(
        route
        for group in GROUPS
        if group in wanted
        for route in GROUPS[group].all
        if group not in exclude
    )


def _sign_in(staging: Staging, principal: PrincipalOf | None) -> PrincipalOf:
    if principal is not None:
        return principal
    if staging.settings.auth == ("local:",):
        raise SettingError(
            "Nobody is configured to say who calls: neither `principal` nor the setting `auth`.",
            remedy="Pass `principal=` (a function from Credentials to Principal), or set `auth` to "
            "something else than `local:`.",
        )
    return staging.authenticate


def _cors(origins: tuple[str, ...]) -> CORSConfig | None:
    if not origins:
        return None
    return CORSConfig(
        allow_origins=list(origins),
        allow_headers=["*"],
        expose_headers=list(_EXPOSED),
    )


def _check_declared(app: Any) -> None:
    """``SettingError`` when something is served that does not say who may call it."""
    for served in app.routes:
        for handler in getattr(served, "route_handlers", [getattr(served, "route_handler", None)]):
            automatic = getattr(handler, "http_methods", set()) == {"OPTIONS"}
            if not automatic and not isinstance(handler.opt.get("route"), Route):
                raise SettingError(f"{served.path} does not say who may call it.")
