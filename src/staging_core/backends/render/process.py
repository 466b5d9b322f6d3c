"""The rendering process, seen from the worker."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Callable
from contextlib import suppress

import msgspec

from staging_core.errors import Retryable, StagingError
from staging_core.imaging.process import child_environment

from .protocol import PREFIX, Declined, Drawn, Heard, Order, Word, parts

_BUFFER = 1 << 22


class RenderProcess:
    """A process that furnishes one photo at a time and stays warm between them."""

    def __init__(self, process: Process) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self._process = process
        self._stdin, self._stdout = process.stdin, process.stdout

    @classmethod
    async def start(cls) -> RenderProcess:
        """Start one. It inherits neither variables (they hold secrets) nor Ctrl-C."""
        if not sys.executable:
            raise StagingError(
                "Rendering needs a Python interpreter to start, and sys.executable is empty.",
                remedy="Set sys.executable to the interpreter of this installation.",
            )
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-P",
            "-m",
            "staging_core.backends.render.child",
            stdin=PIPE,
            stdout=PIPE,
            stderr=DEVNULL,
            env=child_environment(),
            start_new_session=True,
            limit=_BUFFER,
        )
        return cls(process)

    @property
    def alive(self) -> bool:
        """Whether it has not been seen to end."""
        return self._process.returncode is None

    async def ask(
        self, order: Order, photo: bytes, heard: Callable[[float, str], None]
    ) -> tuple[Drawn | Declined, bytes]:
        """The answer and its picture; ``Retryable`` when the process ends before it.

        After any exception, cancellation included, the process must be ended.
        """
        try:
            self._stdin.writelines(parts(order, photo))
            await self._stdin.drain()
            while True:
                word, picture = await self._receive()
                if not isinstance(word, Heard):
                    return word, picture
                heard(word.share, word.phase)
        except (asyncio.IncompleteReadError, ConnectionError) as error:
            raise Retryable("The rendering process ended before it answered.") from error

    async def _receive(self) -> tuple[Word, bytes]:
        length, size = PREFIX.unpack(await self._stdout.readexactly(PREFIX.size))
        word: Word = msgspec.msgpack.decode(await self._stdout.readexactly(length), type=Word)
        return word, await self._stdout.readexactly(size)

    async def end(self) -> None:
        """Kill it and free its pipes and its entry in the process table."""
        if self.alive:
            # Not Process.kill(): that may reap a dead child before the event loop sees its end.
            with suppress(ProcessLookupError):
                os.kill(self._process.pid, signal.SIGKILL)
        self._stdin.close()
        while await self._stdout.read(_BUFFER):
            pass  # what is left in the pipe keeps its transport open
        await self._process.wait()
