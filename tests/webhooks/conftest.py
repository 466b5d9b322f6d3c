"""An installation whose webhooks go to a receiver of the test's, on either database."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from staging_core import OWNER, Acting, Principal, Staging
from staging_core.acting import Images, Webhooks
from staging_core.database import deliveries
from staging_core.database.engine import open_database
from staging_core.download import Posts
from staging_core.ports import Ports
from staging_core.testing.webhooks import WebhookReceiver, receiving
from staging_core.webhooks import Sender

House = Callable[..., AbstractAsyncContextManager[Staging]]

both = pytest.mark.parametrize("database", ["sqlite", "postgresql"], indirect=True)

OTHERS = Principal(account_id="others", user_id="them", role="admin")


def photo(number: int = 0) -> bytes:
    """A small picture; each number another one."""
    buffer = BytesIO()
    picture = Image.linear_gradient("L").resize((320, 240)).convert("RGB")
    picture.putpixel((number % 320, 0), (255, 0, 0))
    picture.save(buffer, "PNG")
    return buffer.getvalue()


@pytest.fixture
def receiver() -> Iterator[WebhookReceiver]:
    with receiving() as found:
        yield found


@pytest.fixture
def house(tmp_path: Path, database: dict[str, Any], receiver: WebhookReceiver) -> House:
    """Opens the test's installation, which may send to its receiver; no worker unless asked for."""

    @asynccontextmanager
    async def opened(**settings: Any) -> AsyncIterator[Staging]:
        settings = {"webhook_hosts": (receiver.host,), "sweep_s": 0.1, **settings}
        settings = {"plugins": (), "stager": "fake:", "worker": False, **database, **settings}
        async with Staging(home=tmp_path / "home", **settings) as staging:
            yield staging

    return opened


async def listening(me: Acting, receiver: WebhookReceiver, **wish: Any) -> str:
    """Make an endpoint whose messages the receiver verifies; its id."""
    made = await me.webhooks.create(receiver.url, **wish)
    receiver.secrets.append(made.secret)
    return made.endpoint.id


async def stage_one(staging: Staging, who: Principal = OWNER, number: int = 0) -> str:
    """A photo staged to its end; the image's id."""
    me = staging.acting_as(who)
    group = await me.images.submit(photo(number), room="bedroom", style="modern")
    await staging.run_worker(until_idle=True)
    return group.images[0].id


async def came(receiver: WebhookReceiver, number: int) -> list[Any]:
    """What the receiver has, as soon as that is so many; others go on meanwhile."""
    return await asyncio.to_thread(receiver.wait_for, number)


async def end_one(me: Acting, number: int = 0) -> str:
    """An image whose job ends without a worker: cancelled; its id."""
    group = await me.images.submit(photo(number), room="bedroom", style="modern")
    await me.images.cancel(group.images[0].id)
    return group.images[0].id


class HandClock:
    """The database's time, which goes on when told to."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def __call__(self) -> float:
        return time.time() + self.ahead


@dataclass
class Timed:
    """An account and a sender in an installation whose time is moved by hand."""

    ports: Ports
    clock: HandClock

    @property
    def me(self) -> Webhooks:
        return Webhooks(self.ports, OWNER)

    @property
    def sender(self) -> Sender:
        return Sender(self.ports)

    async def end_one(self, number: int = 0) -> None:
        """An image's job ends."""
        images = Images(self.ports, OWNER)
        group = await images.submit(photo(number), room="bedroom", style="modern")
        await images.cancel(group.images[0].id)

    async def until_due(self) -> float:
        """Let the time pass until the next delivery is due; how long that was."""
        async with self.ports.database.read() as tx:
            due_at = await deliveries.next_due(tx)
            assert due_at is not None, "nothing waits to be delivered"
            pause_s = max(0.0, due_at - tx.now)
        self.clock.ahead += pause_s + 0.001
        return pause_s


@asynccontextmanager
async def timed(staging: Staging, **posts: Any) -> AsyncIterator[Timed]:
    """The same installation by another clock. ``posts``: how it POSTs."""
    clock, settings = HandClock(), staging.settings
    hosts = {"hosts": settings.webhook_hosts}
    async with (
        open_database(settings, clock=clock) as database,
        Posts(**{**hosts, **posts}) as sending,
    ):
        yield Timed(replace(staging.ports, database=database, posts=sending), clock)


@asynccontextmanager
async def told_by_hand(
    house: House, receiver: WebhookReceiver, **posts: Any
) -> AsyncIterator[tuple[Timed, str]]:
    """An endpoint in an installation whose time is moved by hand."""
    async with house() as staging, timed(staging, **posts) as found:
        yield found, await listening(staging.acting_as(OWNER), receiver)
