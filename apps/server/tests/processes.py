"""``staging serve`` as a process of its own."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Served:
    """A running server. ``said``: its lines on stderr so far."""

    process: subprocess.Popen[str]
    url: str = ""
    said: list[str] = field(default_factory=list)

    def stop(self, *, within_s: float = 30.0) -> int:
        """SIGTERM; its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(within_s)


@contextmanager
def serving(home: Path, *words: str, **settings: str) -> Iterator[Served]:
    """A server on a free port, stopped when the block ends, however it ends."""
    with running(("staging_core", "serve", "--port", "0", *words), home, **settings) as served:
        yield served


@contextmanager
def running(module: Sequence[str], home: Path, **settings: str) -> Iterator[Served]:
    """A module with its words, once it says where it serves; as ``serving`` otherwise."""
    process = subprocess.Popen(
        [sys.executable, "-m", *module],
        env={**clean(os.environ), "STAGING_HOME": str(home), **settings},
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    )
    served, ready = Served(process), threading.Event()
    reading = threading.Thread(target=read, args=(served, ready), daemon=True)
    reading.start()
    try:
        assert ready.wait(60), served.said
        assert served.url, served.said
        yield served
    finally:
        process.kill()
        process.wait()
        reading.join(10)
        assert process.stderr is not None
        process.stderr.close()


def read(served: Served, ready: threading.Event) -> None:
    """Keep what it says, until it ends."""
    assert served.process.stderr is not None
    for line in served.process.stderr:
        served.said.append(line)
        if found := re.search(r"(?:Serving|running) on (http://[^\s\"]+)", line):
            served.url = found[1]
            ready.set()
    ready.set()


def refused(home: Path, *words: str, **settings: str) -> str:
    """What a server says that does not start."""
    done = subprocess.run(
        [sys.executable, "-m", "staging_core", "serve", "--port", "0", *words],
        env={**clean(os.environ), "STAGING_HOME": str(home), **settings},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode != 0
    return done.stderr


def clean(environ: os._Environ[str]) -> dict[str, str]:
    """The environment without settings of whoever runs the tests."""
    return {name: value for name, value in environ.items() if not name.startswith("STAGING_")}
