"""One call of a stranger's function: in a task or a thread of its own, and only for so long.

Both are left behind when their time is up. Weak spots: a thread cannot be stopped, so a function
that never returns keeps its thread until the process ends; and an ``async def`` that blocks stops
the whole event loop, which no time limit can help.
"""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import threading
from collections.abc import Callable, Coroutine, Mapping
from contextlib import suppress
from typing import Any, TypeVar

T = TypeVar("T")


async def call_within(
    seconds: float, function: Callable[..., Any], arguments: Mapping[str, Any], *, name: str
) -> Any:
    """What ``function`` gives or raises; ``TimeoutError`` after ``seconds``.

    A plain function that gives an awaitable is a ``TypeError``: it would do nothing, unawaited.
    Raises only ``Exception``s of the function's making: SystemExit, a cancellation of its own and
    the like become ``RuntimeError``. Cancelling the caller cancels the function. ``name``: of the
    thread, for stack dumps.
    """
    if inspect.iscoroutinefunction(function):
        work: asyncio.Future[Any] = asyncio.ensure_future(_contained(function(**arguments)))
    else:
        work = _in_thread(function, arguments, name)
    return await _within(seconds, work)


async def _contained(call: Coroutine[Any, Any, T]) -> T:
    """SystemExit in a task would end the host's event loop."""
    try:
        return await call
    except SystemExit as error:
        raise RuntimeError("it tried to end the process") from error


def _in_thread(
    function: Callable[..., T], arguments: Mapping[str, Any], name: str
) -> asyncio.Future[T]:
    """Run ``function`` in a daemon thread: an executor's would be waited for at exit."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()
    context = contextvars.copy_context()

    def settle(result: T | None, error: BaseException | None) -> None:
        if future.done():
            return
        if error is None:
            future.set_result(result)  # type: ignore[arg-type]
        elif isinstance(error, Exception) and not isinstance(error, StopIteration):
            future.set_exception(error)
        else:
            future.set_exception(RuntimeError(f"it raised {type(error).__name__}"))

    def run() -> None:
        result, error = None, None
        try:
            result = _not_awaitable(context.run(function, **arguments))
        except BaseException as raised:
            error = raised
        with suppress(RuntimeError):  # nobody waits any more: the loop is closed
            loop.call_soon_threadsafe(settle, result, error)

    threading.Thread(target=run, name=name, daemon=True).start()
    return future


def _not_awaitable(result: T) -> T:
    if inspect.iscoroutine(result):
        result.close()
    if inspect.isawaitable(result):
        raise TypeError(f"it gave a {type(result).__name__}; make it an `async def`")
    return result


async def _within(seconds: float, work: asyncio.Future[T]) -> T:
    """The result of ``work``, which is cancelled and left behind when its time is up."""
    try:
        await asyncio.wait({work}, timeout=seconds)
    finally:
        late = not work.done()
        if late:
            work.add_done_callback(_forget)
            work.cancel()
    if late:
        raise TimeoutError(f"it took more than {seconds:g} s")
    if work.cancelled():
        raise RuntimeError("it cancelled itself")
    return work.result()


def _forget(work: asyncio.Future[Any]) -> None:
    """Look at the exception, so that asyncio does not report it as never seen."""
    if not work.cancelled():
        work.exception()
