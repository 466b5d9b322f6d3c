"""What reaches the installation's address: genuine reports are kept, all else leaves a count."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import msgspec
import sqlalchemy as sa

from staging_core import OWNER, Staging
from staging_core.database import tables
from staging_core.models import Callback
from staging_core.standings import KeptStandings
from staging_core.testing.servers.databases import migrated_file
from staging_embed import staging_app

from .counter import PACKS, PLANS
from .shop import Shop, garbled, truncated

PATH = "/api/v1/stripe/webhook"


@asynccontextmanager
async def served(home: Path, shop: object) -> AsyncIterator[tuple[Staging, httpx.AsyncClient]]:
    migrated_file(home)
    staging = Staging(
        home=home,
        stager="fake:",
        worker=False,
        plugins=(),
        billing=shop,
        plans=PLANS,
        packs=PACKS,
        billing_return_url="https://shop.test/account",
    )
    async with staging:
        if isinstance(shop, Shop):
            settings, database = staging.settings, staging.ports.database
            shop.standings = KeptStandings(database, settings.plans, settings.default_plan)
        transport = httpx.ASGITransport(
            staging_app(staging, principal=lambda _: OWNER, include={"billing"})
        )
        async with httpx.AsyncClient(transport=transport, base_url="http://shop.test") as client:
            yield staging, client


async def post(client: httpx.AsyncClient, callback: Callback) -> httpx.Response:
    headers = {"content-type": "application/json", **callback.headers}
    return await client.post(PATH, content=callback.body, headers=headers)


async def events(staging: Staging) -> list[Any]:
    async with staging.ports.database.read() as tx:
        return await tx.rows(sa.select(tables.payment_events))


async def has_left(staging: Staging, images: int) -> bool:
    return (await staging.acting_as(OWNER).usage()).remaining == images


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(20):
        while True:
            if await holds():
                return
            await asyncio.sleep(0.05)


def test_a_genuine_report_is_answered_and_followed_by_the_process_itself(tmp_path: Path) -> None:
    async def scenario() -> None:
        shop = Shop()
        async with served(tmp_path, shop) as (staging, client):
            await staging.operating("ada").billing.give_plan(OWNER.account_id, None)
            shop.purchase(shop.customer(OWNER.account_id))
            for event in shop.events:
                answer = await post(client, shop.callback(event))
                assert (answer.status_code, answer.json()) == (200, {"status": "received"})
            again = await post(client, shop.callback(shop.events[0]))
            assert (again.status_code, again.json()) == (200, {"status": "duplicate"})
            await until(lambda: has_left(staging, 12))
            assert staging.payments_turned_away == {}

    asyncio.run(scenario())


def test_what_is_forged_stale_replayed_truncated_or_strange_leaves_only_a_count(
    tmp_path: Path,
) -> None:
    async def scenario() -> None:
        shop = Shop()
        async with served(tmp_path, shop) as (staging, client):
            shop.customer(OWNER.account_id)
            genuine = shop.callback(shop.events[0])
            other = b'{"event_id": "evt_9", "type": "x", "created_at": 1}'
            long_id = msgspec.structs.replace(shop.events[0], event_id="e" * 256)
            nameless = msgspec.structs.replace(shop.events[0], object_id=None)
            refused = [
                (shop.callback(shop.events[0], secret=b"of another account"), 401),
                (shop.callback(shop.events[0], age_s=301), 401),
                (msgspec.structs.replace(genuine, body=other), 401),
                (msgspec.structs.replace(genuine, headers={}), 401),
                (truncated(genuine), 401),
                (garbled(), 400),
                (shop.callback(long_id), 400),
                (shop.callback(nameless), 400),
                (msgspec.structs.replace(genuine, body=b" " * 2_000_000), 400),
            ]
            for callback, status in refused:
                answer = await post(client, callback)
                assert answer.status_code == status, answer.text
            assert await events(staging) == []
            counted = staging.payments_turned_away
            assert counted["signature_invalid"] == 5
            assert counted["callback_invalid"] == 3  # the longest is not even read
            assert shop.looked == []

    asyncio.run(scenario())


def test_without_a_payment_provider_nothing_is_taken(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with served(tmp_path, "plans:") as (staging, client):
            answer = await post(client, garbled())
            assert answer.status_code == 503
            assert answer.json()["code"] == "service_unavailable"
            assert await events(staging) == []

    asyncio.run(scenario())


def test_an_installation_closes_while_the_provider_does_not_answer(tmp_path: Path) -> None:
    class Silent(Shop):
        def __init__(self) -> None:
            super().__init__()
            self.asked = asyncio.Event()

        async def look(self, *args: Any) -> Any:
            self.asked.set()
            await asyncio.Event().wait()

    async def scenario() -> None:
        shop = Silent()
        async with asyncio.timeout(30):
            async with served(tmp_path, shop) as (_, client):
                shop.customer(OWNER.account_id)
                assert (await post(client, shop.callback(shop.events[0]))).status_code == 200
                await shop.asked.wait()

    asyncio.run(scenario())
