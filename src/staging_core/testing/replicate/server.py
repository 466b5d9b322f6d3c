"""Running the double: in a thread of a test, or as a process of its own."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

import msgspec
import uvicorn

from .app import ReplicateDouble
from .chaos import Chaos
from .settings import Settings

_PATIENCE_S = 20.0


class RunningReplicate(msgspec.Struct, frozen=True, kw_only=True):
    """Where a double listens, and what a test may ask of it from outside.

    ``url``: for ``REPLICATE_BASE_URL``. ``token``, ``secret``: for ``REPLICATE_API_TOKEN`` and
    ``REPLICATE_WEBHOOK_SECRET``. ``double``: the application, when it runs in this process; it
    belongs to the thread that it runs in.
    """

    url: str
    token: str
    secret: str
    double: ReplicateDouble | None = None

    def chaos(self, **changes: Any) -> None:
        """Change the chaos in force; ``next`` is replaced."""
        self._post("/_chaos", changes)

    def then(self, *faults: str) -> None:
        """The next create has these faults, and no other."""
        self._post("/_chaos/next", {"faults": faults})

    def advance(self, seconds: float) -> None:
        """Let time pass at the double."""
        self._post("/_clock", {"advance": seconds})

    def act(self, prediction: str, deed: str) -> None:
        """``finish``, ``fail``, ``moderate``, ``say_strangely`` or ``expire_output``."""
        self._post(f"/_predictions/{prediction}/{deed}", {})

    def truth(self, event: str | None = None) -> list[dict[str, Any]]:
        """The log of the truth, all of it or one event's lines."""
        lines = self._get("/_truth").splitlines()
        records: list[dict[str, Any]] = [json.loads(line) for line in lines]
        return [record for record in records if event in (None, record["event"])]

    def predictions(self) -> list[dict[str, Any]]:
        """Every prediction that was ever made, as it stands."""
        made: list[dict[str, Any]] = json.loads(self._get("/_truth/predictions"))
        return made

    def _get(self, path: str) -> bytes:
        return self._asked("GET", path, b"")

    def _post(self, path: str, value: dict[str, Any]) -> None:
        self._asked("POST", path, json.dumps(value).encode())

    def _asked(self, method: str, path: str, body: bytes) -> bytes:
        line = HTTPConnection(urlsplit(self.url).netloc, timeout=_PATIENCE_S)
        with closing(line):
            line.request(method, path, body)
            answer = line.getresponse()
            text = answer.read()
        if answer.status >= 400:
            raise ValueError(f"{path} answered {answer.status}: {text.decode()}")
        return text


@contextmanager
def running_replicate(
    settings: Settings | None = None,
    chaos: Chaos | None = None,
    *,
    outputs_elsewhere: bool = False,
) -> Iterator[RunningReplicate]:
    """A double on a free port of loopback, in a thread of this process.

    ``outputs_elsewhere``: outputs are served on a port of their own.
    """
    with ExitStack() as opened:
        listeners = [opened.enter_context(listening(0)) for _ in range(1 + outputs_elsewhere)]
        listener = listeners[0]
        double = ReplicateDouble(with_outputs(settings or Settings(), listeners), chaos)
        server = uvicorn.Server(server_config(double))
        thread = threading.Thread(target=server.run, args=(listeners,), name="replicate-double")
        thread.start()
        opened.callback(_stop, server, thread)
        _wait_until_started(server, thread)
        yield RunningReplicate(
            url=url_of(listener),
            token=double.settings.tokens[0],
            secret=double.settings.signing_secret(),
            double=double,
        )


@contextmanager
def replicate_process(arguments: Sequence[str] = ()) -> Iterator[RunningReplicate]:
    """A double in a process of its own. ``arguments``: as on its command line."""
    command = [sys.executable, "-m", "staging_core.testing.replicate", "--json", *arguments]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)  # noqa: S603 - our own
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line:
            raise RuntimeError(f"The double did not start: it ended with {process.wait()}.")
        where = json.loads(line)
        yield RunningReplicate(url=where["url"], token=where["token"], secret=where["secret"])
    finally:
        process.terminate()
        process.wait(_PATIENCE_S)
        if process.stdout is not None:
            process.stdout.close()


def listening(port: int, host: str = "127.0.0.1") -> socket.socket:
    """A socket that listens; port 0 is any free one."""
    # The protocol is named, or asyncio leaves Nagle's algorithm on: 40 ms an answer.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((host, port))
    listener.listen(2048)
    listener.setblocking(False)
    return listener


def url_of(listener: socket.socket) -> str:
    """The URL of a listening socket."""
    host, port = listener.getsockname()[:2]
    return f"http://{host}:{port}"


def with_outputs(settings: Settings, listeners: Sequence[socket.socket]) -> Settings:
    """The settings with the outputs at the second listener, where there is one."""
    if len(listeners) == 1:
        return settings
    return msgspec.structs.replace(settings, outputs_url=url_of(listeners[1]))


def server_config(double: ReplicateDouble) -> uvicorn.Config:
    """How the double is served: quietly, with a short wait at the end."""
    return uvicorn.Config(
        double,
        lifespan="on",
        log_level="warning",
        access_log=False,
        proxy_headers=False,
        timeout_keep_alive=60,
        timeout_graceful_shutdown=2,
    )


def _wait_until_started(server: uvicorn.Server, thread: threading.Thread) -> None:
    until = time.monotonic() + _PATIENCE_S
    while not server.started:
        if not thread.is_alive() or time.monotonic() > until:
            raise RuntimeError("The double did not start; its thread has said why.")
        time.sleep(0.002)


def _stop(server: uvicorn.Server, thread: threading.Thread) -> None:
    server.should_exit = True
    thread.join(_PATIENCE_S)
