"""The double's time: real time, faster by a factor, and moved on by hand."""

from __future__ import annotations

import asyncio
import heapq
import time
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import count


class Timer:
    """Something that will be done; ``cancel`` forgets it."""

    __slots__ = ("action",)

    def __init__(self, action: Callable[[], None]) -> None:
        self.action: Callable[[], None] | None = action

    def cancel(self) -> None:
        """Do nothing when the time comes."""
        self.action = None


class Timeline:
    """Unix seconds that start now and run ``factor`` times as fast as real ones.

    One handle of the event loop waits for the next of all timers: tens of thousands cost little.
    """

    def __init__(self, factor: float = 1.0) -> None:
        if factor <= 0:
            raise ValueError(f"Time runs forwards: the factor {factor} is not above zero.")
        self._factor = factor
        self._start, self._began = time.time(), time.monotonic()
        self._due: list[tuple[float, int, Timer]] = []
        self._numbers = count()
        self._alarm: asyncio.TimerHandle | None = None

    def now(self) -> float:
        """Unix seconds."""
        return self._start + (time.monotonic() - self._began) * self._factor

    def after(self, seconds: float, action: Callable[[], None]) -> Timer:
        """Do ``action`` after so many seconds of this time; on the event loop."""
        timer = Timer(action)
        heapq.heappush(self._due, (self.now() + seconds, next(self._numbers), timer))
        self._set_alarm()
        return timer

    async def sleep(self, seconds: float) -> None:
        """Wait for so many seconds of this time."""
        woken = asyncio.Event()
        timer = self.after(seconds, woken.set)
        try:
            await woken.wait()
        finally:
            timer.cancel()

    def advance(self, seconds: float) -> None:
        """Let so many seconds pass at once. What becomes due is done, each at its own time."""
        if seconds < 0:
            raise ValueError(f"Time does not run backwards ({seconds} s).")
        until = self.now() + seconds
        while self._due and self._due[0][0] <= until:
            at, _, timer = heapq.heappop(self._due)
            self._move_to(at)
            if timer.action is not None:
                timer.action()
        self._move_to(until)
        self._set_alarm()

    def _move_to(self, at: float) -> None:
        self._start += max(0.0, at - self.now())

    def _ring(self) -> None:
        loop = asyncio.get_running_loop()
        while self._due and self._due[0][0] <= self.now():
            _, _, timer = heapq.heappop(self._due)
            if timer.action is not None:
                loop.call_soon(timer.action)
        self._set_alarm()

    def _set_alarm(self) -> None:
        while self._due and self._due[0][2].action is None:
            heapq.heappop(self._due)
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        if self._due:
            wait = max(0.0, self._due[0][0] - self.now()) / self._factor
            self._alarm = asyncio.get_running_loop().call_later(wait, self._ring)


def iso(seconds: float | None) -> str | None:
    """A time as JSON usually has it."""
    if seconds is None:
        return None
    return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")
