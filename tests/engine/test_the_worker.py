"""The worker between claims: it waits, it does not spin, and nobody gets more than a share."""

from __future__ import annotations

import asyncio

import pytest

from staging_core import OWNER
from staging_core.database import jobs

from .conftest import Install
from .pictures import photo


def test_a_worker_whose_places_are_taken_asks_the_database_nothing(
    install: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = 0
    next_due = jobs.next_due

    async def counted(*arguments: object) -> float | None:
        nonlocal asked
        asked += 1
        return await next_due(*arguments)  # type: ignore[arg-type]

    async def scenario() -> None:
        async with install("fake:?script=hangs&in_flight=1", shutdown_s=0.1) as staging:
            me = staging.acting_as(OWNER)
            group = await me.images.submit(photo(), room="bedroom", style="modern", variants=3)
            async for event in me.events(group):
                if event.state == "staging":
                    break
            monkeypatch.setattr(jobs, "next_due", counted)
            await asyncio.sleep(1)
            assert asked <= 1

    asyncio.run(scenario())
