"""An upgrade as operators do it: under load, each process in turn is stopped and started again.

Two API processes and a worker, over PostgreSQL and Redis. Clients know both addresses and try the
other one when a connection breaks, with the same idempotency key. Whatever they were promised has
to be ready in the end, once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from itertools import count, cycle
from pathlib import Path
from typing import Any

import httpx
import pytest

from staging_core import OWNER
from staging_core.testing.fake_photo import small_photo
from staging_core.testing.servers.databases import Databases

from .deployment import Api, Deployment, Worker, deployed

READY_WITHIN_S = 120.0
AT_ONCE = 4
PAUSE_S = 0.2


class Client:
    """Asks two processes in turn.

    ``promised``: the image of each order, by its key. ``broken``: calls without an answer.
    """

    def __init__(self, apis: Sequence[httpx.AsyncClient]) -> None:
        self._turns = cycle(apis)
        self.promised: dict[str, str] = {}
        self.broken = 0

    async def call(self, method: str, path: str, status: int, **more: Any) -> Any:
        """The answer of whichever process gives one; it has to be that status."""
        while True:
            try:
                answer = await next(self._turns).request(method, f"/api/v1{path}", **more)
            except httpx.TransportError:
                self.broken += 1
                await asyncio.sleep(0.05)
            else:
                assert answer.status_code == status, answer.text
                return answer.json()

    async def order_until(self, enough: asyncio.Event, name: str, order: dict[str, str]) -> None:
        """One order after the other."""
        for number in count():
            if enough.is_set():
                return
            key = f"{name}-{number}"
            image = await self.call(
                "POST", "/images", 201, json=order, headers={"Idempotency-Key": key}
            )
            self.promised[key] = image["id"]
            await asyncio.sleep(PAUSE_S)

    async def states(self, project_id: str) -> dict[str, str]:
        """Of all images of the project."""
        path, found = f"/projects/{project_id}/images", dict[str, str]()
        cursor: str | None = ""
        while cursor is not None:
            query = {"limit": "200", **({"cursor": cursor} if cursor else {})}
            page = await self.call("GET", path, 200, params=query)
            found |= {image["id"]: image["status"] for image in page["images"]}
            cursor = page["next_cursor"]
        return found


async def rolled(deployment: Deployment, processes: AsyncExitStack, *, times: int) -> None:
    apis = [await asyncio.to_thread(Api, deployment) for _ in range(2)]
    worker = Worker(deployment)
    for each in (*apis, worker):
        processes.callback(each.kill)
    async with deployment.client() as staging:
        key = await staging.acting_as(OWNER).keys.create("shop")
    headers = {"Authorization": f"Bearer {key.secret}"}
    clients = [
        await processes.enter_async_context(
            httpx.AsyncClient(base_url=f"http://127.0.0.1:{api.port}", headers=headers, timeout=60)
        )
        for api in apis
    ]
    client = Client(clients)
    project_id = (await client.call("POST", "/projects", 201, json={"name": "Elm Street"}))["id"]
    upload = await client.call(
        "POST",
        "/uploads?filename=empty.png",
        201,
        content=small_photo(0),
        headers={"Content-Type": "image/png"},
    )
    order = {"upload_id": upload["id"], "project_id": project_id, "style": "modern"}
    enough = asyncio.Event()
    async with asyncio.TaskGroup() as ordering:
        for number in range(AT_ONCE):
            ordering.create_task(client.order_until(enough, f"shop-{number}", order))
        for _ in range(times):
            for process in (*apis, worker):
                before = len(client.promised)
                await asyncio.to_thread(process.stop)
                await asyncio.to_thread(process.start)
                while len(client.promised) <= before:  # noqa: ASYNC110 - the load goes on
                    await asyncio.sleep(0.05)
        enough.set()
    await check(client, project_id)


async def check(client: Client, project_id: str) -> None:
    """All that was promised is ready, and there is nothing else."""
    assert len(set(client.promised.values())) == len(client.promised)
    async with asyncio.timeout(READY_WITHIN_S):
        while set((states := await client.states(project_id)).values()) != {"ready"}:
            assert "error" not in states.values()
            await asyncio.sleep(0.2)
    assert states.keys() == set(client.promised.values())


def rolling(postgresql: Databases, home: Path, *, times: int, **settings: Any) -> None:
    async def scenario(deployment: Deployment) -> None:
        async with AsyncExitStack() as processes:
            await rolled(deployment, processes, times=times)

    with deployed(postgresql, home, **settings) as deployment:
        asyncio.run(scenario(deployment))


def test_processes_restarted_in_turn_lose_nothing(postgresql: Databases, tmp_path: Path) -> None:
    rolling(postgresql, tmp_path, times=1, stager="fake:?delay_ms=20")


@pytest.mark.full
@pytest.mark.timeout(1200)
def test_processes_restarted_in_turn_ten_times_lose_nothing(
    postgresql: Databases, tmp_path: Path
) -> None:
    rolling(postgresql, tmp_path, times=10, stager="fake:?delay_ms=20")
