"""Running the double: in a thread of a test, or as a process of its own."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

import msgspec

from staging_core.testing.asgi_server import PATIENCE_S, listening, serving, url_of

from .app import ReplicateDouble
from .chaos import Chaos
from .settings import Settings


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
        line = HTTPConnection(urlsplit(self.url).netloc, timeout=PATIENCE_S)
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
        double = ReplicateDouble(with_outputs(settings or Settings(), listeners), chaos)
        opened.enter_context(serving(double, listeners, "replicate-double"))
        yield RunningReplicate(
            url=url_of(listeners[0]),
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
        process.wait(PATIENCE_S)
        if process.stdout is not None:
            process.stdout.close()


def with_outputs(settings: Settings, listeners: Sequence[socket.socket]) -> Settings:
    """The settings with the outputs at the second listener, where there is one."""
    if len(listeners) == 1:
        return settings
    return msgspec.structs.replace(settings, outputs_url=url_of(listeners[1]))
