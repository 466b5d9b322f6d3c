"""Serving a double on loopback, in a thread of the test or as a process."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import uvicorn

PATIENCE_S = 20.0


def listening(port: int, host: str = "127.0.0.1") -> socket.socket:
    """A socket that listens; port 0 is any free one."""
    # The protocol is named, or asyncio leaves Nagle's algorithm on: 40 ms an answer.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(2048)
    except OSError:
        listener.close()
        raise
    listener.setblocking(False)
    return listener


def url_of(listener: socket.socket) -> str:
    """The URL of a listening socket."""
    host, port = listener.getsockname()[:2]
    return f"http://{host}:{port}"


def server_config(app: Any) -> uvicorn.Config:
    """How a double is served: quietly, with a short wait at the end."""
    return uvicorn.Config(
        app,
        lifespan="on",
        log_level="warning",
        access_log=False,
        proxy_headers=False,
        timeout_keep_alive=60,
        timeout_graceful_shutdown=2,
    )


def serve(
    app: Any, listeners: Sequence[socket.socket], where: Mapping[str, str], *, as_json: bool
) -> None:
    """Say ``where`` on standard output, then serve until SIGTERM or Ctrl-C."""
    lines = (f"{name}: {value}" for name, value in where.items())
    print(json.dumps(where) if as_json else "\n".join(lines), flush=True)
    uvicorn.Server(server_config(app)).run(list(listeners))


@contextmanager
def serving(app: Any, listeners: Sequence[socket.socket], name: str) -> Iterator[None]:
    """Serve the application in a thread of this process while the block runs."""
    server = uvicorn.Server(server_config(app))
    thread = threading.Thread(target=server.run, args=(list(listeners),), name=name)
    thread.start()
    try:
        _wait_until_started(server, thread)
        yield
    finally:
        server.should_exit = True
        thread.join(PATIENCE_S)


def _wait_until_started(server: uvicorn.Server, thread: threading.Thread) -> None:
    until = time.monotonic() + PATIENCE_S
    while not server.started:
        if not thread.is_alive() or time.monotonic() > until:
            raise RuntimeError("The double did not start; its thread has said why.")
        time.sleep(0.002)
