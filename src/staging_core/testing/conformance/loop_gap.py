"""How long the event loop stood still."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Gap:
    """The longest time between two turns of the loop."""

    seconds = 0.0


@asynccontextmanager
async def longest_gap() -> AsyncIterator[Gap]:
    """Watch the loop while the body runs."""
    gap = Gap()
    watching = asyncio.create_task(_watch(gap))
    await asyncio.sleep(0)
    try:
        yield gap
    finally:
        await asyncio.sleep(0.02)  # a turn of the watcher after the last thing that blocked
        watching.cancel()
        await asyncio.wait([watching])


async def _watch(gap: Gap) -> None:
    last = time.monotonic()
    while True:
        await asyncio.sleep(0.005)
        now = time.monotonic()
        gap.seconds = max(gap.seconds, now - last - 0.005)
        last = now
