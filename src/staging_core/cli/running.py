"""Running a command's coroutine, so that Ctrl-C and SIGTERM end it in good order."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TypeVar

from staging_core.event_loop import new_event_loop

T = TypeVar("T")


def run(function: Callable[[], Awaitable[T]]) -> T:
    """What the coroutine function gives; ``KeyboardInterrupt`` after either signal.

    What it had open is closed first.
    """

    async def guarded() -> T:
        task = asyncio.current_task()
        assert task is not None
        with on_signals(task.cancel, signal.SIGTERM):
            return await function()

    try:
        with asyncio.Runner(loop_factory=new_event_loop) as runner:
            return runner.run(guarded())
    except asyncio.CancelledError as error:
        raise KeyboardInterrupt from error


@contextmanager
def on_signals(act: Callable[[], object], *signals: signal.Signals) -> Iterator[None]:
    """Call ``act`` on these signals meanwhile, where the event loop can listen to them."""
    loop = asyncio.get_running_loop()
    unable = suppress(NotImplementedError, RuntimeError, ValueError)
    for each in signals:
        with unable:
            loop.add_signal_handler(each, act)
    try:
        yield
    finally:
        for each in signals:
            with unable:
                loop.remove_signal_handler(each)
