"""An installation that tells of itself in event streams, and what is done there."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from staging_core import Acting, Group, Staging
from staging_embed import staging_app
from staging_embed.app import StagingApp

from .house import OWN, by_token, listening, photo
from .sse import Message


@asynccontextmanager
async def served(home: Path, **settings: Any) -> AsyncIterator[tuple[Acting, StagingApp, str]]:
    """Somebody of an installation, its application, and the URL where it listens."""
    settings = {"stager": "fake:", "plugins": (), "sweep_s": 0.1, **settings}
    async with Staging(home=home, worker=False, **settings) as staging:
        app = staging_app(staging, principal=by_token)
        async with listening(app) as url:
            yield staging.acting_as(OWN), app, url


async def submitted(me: Acting, number: int = 0) -> Group:
    return await me.images.submit(photo(number), room="bedroom", style="modern", seed=1)


async def worked(me: Acting, app: StagingApp) -> None:
    await app.service.staging.run_worker(until_idle=True)


async def ids(me: Acting, group: Group) -> list[str]:
    return [str(event.position) for event in await me.jobs.history(group.images[0].job.id)]


async def all_ids(me: Acting) -> list[str]:
    jobs = await me.jobs.page()
    rows = [event.position for job in jobs for event in await me.jobs.history(job.id)]
    return [str(position) for position in sorted(rows)]


async def until_ready(stream: AsyncIterator[Message]) -> list[Message]:
    seen: list[Message] = []
    async with asyncio.timeout(60):
        async for message in stream:
            seen.append(message)
            if message.event == "job_update" and message.data["status"] == "ready":
                break
    return seen


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not true():  # noqa: ASYNC110 - the server notices in its time
            await asyncio.sleep(0.01)
