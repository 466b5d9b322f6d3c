"""What the queue inside one process promises beyond the contract."""

from __future__ import annotations

import asyncio
import gc
import logging
import time

import pytest

from staging_core.backends.local_queue import LocalQueue
from staging_core.models import Wake
from staging_core.testing import FakeClock

DEFAULT = frozenset({"default"})


async def consumed(queue: LocalQueue, *, for_s: float = 0.05) -> list[str]:
    """The jobs that are handed out within ``for_s`` seconds."""
    jobs: list[str] = []

    async def handle(wake: Wake) -> None:
        jobs.append(wake.job_id)

    task = asyncio.create_task(queue.consume(handle, lanes=DEFAULT, concurrency=1))
    await asyncio.sleep(for_s)
    task.cancel()
    await asyncio.wait([task])
    return jobs


def test_a_poke_before_anybody_consumes_is_not_lost() -> None:
    async def run() -> list[str]:
        queue = LocalQueue(time.time)
        await queue.poke(Wake(job_id="early"))
        return await consumed(queue)

    assert asyncio.run(run()) == ["early"]


def test_the_same_wake_waits_only_once() -> None:
    async def run() -> list[str]:
        queue = LocalQueue(time.time)
        for _ in range(1000):
            await queue.poke(Wake(job_id="again"))
        return await consumed(queue)

    assert asyncio.run(run()) == ["again"]


def test_a_wake_for_later_does_not_hide_one_for_now() -> None:
    async def run() -> list[str]:
        queue = LocalQueue(time.time)
        await queue.poke(Wake(job_id="job", not_before=time.time() + 60))
        await queue.poke(Wake(job_id="job"))
        return await consumed(queue)

    assert asyncio.run(run()) == ["job"]


def test_time_is_the_installations_clock() -> None:
    async def run() -> tuple[list[str], list[str]]:
        clock = FakeClock()
        queue = LocalQueue(clock)
        await queue.poke(Wake(job_id="later", not_before=clock() + 3600))
        before = await consumed(queue)
        clock.advance(3600)
        return before, await consumed(queue)

    assert asyncio.run(run()) == ([], ["later"])


def test_first_come_first_served() -> None:
    async def run() -> list[str]:
        queue = LocalQueue(time.time)
        for number in range(5):
            await queue.poke(Wake(job_id=str(number)))
        return await consumed(queue)

    assert asyncio.run(run()) == ["0", "1", "2", "3", "4"]


def test_a_handler_that_raises_is_logged_with_its_job(caplog: pytest.LogCaptureFixture) -> None:
    async def run() -> None:
        queue = LocalQueue(time.time)
        await queue.poke(Wake(job_id="job-7"))
        task = asyncio.create_task(queue.consume(fails, lanes=DEFAULT, concurrency=1))
        await asyncio.sleep(0.05)
        task.cancel()
        await asyncio.wait([task])

    async def fails(wake: Wake) -> None:
        raise LookupError("a bug")

    with caplog.at_level(logging.ERROR):
        asyncio.run(run())

    assert "job-7" in caplog.text
    assert "a bug" in caplog.text


def test_cancelling_twice_cancels_the_handlers() -> None:
    async def run() -> bool:
        queue, cancelled = LocalQueue(time.time), asyncio.Event()

        async def handle(wake: Wake) -> None:
            try:
                await asyncio.sleep(3600)
            except asyncio.CancelledError:
                cancelled.set()
                raise

        await queue.poke(Wake(job_id="endless"))
        task = asyncio.create_task(queue.consume(handle, lanes=DEFAULT, concurrency=1))
        for _ in range(2):
            await asyncio.sleep(0.02)
            task.cancel()
        await asyncio.wait([task])
        return cancelled.is_set()

    assert asyncio.run(run())


def test_a_signal_between_listening_and_waiting_is_not_lost() -> None:
    async def run() -> None:
        queue = LocalQueue(time.time)
        listener = queue.listen("topic")
        await queue.signal("topic")
        await asyncio.wait_for(anext(listener), 1)

    asyncio.run(run())


def test_topics_are_forgotten_with_their_listeners() -> None:
    async def run() -> int:
        queue = LocalQueue(time.time)
        for number in range(100):
            queue.listen(f"topic-{number}")
        gc.collect()
        return len(queue._listeners)

    assert asyncio.run(run()) == 0
