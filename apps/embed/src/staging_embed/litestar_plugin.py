"""Staging within a Litestar application of the host's."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager

from litestar import Litestar, asgi
from litestar.config.app import AppConfig
from litestar.plugins import InitPluginProtocol
from litestar.types import Receive, Scope, Send

from staging_core import Staging

from .app import staging_app
from .identity import PrincipalOf
from .stopping import ending_streams


class StagingPlugin(InitPluginProtocol):
    """Opens ``staging`` with the host, and mounts its API at ``path``.

    ``principal``, ``include`` and ``exclude`` as for ``staging_app``. The host's guards, middleware
    and dependencies do not reach what is mounted; ``principal`` says who calls.
    """

    def __init__(
        self,
        staging: Staging,
        *,
        path: str = "/staging",
        principal: PrincipalOf | None = None,
        include: Collection[str] | None = None,
        exclude: Collection[str] = (),
    ) -> None:
        self.staging = staging
        self.path = path
        self.app = staging_app(staging, principal=principal, include=include, exclude=exclude)

    def on_app_init(self, app_config: AppConfig) -> AppConfig:
        """Add the mount and the lifespan to the host's configuration."""

        @asgi(self.path, is_mount=True, copy_scope=True)
        async def staging_api(scope: Scope, receive: Receive, send: Send) -> None:
            await self.app({**scope, "root_path": self._mount(scope)}, receive, send)

        app_config.route_handlers.append(staging_api)
        app_config.lifespan.append(self._lifespan)
        return app_config

    def _mount(self, scope: Scope) -> str:
        """Under which path the API is reached, the host's own mount included."""
        return f"{scope.get('root_path', '').rstrip('/')}{self.path.rstrip('/')}"

    @asynccontextmanager
    async def _lifespan(self, _: Litestar) -> AsyncIterator[None]:
        async with self.staging:
            with ending_streams(self.staging):
                yield
