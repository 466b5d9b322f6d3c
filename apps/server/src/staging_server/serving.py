"""Serving until told to stop: the API, and a worker beside it.

When told to stop nothing new is accepted, streams end with a hint when to come back, requests and
job steps finish; all of it at once, and within the setting ``shutdown_s``.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from ipaddress import ip_address
from urllib.parse import urlsplit

import click
import uvicorn

from staging_core import Staging
from staging_core.errors import SettingError
from staging_embed import StagingApp

from .api import hosted_api, is_local, shows_docs
from .connection import Connection
from .metrics import Metrics

log = logging.getLogger("staging_server")

_SIGNALS = (signal.SIGTERM, signal.SIGINT)
_WAITING_CONNECTIONS = 2048
_UNREAD_MS = 60_000


def check_reach(staging: Staging, host: str) -> None:
    """``SettingError`` where others could reach an installation that takes them for its owner."""
    if is_local(staging) and not _is_loopback(host):
        raise SettingError(
            f"With `auth` as `local:` whoever reaches {host} would be the owner.",
            remedy="Set STAGING_AUTH (to `keys:` or `jwt:https://ISSUER/?audience=...`), or serve "
            "on 127.0.0.1.",
        )
    public = staging.settings.public_url
    if is_local(staging) and public and not _is_loopback(urlsplit(public).hostname or ""):
        raise SettingError(
            f"With `auth` as `local:` whoever comes through {public} could be the owner.",
            remedy="Set STAGING_AUTH (to `keys:` or `jwt:https://ISSUER/?audience=...`), or leave "
            "STAGING_PUBLIC_URL out.",
        )


async def warn_where_nobody_can_enter(staging: Staging) -> None:
    """Keys are made by people who sign in; where nobody can, somebody at the machine makes one."""
    if await staging.operating("serve").keys.are_missing():
        log.warning(
            "nobody can enter: `auth` lets in with API keys only, and there is none that opens "
            "anything; make one here: staging keys create NAME --account ID --user ID --role admin"
        )


async def serve(staging: Staging, *, host: str, port: int, worker: bool) -> None:
    """Open ``staging`` and serve until SIGTERM or SIGINT; ``worker``: work on jobs too.

    Raises what the worker ended with, if it ended by itself: after the same good order.
    """
    check_reach(staging, host)
    with _listening(host, port) as door:
        async with staging:
            await warn_where_nobody_can_enter(staging)
            server = Server(hosted_api(staging), grace_s=staging.settings.shutdown_s)
            async with _working(staging, server) if worker else contextlib.nullcontext():
                address = door.getsockname()
                page = " (try it at /docs)" if shows_docs(staging) else ""
                _announce(f"Serving on http://{_in_url(address[0])}:{address[1]}{page}")
                await server.run(door)


def _announce(line: str) -> None:
    """One of the log's lines where it has such; a plain one to whoever sits there otherwise."""
    if log.isEnabledFor(logging.INFO):
        log.info(line)
    else:
        click.echo(line, err=True)


class Server(uvicorn.Server):
    """uvicorn, whose end begins with the end of all event streams."""

    def __init__(self, app: StagingApp, *, grace_s: float) -> None:
        self.app = app
        self.told = asyncio.Event()
        proxies = list(app.service.staging.settings.trusted_proxies)
        config = uvicorn.Config(
            Metrics(app),
            interface="asgi3",
            http=Connection,
            log_config=None,
            access_log=False,
            lifespan="off",
            # Nobody unless named: by itself it would believe every process of this machine.
            proxy_headers=bool(proxies),
            forwarded_allow_ips=proxies,
            backlog=_WAITING_CONNECTIONS,
            server_header=False,
            timeout_graceful_shutdown=max(1, int(grace_s)),
        )
        super().__init__(config)

    async def run(self, door: socket.socket) -> None:  # type: ignore[override]
        """Serve at an open door until told to stop."""
        with _on_signals(self.stop):
            await self.serve(sockets=[door])

    def stop(self) -> None:
        """Stop in good order; told a second time, at once."""
        self.force_exit = self.should_exit
        self.should_exit = True
        self.told.set()
        self.app.end_streams()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Signals are ours: streams end first, and the process by itself."""
        yield


@asynccontextmanager
async def _working(staging: Staging, server: Server) -> AsyncIterator[None]:
    """A worker that stops when the server is told to, and not only when it has stopped.

    What it ended with otherwise is raised at the end: whoever started the server has to see that it
    did not stop because it was told to.
    """
    working = asyncio.create_task(staging.run_worker())
    stopping = asyncio.create_task(_stop_with(server, working))
    working.add_done_callback(lambda task: _fell(task, server))
    try:
        yield
    finally:
        working.cancel()
        stopping.cancel()
        await asyncio.gather(working, stopping, return_exceptions=True)
    if not working.cancelled():
        working.result()


async def _stop_with(server: Server, working: asyncio.Task[None]) -> None:
    await server.told.wait()
    working.cancel()


def _fell(working: asyncio.Task[None], server: Server) -> None:
    """A worker that ends by itself would leave a server that accepts what nobody does."""
    if not working.cancelled() and (error := working.exception()) is not None:
        log.error("the worker ended", exc_info=error)
        server.stop()


@contextmanager
def _on_signals(act: object) -> Iterator[None]:
    loop = asyncio.get_running_loop()
    for each in _SIGNALS:
        loop.add_signal_handler(each, act)  # type: ignore[arg-type]
    try:
        yield
    finally:
        for each in _SIGNALS:
            loop.remove_signal_handler(each)


@contextmanager
def _listening(host: str, port: int) -> Iterator[socket.socket]:
    """An open door; ``SettingError`` where there can be none, before anything is opened."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        door = socket.create_server((host, port), family=family, backlog=_WAITING_CONNECTIONS)
    except OSError as wrong:
        raise SettingError(
            f"Nobody can listen on {host}:{port}: {wrong.strerror or wrong}.",
            remedy="Give another --host or --port, or end what listens there.",
        ) from wrong
    with contextlib.closing(door):
        # asyncio does so only for sockets that it made; else an answer waits 40 ms for its end.
        door.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if hasattr(socket, "TCP_USER_TIMEOUT"):
            # Closing waits for what is left to be read: who never reads would stay for ever.
            door.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _UNREAD_MS)
        yield door


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _in_url(host: str) -> str:
    return f"[{host}]" if ":" in host else host
