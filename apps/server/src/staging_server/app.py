"""The hosted service as one ASGI application, for whoever brings a server of their own."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AsyncExitStack
from typing import Any

from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from staging_core import Staging
from staging_core.errors import StagingError
from staging_embed.stopping import ending_streams

from .api import hosted_api
from .metrics import Metrics
from .serving import check_reach, warn_where_nobody_can_enter


def create_app(config: Mapping[str, Any] | None = None, *, worker: bool | None = None) -> HostedApp:
    """The hosted service, which opens and closes itself with the server that runs it.

    ``config``: settings by name, as ``Staging`` takes them; None reads ``STAGING_*`` variables and
    ``staging.toml``, so that ``uvicorn --factory staging_server:create_app`` is a whole service.
    ``worker``: whether it works on jobs too; by default exactly when its queue is ``local:``.

    ``SettingError`` for what cannot be right, before anything is opened. The server has to run the
    lifespan of its applications. At SIGTERM and SIGINT event streams end, and then the server.
    """
    if config is None:
        staging = Staging.from_env(worker=worker)
    else:
        staging = Staging(worker=worker, **config)
    check_reach(staging, "127.0.0.1")  # where it listens is for its server to say; see ``local:``
    return HostedApp(staging)


class HostedApp:
    """An ASGI application that serves ``staging`` while its lifespan runs."""

    def __init__(self, staging: Staging) -> None:
        self.staging = staging
        self._api: Any = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve one connection; ``StagingError`` before the lifespan has begun."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif self._api is None:
            raise StagingError(
                "The service was asked before it was opened.",
                remedy="Let the server run the application's lifespan (uvicorn: --lifespan on).",
            )
        else:
            await self._api(scope, receive, send)

    async def _live(self, receive: Any, send: Any) -> None:
        """Open, wait for the server's word, close; the server is told what an operator can mend."""
        await receive()
        async with AsyncExitStack() as stack:
            try:
                await stack.enter_async_context(self.staging)
            except StagingError as wrong:
                told = f"{wrong.message} {wrong.remedy}"
                await send({"type": "lifespan.startup.failed", "message": told})
                return
            await warn_where_nobody_can_enter(self.staging)
            api = hosted_api(self.staging)
            self._api = _believing(Metrics(api), self.staging)
            with ending_streams(self.staging):
                await send({"type": "lifespan.startup.complete"})
                await receive()
            self._api = None
        await send({"type": "lifespan.shutdown.complete"})


def _believing(app: Any, staging: Staging) -> Any:
    """Proxies that the settings name are believed, whatever the server believes by itself."""
    proxies = list(staging.settings.trusted_proxies)
    return ProxyHeadersMiddleware(app, trusted_hosts=proxies) if proxies else app
