"""A deployment on this machine: PostgreSQL, Redis, workers and API processes, none in the other."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from staging_core import Staging
from staging_core.testing.servers.databases import Databases
from staging_core.testing.servers.redis import redis_server

from .processes import clean, serving

WITHIN_S = 25.0
"""From SIGTERM to the end of a process."""


class Deployment:
    """``settings``: what every process of the installation is told."""

    def __init__(self, settings: dict[str, Any]) -> None:
        self.settings = settings

    @property
    def environment(self) -> dict[str, str]:
        """For a process of this deployment."""
        named = {f"STAGING_{name.upper()}": str(value) for name, value in self.settings.items()}
        return {**named, "STAGING_PLUGINS": "server"}

    def client(self) -> Staging:
        """The same installation in this process; it works on nothing."""
        return Staging(worker=False, plugins=(), **self.settings)


class Api:
    """An API process at an address of its own, which stays the same however often it starts."""

    def __init__(self, deployment: Deployment) -> None:
        self._deployment = deployment
        self._stack = ExitStack()
        self.port = free_port()
        self.start()

    def start(self) -> None:
        """Start it; it answers."""
        home = Path(self._deployment.settings["home"])
        words = ("--no-worker", "--port", str(self.port))
        served = self._stack.enter_context(serving(home, *words, **self._deployment.environment))
        self.process = served.process

    def stop(self) -> None:
        """SIGTERM, and it ends well and in time."""
        stop(self.process)
        self._stack.close()

    def kill(self) -> None:
        """``kill -9``; nothing where it has ended."""
        self._stack.close()


class Worker:
    """A worker process."""

    def __init__(self, deployment: Deployment) -> None:
        self._environment = {**clean(os.environ), **deployment.environment}
        self.start()

    def start(self) -> None:
        """Start it."""
        self._process = subprocess.Popen(
            [sys.executable, "-m", "staging_core", "worker"],
            env=self._environment,
            stderr=subprocess.DEVNULL,
        )

    def stop(self) -> None:
        """SIGTERM, and it ends well and in time."""
        stop(self._process)

    def kill(self) -> None:
        """``kill -9``."""
        self._process.kill()
        self._process.wait()


def stop(process: subprocess.Popen[Any]) -> None:
    """Tell it to stop; it does so well, and in time."""
    began = time.monotonic()
    process.send_signal(signal.SIGTERM)
    assert process.wait(2 * WITHIN_S) == 0
    assert time.monotonic() - began <= WITHIN_S


@contextmanager
def deployed(postgresql: Databases, home: Path, **settings: Any) -> Iterator[Deployment]:
    """The servers that all processes share."""
    with postgresql.fresh() as database, redis_server() as redis:
        usual = {"auth": "keys:", "secret_key": "sixteen characters at least", "stager": "fake:"}
        limits = (
            "rate_limit_requests",
            "rate_limit_creates",
            "rate_limit_address",
            "max_streams",
        )
        at_will = dict.fromkeys(limits, 1_000_000)
        yield Deployment(
            {**usual, **at_will, "home": home, "queue": redis.url, **database, **settings}
        )


def free_port() -> int:
    """A port of loopback that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])
