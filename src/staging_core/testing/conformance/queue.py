"""The contract of ``Queue``, and of what it may have beside it, from ``Consumes`` on."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import ClassVar, Protocol
from uuid import uuid4

from staging_core.interfaces import Carries, Consumes, LimitsRates, Queue, Signals, supports
from staging_core.models import Wake

from .base import OpensConformance, check

LANES = frozenset({"default", "slow"})


class ServerFaults(Protocol):
    """What the suite does to the server behind a queue."""

    def restart(self) -> None:
        """The server dies without a word and comes back, having forgotten everything."""
        ...

    def flush(self) -> None:
        """The server forgets everything, while its connections stay."""
        ...

    async def die_with(self, wake: Wake) -> None:
        """Another process takes ``wake`` and is killed before its handler ends."""
        ...


class QueueConformance(OpensConformance):
    """``url`` names the queue.

    Wakes may be lost, so the suite pokes again every ``again_s`` until it is heard. ``quiet_s`` is
    how long it watches that nothing comes, and
    ``slow_s`` how long a slow handler takes.

    Override ``faults`` where there is a server: without it, what happens when that fails is not
    checked.
    """

    kind = "queue"
    again_s: ClassVar[float] = 0.25
    quiet_s: ClassVar[float] = 0.3
    slow_s: ClassVar[float] = 0.5

    def faults(self, queue: Queue) -> ServerFaults | None:
        """What can be done to the server behind ``queue``."""
        return None

    @check("Pass the wake on.")
    async def test_a_wake_reaches_the_handler_as_it_was(self, queue: Queue) -> None:
        wake = Wake(job_id="job-1", lane="slow", not_before=12.5)
        async with consuming(queue) as heard:
            await self._until(queue, [wake], lambda: heard.wakes)
        assert set(heard.wakes) == {wake}

    @check("a caller never relies on it")
    async def test_a_poke_does_not_wait_for_a_consumer(self, queue: Queue) -> None:
        async with asyncio.timeout(5):
            for number in range(50):
                await queue.poke(Wake(job_id=f"job-{number}"))

    @check("Call ``handler`` for wakes of ``lanes``")
    async def test_only_wakes_of_the_lanes_are_handed_out(self, queue: Queue) -> None:
        wanted, other = Wake(job_id="wanted", lane="slow"), Wake(job_id="other")
        async with consuming(queue, lanes=frozenset({"slow"})) as heard:
            await self._until(queue, [other, wanted], lambda: heard.wakes)
            await asyncio.sleep(self.quiet_s)
        assert set(heard.wakes) == {wanted}

    @check("``concurrency`` at a time")
    async def test_no_more_than_concurrency_run_at_a_time(self, queue: Queue) -> None:
        wakes = [Wake(job_id=f"job-{number}") for number in range(8)]
        async with consuming(queue, concurrency=3, work_s=0.05) as heard:
            await self._until(queue, wakes, lambda: set(heard.wakes) == set(wakes))
        assert heard.most_at_a_time == 3

    @check("A wake is not handed out before its ``not_before``.")
    async def test_a_wake_is_not_handed_out_early(self, queue: Queue) -> None:
        due = time.time() + 0.4
        async with consuming(queue) as heard:
            later, now = Wake(job_id="later", not_before=due), Wake(job_id="now")
            await self._until(queue, [later, now], lambda: "later" in heard.jobs())
        assert heard.times[heard.jobs().index("now")] < due
        assert heard.times[heard.jobs().index("later")] >= due - 0.01

    @check("It is not handed out again while its handler runs.")
    async def test_a_slow_handler_is_given_its_wake_once(self, queue: Queue) -> None:
        wake, pokes = Wake(job_id="slow"), 0
        async with consuming(queue, work_s=self.slow_s) as one, consuming(queue) as other:
            while not (one.wakes or other.wakes):
                await queue.poke(wake)
                pokes += 1
                await asyncio.sleep(self.again_s)
            await asyncio.sleep(self.slow_s)
        assert len(one.wakes) + len(other.wakes) <= pokes

    @check("A handler that raises does not end the loop.")
    async def test_a_raising_handler_does_not_end_the_loop(self, queue: Queue) -> None:
        bad, good = Wake(job_id="bad"), Wake(job_id="good")
        async with consuming(queue, concurrency=1, raises_for="bad") as heard:
            await self._until(queue, [bad], lambda: bad in heard.wakes)
            await self._until(queue, [good], lambda: good in heard.done)

    @check("Cancelling stops taking new wakes")
    async def test_nothing_new_is_taken_after_cancelling(self, queue: Queue) -> None:
        first, second = Wake(job_id="first"), Wake(job_id="second")
        async with consuming(queue, work_s=0.4) as heard:
            await self._until(queue, [first], lambda: heard.wakes)
            heard.task.cancel()
            await queue.poke(second)
            await asyncio.wait([heard.task])
        assert second not in heard.wakes

    @check("lets running handlers finish, then returns")
    async def test_running_handlers_finish_after_cancelling(self, queue: Queue) -> None:
        wake = Wake(job_id="running")
        async with consuming(queue, work_s=0.2) as heard:
            await self._until(queue, [wake], lambda: heard.wakes)
            heard.task.cancel()
            await asyncio.wait([heard.task])
            assert heard.done == heard.wakes

    @check("A server that dies and comes back")
    async def test_a_restarted_server_does_not_end_the_loop(self, queue: Queue) -> None:
        if (faults := self.faults(queue)) is not None:
            await self._goes_on_after(queue, faults.restart)

    @check("or forgets everything, does not end the loop either")
    async def test_a_flushed_server_does_not_end_the_loop(self, queue: Queue) -> None:
        if (faults := self.faults(queue)) is not None:
            await self._goes_on_after(queue, faults.flush)

    @check("one whose process was killed is handed out again, though nobody poked")
    async def test_what_a_killed_process_had_is_handed_out_again(self, queue: Queue) -> None:
        if (faults := self.faults(queue)) is None:
            return
        wake = Wake(job_id="left-behind")
        await faults.die_with(wake)
        async with consuming(queue) as heard:
            await self._until(queue, [], lambda: wake in heard.wakes)

    @check("Tell all who listen to ``topic`` to look now.")
    async def test_a_signal_reaches_all_listeners(self, queue: Queue) -> None:
        if (signals := supports(queue, Signals)) is None:
            return
        listeners = [signals.listen("topic") for _ in range(3)]
        heard = [asyncio.create_task(_next(listener)) for listener in listeners]
        while not all(task.done() for task in heard):
            await signals.signal("topic")
            await asyncio.wait(heard, timeout=self.again_s)

    @check("Yields once per signal")
    async def test_a_listener_hears_later_signals_too(self, queue: Queue) -> None:
        if (signals := supports(queue, Signals)) is None:
            return
        listener = signals.listen("topic")
        for _ in range(3):
            heard = asyncio.create_task(_next(listener))
            while not heard.done():
                await signals.signal("topic")
                await asyncio.wait([heard], timeout=self.again_s)
            await heard

    @check("Yields once per signal; several in a row may be one.")
    async def test_a_listener_hears_no_more_than_was_signalled(self, queue: Queue) -> None:
        if (signals := supports(queue, Signals)) is None:
            return
        times = 0
        listener = signals.listen("topic")

        async def count() -> None:
            nonlocal times
            async for _ in listener:
                times += 1

        counting = asyncio.create_task(count())
        await asyncio.sleep(0.05)
        for topic in ("topic", "another", "topic"):
            await signals.signal(topic)
            await asyncio.sleep(0.05)
        await asyncio.sleep(self.quiet_s)
        counting.cancel()
        await asyncio.wait([counting])
        assert times <= 2

    @check("with ``content``: 1 to 65,536 bytes of text")
    async def test_what_is_carried_comes_as_it_was(self, queue: Queue) -> None:
        if (carries := supports(queue, Carries)) is None:
            return
        for content in (b"1", b"two\nlines", "ü".encode() * 32_768):
            await self._carried(carries, lambda: carries.carry("topic", content), content)  # noqa: B023

    @check("To those who only listen it is a signal like any other.")
    async def test_who_listens_hears_what_is_carried_too(self, queue: Queue) -> None:
        if (carries := supports(queue, Carries)) is None:
            return
        signals = supports(queue, Signals)
        assert signals is not None, "who carries signals too"
        heard = asyncio.create_task(_next(signals.listen("topic")))
        while not heard.done():
            await carries.carry("topic", b"content")
            await asyncio.wait([heard], timeout=self.again_s)

    @check("Call ``take`` with what each signal of ``topic`` brings")
    async def test_only_what_its_topic_brings_is_taken(self, queue: Queue) -> None:
        if (carries := supports(queue, Carries)) is None:
            return
        taken: list[bytes] = []
        stop = carries.carried("topic", taken.append)
        await self._carried(carries, lambda: carries.carry("topic", b"first"), b"first")
        before = len(taken)
        await carries.carry("another", b"others")
        await carries.carry("topic", b"last")
        await asyncio.sleep(self.quiet_s)
        stop()
        assert [each for each in taken if each != b"first"] == [b"last"]
        assert len(taken) == before + 1

    @check("until what this gives is called")
    async def test_nothing_is_taken_after_the_end(self, queue: Queue) -> None:
        if (carries := supports(queue, Carries)) is None:
            return
        taken: list[bytes] = []
        carries.carried("topic", taken.append)()
        await self._carried(carries, lambda: carries.carry("topic", b"content"), b"content")
        assert not taken

    @check('With nothing (``b""``) for a plain signal')
    async def test_a_plain_signal_brings_nothing(self, queue: Queue) -> None:
        if (carries := supports(queue, Carries)) is None:
            return
        signals = supports(queue, Signals)
        assert signals is not None, "who carries signals too"
        await self._carried(carries, lambda: signals.signal("topic"), b"")

    @check("and after some may have been missed")
    async def test_after_a_restart_one_is_told_to_look(self, queue: Queue) -> None:
        carries, faults = supports(queue, Carries), self.faults(queue)
        if carries is None or faults is None:
            return
        await self._carried(carries, lambda: carries.carry("topic", b"before"), b"before")
        told = asyncio.Event()
        stop = carries.carried("topic", lambda content: None if content else told.set())
        faults.restart()
        await told.wait()
        stop()

    @check("Take one of the ``limit`` uses that ``key`` has in ``window_s`` seconds.")
    async def test_a_key_has_so_many_uses_in_a_window(self, queue: Queue) -> None:
        if (rates := supports(queue, LimitsRates)) is None:
            return
        key = uuid4().hex
        told = [await rates.take(key, limit=3, window_s=30) for _ in range(4)]
        assert [each.allowed for each in told] == [True, True, True, False]
        assert [each.remaining for each in told] == [2, 1, 0, 0]
        assert all(0 < each.reset_s <= 30 for each in told)

    @check("Of many at once exactly ``limit`` are allowed.")
    async def test_of_many_uses_at_once_no_more_are_allowed(self, queue: Queue) -> None:
        if (rates := supports(queue, LimitsRates)) is None:
            return
        key = uuid4().hex
        told = await asyncio.gather(*(rates.take(key, limit=5, window_s=30) for _ in range(20)))
        assert sum(each.allowed for each in told) == 5

    @check("The window begins with the first use, and later ones do not make it longer.")
    async def test_a_window_ends_however_often_it_is_asked_for(self, queue: Queue) -> None:
        if (rates := supports(queue, LimitsRates)) is None:
            return
        key, window_s, began = uuid4().hex, 0.4, time.monotonic()
        assert (await rates.take(key, limit=1, window_s=window_s)).allowed
        while not (await rates.take(key, limit=1, window_s=window_s)).allowed:
            assert time.monotonic() - began < 4 * window_s
            await asyncio.sleep(0.05)
        assert time.monotonic() - began > window_s - 0.05

    @check("Each key is counted by itself.")
    async def test_keys_do_not_share_their_uses(self, queue: Queue) -> None:
        if (rates := supports(queue, LimitsRates)) is None:
            return
        for _ in range(2):
            assert (await rates.take(uuid4().hex, limit=1, window_s=30)).allowed

    async def _carried(
        self, carries: Carries, send: Callable[[], Awaitable[None]], content: bytes
    ) -> None:
        """Send again and again until somebody takes that content."""
        came = asyncio.Event()
        stop = carries.carried("topic", lambda it: came.set() if it == content else None)
        while not came.is_set():
            await send()
            with suppress(TimeoutError):
                async with asyncio.timeout(self.again_s):
                    await came.wait()
        stop()

    async def _goes_on_after(self, queue: Queue, fault: Callable[[], None]) -> None:
        before, after = Wake(job_id="before"), Wake(job_id="after")
        async with consuming(queue) as heard:
            await self._until(queue, [before], lambda: heard.wakes)
            fault()
            while after not in heard.wakes:
                assert not heard.task.done()
                with suppress(Exception):  # a poke may be lost, the more so now
                    await queue.poke(after)
                await asyncio.sleep(self.again_s)

    async def _until(self, queue: Queue, wakes: list[Wake], reached: Callable[[], object]) -> None:
        """Poke again and again until ``reached``; the check's patience is the limit."""
        while True:
            for wake in wakes:
                await queue.poke(wake)
            again = time.monotonic() + self.again_s
            while time.monotonic() < again:
                if reached():
                    return
                await asyncio.sleep(0.005)


class Heard:
    """What a handler was called with; ``done``: the wakes whose handler came to its end."""

    def __init__(self) -> None:
        self.wakes: list[Wake] = []
        self.times: list[float] = []
        self.done: list[Wake] = []
        self.most_at_a_time = 0
        self.task: asyncio.Task[None]

    def jobs(self) -> list[str]:
        """The jobs of the wakes, in their order."""
        return [wake.job_id for wake in self.wakes]


@asynccontextmanager
async def consuming(
    queue: Queue,
    *,
    lanes: frozenset[str] = LANES,
    concurrency: int = 4,
    work_s: float = 0.0,
    raises_for: str = "",
) -> AsyncIterator[Heard]:
    """Consume in the background; cancel and wait at the end."""
    consumes = supports(queue, Consumes)
    assert consumes is not None, "the suite needs a queue that also consumes"
    heard = Heard()
    handler = _handler(heard, work_s, raises_for)
    heard.task = asyncio.create_task(
        consumes.consume(handler, lanes=lanes, concurrency=concurrency)
    )
    try:
        yield heard
    finally:
        heard.task.cancel()
        await asyncio.wait([heard.task])
        if not heard.task.cancelled() and (error := heard.task.exception()):
            raise error


def _handler(heard: Heard, work_s: float, raises_for: str) -> Callable[[Wake], Awaitable[None]]:
    running = 0

    async def handle(wake: Wake) -> None:
        nonlocal running
        heard.wakes.append(wake)
        heard.times.append(time.time())
        running += 1
        heard.most_at_a_time = max(heard.most_at_a_time, running)
        try:
            if wake.job_id == raises_for:
                raise LookupError("raised by the suite's handler")
            await asyncio.sleep(work_s)
            heard.done.append(wake)
        finally:
            running -= 1

    return handle


async def _next(listener: AsyncIterator[None]) -> None:
    await anext(listener)
