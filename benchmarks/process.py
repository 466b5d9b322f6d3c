"""A Python process of ours: started, and what it holds and spends, as Linux tells it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

_STARTS_S, _ENDS_S = 120.0, 40.0


class Started(NamedTuple):
    """A process that has come so far. ``told``: what it wrote until then."""

    pid: int
    told: str

    @property
    def port(self) -> int:
        """Of the address that it serves at."""
        found = re.search(r"http://[^/\s]*:(\d+)", self.told)
        assert found is not None, self.told
        return int(found[1])


@contextmanager
def python(*words: str, said: str, env: Mapping[str, str] | None = None) -> Iterator[Started]:
    """``python WORDS``, once it has written ``said``; ended with SIGTERM.

    ``RuntimeError`` tells what it wrote when it does not come that far.
    """
    with tempfile.TemporaryFile() as told:
        process = subprocess.Popen(
            [sys.executable, *words],
            env={**os.environ, **(env or {})},
            stdin=subprocess.DEVNULL,
            stdout=told,
            stderr=told,
        )
        try:
            yield Started(process.pid, _wait_for(process, told.fileno(), said))
        finally:
            _end(process)


def _wait_for(process: subprocess.Popen[bytes], told: int, said: str) -> str:
    until = time.monotonic() + _STARTS_S
    while True:
        text = os.pread(told, 1 << 20, 0).decode("utf-8", "replace")
        if said in text and text.endswith("\n"):
            return text
        if process.poll() is not None or time.monotonic() > until:
            raise RuntimeError(f"A process of the benchmark did not start:\n{text}")
        time.sleep(0.02)


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(_ENDS_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def memory_kb(pid: int, name: str = "VmRSS") -> int:
    """KiB that a process holds now (``VmRSS``), or has held at most (``VmHWM``)."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1])
    raise RuntimeError(f"Linux does not tell {name} of process {pid}.")


def cpu_s(pid: int) -> float:
    """CPU seconds of a process so far, without its children."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:13])) / os.sysconf("SC_CLK_TCK")
