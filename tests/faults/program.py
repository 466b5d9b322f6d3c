"""A child process that can be killed and started again."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Sequence
from contextlib import closing, suppress
from pathlib import Path

_WITHIN_S = 60.0


class Program:
    """One command line in a process group of its own; what it writes goes to ``log``."""

    def __init__(self, command: Sequence[str], *, environment: dict[str, str], log: Path) -> None:
        self._command = list(command)
        self._environment = environment
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None
        self._began_at = 0

    def start(self) -> None:
        """Start it."""
        with self._log.open("ab") as log:
            self._began_at = log.tell()
            self._process = subprocess.Popen(
                self._command,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def kill(self) -> None:
        """``kill -9``, children too; nothing when it does not run."""
        if self._process is None:
            return
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._process = None

    def has_said(self, words: str) -> bool:
        """Whether it has written this since it was last started."""
        with self._log.open("rb") as log:
            log.seek(self._began_at)
            return words.encode() in log.read()

    def ended(self) -> int | None:
        """Its exit code, where it has ended by itself."""
        return None if self._process is None else self._process.poll()

    def stop(self, within_s: float) -> tuple[int, float]:
        """SIGTERM to the process alone; its exit code, and how many seconds it took."""
        assert self._process is not None
        began = time.monotonic()
        self._process.send_signal(signal.SIGTERM)
        code = self._process.wait(within_s)
        took = time.monotonic() - began
        self.kill()  # a child that it left behind
        return code, took

    def wait_until_port_answers(self, port: int) -> None:
        """Return when something listens there; ``AssertionError`` shows what it wrote."""
        until = time.monotonic() + _WITHIN_S
        while time.monotonic() < until and self.ended() is None:
            with suppress(OSError), closing(socket.create_connection(("127.0.0.1", port), 1)):
                return
            time.sleep(0.02)
        raise AssertionError(f"It does not listen:\n{self._log.read_text('utf-8', 'replace')}")


def free_port() -> int:
    """A port of loopback that nobody listens on."""
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
