"""A localstripe of this test's own, and an installation whose accounts pay there."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import stripe as vendor
from tests.engine.house import House, open_house
from tests.payments.counter import Counter
from tests.payments.till import Till, reports_taken

from staging_core.database import tables
from staging_core.imaging.decoder import Decoder
from staging_core.payments.reports import Reports
from staging_core.testing.asgi_server import listening, serving, url_of
from staging_core.testing.fake_stager import FakeStager
from staging_core.testing.servers.databases import migrated_file

from .adapter import Adapter

KEY, SECRET = "sk_test_localstripe", "whsec_localstripe"  # pragma: allowlist secret
PRICES = {"pro": ("plan_pro", 2900), "business": ("plan_business", 9900)}
PLANS: dict[str, Any] = {
    "free": {"images": 2},
    "pro": {"images": 100, "price_cents": 2900, "price_ids": ["plan_pro"]},
    "business": {"images": 500, "price_cents": 9900, "price_ids": ["plan_business"]},
}


class Elsewhere(Counter):
    """An installation that is paid at localstripe. ``v1``: the vendor's client, at the adapter."""

    def __init__(self, house: House, v1: Any, url: str) -> None:
        super().__init__(house, shop=None)  # type: ignore[arg-type]  # localstripe sells here
        self.v1, self._url = v1, url
        self.price = {code: id for code, (id, _) in PRICES.items()}

    async def told(self) -> None:
        """Every event that localstripe has has come, by itself, and was followed."""
        async with httpx.AsyncClient(base_url=self._url, auth=(KEY, "")) as client:
            listed = (await client.get("/v1/events?limit=99")).json()["data"]
        there = {event["id"] for event in listed}
        async with asyncio.timeout(30):
            # localstripe tells nobody when it has sent its events
            while there - await self._kept():  # noqa: ASYNC110
                await asyncio.sleep(0.1)
        await self.follow()

    async def _kept(self) -> set[str]:
        return {row["event_id"] for row in await self.rows(tables.payment_events)}


@contextmanager
def localstripe() -> Iterator[str]:
    """Its address; it ends with the block."""
    with socket.create_server(("127.0.0.1", 0)) as door:
        port = door.getsockname()[1]
    command = [sys.executable, "-m", "localstripe", "--from-scratch", "--port", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    url = f"http://127.0.0.1:{port}"
    try:
        deadline = time.monotonic() + 60
        while True:
            try:
                httpx.get(url)
                break
            except httpx.TransportError:
                assert process.poll() is None, "localstripe has ended"
                assert time.monotonic() < deadline, "localstripe does not listen"
                time.sleep(0.05)
        yield url
    finally:
        process.kill()
        process.wait()


@asynccontextmanager
async def open_elsewhere() -> AsyncIterator[Elsewhere]:
    """A fresh installation, and a fresh localstripe."""
    with ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        url = stack.enter_context(localstripe())
        listener = stack.enter_context(listening(0))
        stack.enter_context(serving(Adapter(url), [listener], "adapter"))
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        patch.setenv("STRIPE_SECRET_KEY", KEY)
        patch.setenv("STRIPE_WEBHOOK_SECRETS", SECRET)
        patch.setenv("STRIPE_BASE_URL", url_of(listener))
        migrated_file(home)
        web = vendor.HTTPXClient(timeout=20)
        client = vendor.StripeClient(KEY, http_client=web, base_addresses={"api": url_of(listener)})
        async with reports_taken() as inbox, httpx.AsyncClient(base_url=url, auth=(KEY, "")) as at:
            hook = {"url": inbox.url, "secret": SECRET}
            assert (await at.post("/_config/webhooks/ours", json=hook)).is_success
            for id, amount in PRICES.values():
                plan = {"id": id, "amount": amount, "currency": "usd", "interval": "month"}
                made = await at.post("/v1/plans", json={**plan, "product": {"name": id}})
                assert made.is_success, made.text
            choices = {"plans": PLANS, "billing": "stripe:", "plugins": ("staging-core",)}
            async with (
                Decoder() as decoder,
                open_house(home, FakeStager(), decoder=decoder, **choices) as house,
            ):
                inbox.reports = Reports(house.ports)
                yield Elsewhere(house, client.v1, url)
        await web.close_async()  # type: ignore[no-untyped-call]


Shop = Till | Elsewhere
