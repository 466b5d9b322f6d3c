"""An installation whose accounts pay at a double of Stripe: our backend, over real HTTP.

Both have a clock that is moved by hand, and is moved together. Events go from the double to a port
of this process, one by one, as often and in whatever order a test says.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import AsyncIterator, MutableMapping
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import stripe as vendor
import uvicorn
from tests.engine.house import House, open_house

from staging_core.acting.billing import Billing
from staging_core.audit import Audit
from staging_core.backends.stripe_billing import line
from staging_core.imaging.decoder import Decoder
from staging_core.models import Actor, Callback, Principal
from staging_core.payments.comparison import Comparison
from staging_core.payments.metering import Metering
from staging_core.payments.publishing import publish
from staging_core.payments.reports import Reports
from staging_core.payments.unfinished import Unfinished
from staging_core.ports import Ports
from staging_core.testing.asgi_server import listening, server_config, url_of
from staging_core.testing.fake_stager import FakeStager
from staging_core.testing.servers.databases import migrated_file
from staging_core.testing.stripe import RunningStripe, running_stripe

from .counter import Counter

PLANS: dict[str, Any] = {
    "free": {"images": 2},
    "pro": {"images": 100, "price_cents": 2900},
    "business": {"images": 500, "price_cents": 9900},
}
PACKS: dict[str, Any] = {"ten": {"credits": 10, "price_cents": 1000}}
DAY_S = 86_400.0


class Till(Counter):
    """``stripe``: the double. ``v1``: the vendor's client, as somebody in the dashboard."""

    def __init__(self, house: House, stripe: RunningStripe, v1: Any) -> None:
        super().__init__(house, shop=None)  # type: ignore[arg-type]  # the double sells here
        self.stripe, self.v1 = stripe, v1
        self.price: dict[str, str] = {}
        self._sent = 0

    async def open_shop(self) -> None:
        """Publish what the settings sell; ``price``: by code."""
        sold = await publish(self.house.ports, Actor(user_id="tests"))
        self.price = {each.listing.code: each.price_id for each in sold if not each.listing.overage}

    def billing(self, account_id: str, ports: Ports | None = None) -> Billing:
        """What an account does."""
        return Billing(ports or self.house.ports, Principal(account_id=account_id))

    async def pass_time(self, seconds: float) -> None:
        """Here and at Stripe."""
        self.house.clock.ahead += seconds
        await asyncio.to_thread(self.stripe.advance, seconds)

    async def pass_period(self, and_s: float = 0.0) -> None:
        """To the end of the newest subscription's period, however long its month is, and beyond."""
        [*_, one] = await self.objects("subscription")
        end = one["items"]["data"][0]["current_period_end"]
        await self.pass_time(end - self.house.clock() + and_s)

    async def objects(self, kind: str) -> list[dict[str, Any]]:
        """Every object of a kind that Stripe has, the oldest first."""
        return await asyncio.to_thread(self.stripe.objects, kind)

    async def send(self, *events: str) -> None:
        """Have Stripe send these events, one after the other."""
        for event in events:
            answers = await asyncio.to_thread(self.stripe.deliver, event)
            assert answers == [200], (event, answers)

    async def send_new(self) -> None:
        """Every event that was not sent yet, in the order in which they happened."""
        events = [event["id"] for event in await self.objects("event")]
        await self.send(*events[self._sent :])
        self._sent = len(events)

    async def settle(self) -> None:
        """What sweeps do in two days, without a single event."""
        for _ in range(2):
            await self.pass_time(DAY_S)
            await self.sweep()

    async def settle_shortly(self) -> None:
        """What sweeps do in an hour, and a look at everything that anybody told of."""
        await self.send_new()
        for _ in range(3):
            await self.pass_time(1200)
            await self.sweep()

    async def sweep(self, ports: Ports | None = None) -> None:
        """What one sweep does about payments, whatever it had to wait for."""
        ports = ports or self.house.ports
        await Comparison(ports).when_due()
        await Unfinished(ports, grace_s=0.0).settle()
        await self.follow(ports)
        await Metering(ports).tell()

    async def problems(self) -> set[str]:
        """What the audit says that must not be."""
        return {each.what for each in await Audit(self.house.ports).violations()}

    async def customers_of(self, account_id: str) -> set[str]:
        """All that ever said that they are the account's."""
        made = [event["data"]["object"] for event in await self.objects("event")]
        return {
            each["id"]
            for each in made
            if each["object"] == "customer"
            and (each.get("metadata") or {}).get("staging_account") == account_id
        }


@asynccontextmanager
async def open_till(**choices: Any) -> AsyncIterator[Till]:
    """A fresh installation with the account ``local``, on SQLite unless a database is named.

    ``stripe``: how the double is set up.
    """
    with ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        stripe = stack.enter_context(running_stripe(choices.pop("stripe", None)))
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        patch.setattr(line, "RETRIES", 0)  # a call that fails is not what is waited for here
        migrated_file(home)
        async with _vendor(stripe) as v1, reports_taken() as inbox:
            made = {"url": inbox.url, "enabled_events": ["*"]}
            endpoint = await v1.webhook_endpoints.create_async(made)
            stripe.hold_events()
            patch.setenv("STRIPE_SECRET_KEY", stripe.key)
            patch.setenv("STRIPE_WEBHOOK_SECRETS", endpoint.secret)
            patch.setenv("STRIPE_BASE_URL", stripe.url)
            choices = {"plans": PLANS, "packs": PACKS, "billing": "stripe:", **choices}
            choices |= {"public_url": "https://staging.example", "plugins": ("staging-core",)}
            async with (
                Decoder() as decoder,
                open_house(home, FakeStager(), decoder=decoder, **choices) as house,
            ):
                inbox.reports = Reports(house.ports)
                till = Till(house, stripe, v1)
                await till.account("local")
                await till.open_shop()
                yield till


@asynccontextmanager
async def _vendor(stripe: RunningStripe) -> AsyncIterator[Any]:
    web = vendor.HTTPXClient(timeout=20)
    try:
        client = vendor.StripeClient(
            stripe.key,
            http_client=web,
            base_addresses={"api": stripe.url},
            max_network_retries=0,
        )
        yield client.v1
    finally:
        await web.close_async()  # type: ignore[no-untyped-call]


class _Inbox:
    """Where events come in over HTTP."""

    reports: Reports

    def __init__(self, url: str) -> None:
        self.url = url

    async def __call__(self, scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            while (message := await receive())["type"] != "lifespan.shutdown":
                await send({"type": f"{message['type']}.complete"})
            await send({"type": "lifespan.shutdown.complete"})
            return
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message.get("body", b""), message.get("more_body", False)
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        callback = Callback(body=body, headers=headers, received_at=time.time())
        await self.reports.receive(callback)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})


@asynccontextmanager
async def reports_taken() -> AsyncIterator[_Inbox]:
    """A port of this process to which a provider reports."""
    with listening(0) as listener:
        inbox = _Inbox(url_of(listener))
        server = uvicorn.Server(server_config(inbox))
        task = asyncio.create_task(server.serve([listener]))
        try:
            yield inbox
        finally:
            server.should_exit = True
            await task
