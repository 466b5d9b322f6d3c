"""How long a hook may take, and what goes on meanwhile."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from contextvars import ContextVar

import pytest

from staging_core.errors import (
    HookFailed,
)

from .hooked import (
    JOB,
    PICTURE,
    hooks,
    plugin,
)

pytestmark = pytest.mark.anyio


async def test_a_slow_async_def_is_cancelled_when_its_time_is_up() -> None:
    ended = asyncio.Event()

    async def slow() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    with pytest.raises(HookFailed, match=r"'acme' failed in staging_label: .*more than 0\.05 s"):
        await hooks(plugin(label=slow), time_limit_s=0.05).label(JOB, PICTURE, "!")
    await asyncio.wait_for(ended.wait(), 5)


async def test_an_async_def_that_will_not_be_cancelled_is_left_behind() -> None:
    free = asyncio.Event()
    ended = asyncio.Event()

    async def stubborn() -> None:
        while not free.is_set():
            try:
                await free.wait()
            except asyncio.CancelledError:
                continue
        ended.set()
        raise ValueError("too late to matter")

    with pytest.raises(HookFailed, match="more than"):
        await hooks(plugin(label=stubborn), time_limit_s=0.05).label(JOB, PICTURE, "!")
    free.set()
    await asyncio.wait_for(ended.wait(), 5)


async def test_a_slow_def_is_left_behind_in_its_thread() -> None:
    free = threading.Event()
    ended = threading.Event()

    def slow() -> None:
        free.wait()
        ended.set()

    with pytest.raises(HookFailed, match=r"more than 0\.05 s"):
        await hooks(plugin(label=slow), time_limit_s=0.05).label(JOB, PICTURE, "!")
    free.set()
    assert await asyncio.to_thread(ended.wait, 5)


def test_a_def_that_never_returns_keeps_neither_loop_nor_process_alive() -> None:
    script = """
import asyncio, threading
from staging_core.timed_call import call_within

try:
    asyncio.run(call_within(0.05, threading.Event().wait, {}, name="acme"))
except TimeoutError as error:
    print(error)
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout == "it took more than 0.05 s\n"


async def test_the_event_loop_runs_on_while_a_def_works() -> None:
    loop = asyncio.get_running_loop()
    answered = threading.Event()

    def blocking() -> None:
        loop.call_soon_threadsafe(answered.set)
        assert answered.wait(5)

    assert await hooks(plugin(label=blocking)).label(JOB, PICTURE, "!") is None


async def test_cancelling_the_caller_cancels_the_hook() -> None:
    began, ended = asyncio.Event(), asyncio.Event()

    async def long() -> None:
        began.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    call = asyncio.create_task(hooks(plugin(label=long)).label(JOB, PICTURE, "!"))
    await began.wait()
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    await asyncio.wait_for(ended.wait(), 5)


async def test_a_hook_sees_the_context_of_its_caller() -> None:
    trace: ContextVar[str] = ContextVar("trace", default="")
    seen = []

    async def in_task() -> None:
        seen.append(trace.get())

    trace.set("t1")
    both = plugin("a", label=lambda: seen.append(trace.get())), plugin("b", label=in_task)
    await hooks(*both).label(JOB, PICTURE, "!")
    assert seen == ["t1", "t1"]
