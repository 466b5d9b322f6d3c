"""Running the double: in a thread of a test, or as a process of its own."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import msgspec

from staging_core.testing.asgi_server import listening, serving, url_of
from staging_core.testing.double.running import asked, process, truth_of

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
        return truth_of(self.url, event)

    def predictions(self) -> list[dict[str, Any]]:
        """Every prediction that was ever made, as it stands."""
        made: list[dict[str, Any]] = json.loads(asked(self.url, "GET", "/_truth/predictions"))
        return made

    def _post(self, path: str, value: dict[str, Any]) -> None:
        asked(self.url, "POST", path, value)


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
    with process("staging_core.testing.replicate", arguments) as where:
        yield RunningReplicate(url=where["url"], token=where["token"], secret=where["secret"])


def with_outputs(settings: Settings, listeners: Sequence[socket.socket]) -> Settings:
    """The settings with the outputs at the second listener, where there is one."""
    if len(listeners) == 1:
        return settings
    return msgspec.structs.replace(settings, outputs_url=url_of(listeners[1]))
