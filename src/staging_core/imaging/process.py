"""One decoding process, seen from outside."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from contextlib import suppress

import msgspec

from staging_core.errors import StagingError

from .protocol import PREFIX, Answer, Job, check_lengths, write

_BUFFER = 1 << 22
_KEPT_VARIABLES = ("SYSTEMROOT", "PYTHONHOME", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")


class ChildDied(Exception):
    """The process ended before it answered; ``out_of_time``: it had used up its computing time."""

    def __init__(self, returncode: int | None) -> None:
        self.out_of_time = returncode == -getattr(signal, "SIGXCPU", 0)
        super().__init__(_how(returncode))


def _how(returncode: int | None) -> str:
    if returncode is None or returncode >= 0:
        return f"exit code {returncode}"
    return f"signal {-returncode}"


class Child:
    """A running decoding process that serves one job at a time."""

    def __init__(self, process: Process, most: int) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self.jobs = 0
        self._process, self._most = process, most
        self._stdin, self._stdout = process.stdin, process.stdout

    @classmethod
    async def start(cls, *, max_memory: int) -> Child:
        """Start one. It inherits neither variables (they hold secrets) nor Ctrl-C."""
        if not sys.executable:
            raise StagingError(
                "Decoding needs a Python interpreter to start, and sys.executable is empty.",
                remedy="Set sys.executable to the interpreter of this installation.",
            )
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-P",
            "-m",
            "staging_core.imaging.child",
            str(max_memory),
            stdin=PIPE,
            stdout=PIPE,
            stderr=DEVNULL,
            env=child_environment(),
            start_new_session=True,
            limit=_BUFFER,
        )
        return cls(process, max_memory)

    @property
    def alive(self) -> bool:
        """Whether it has not been seen to end."""
        return self._process.returncode is None

    async def ask(self, job: Job, first: bytes, second: bytes = b"") -> tuple[Answer, bytes]:
        """The answer and its picture; ``ChildDied`` if there is none.

        After any exception, cancellation included, the process must be killed.
        """
        self.jobs += 1
        try:
            self._stdin.writelines(write(job, first, second))
            await self._stdin.drain()
            return await self._receive()
        except (asyncio.IncompleteReadError, ConnectionError) as error:
            self.kill()
            raise ChildDied(await self._process.wait()) from error

    async def _receive(self) -> tuple[Answer, bytes]:
        prefix = await self._stdout.readexactly(PREFIX.size)
        message, first, _ = check_lengths(prefix, self._most)
        body = await self._stdout.readexactly(message)
        answer: Answer = msgspec.msgpack.decode(body, type=Answer)
        return answer, await self._stdout.readexactly(first)

    def kill(self) -> None:
        """End it now; ``bury`` waits for it."""
        if not self.alive:
            return
        if os.name == "nt":
            self._process.kill()
            return
        # Popen.kill() would reap a process that has just died, and asyncio miss its exit code.
        with suppress(ProcessLookupError):
            os.kill(self._process.pid, signal.SIGKILL)

    async def bury(self) -> None:
        """Kill it and free its pipes and its entry in the process table."""
        self.kill()
        self._stdin.close()
        while await self._stdout.read(_BUFFER):
            pass  # what is left in the pipe keeps its transport open
        await self._process.wait()


def child_environment() -> dict[str, str]:
    """Variables for a child of ours: enough to find the same modules, and no secrets."""
    kept = {name: os.environ[name] for name in _KEPT_VARIABLES if name in os.environ}
    paths = [os.path.abspath(path) for path in sys.path if path]
    return {
        **kept,
        "PYTHONPATH": os.pathsep.join(paths),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONUTF8": "1",
        "MALLOC_MMAP_THRESHOLD_": str(1 << 20),  # glibc: pictures go back when they are freed
    }
