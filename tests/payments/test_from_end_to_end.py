"""An account buys, uses, changes and ends its plan over HTTP, where the provider reports too."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from io import BytesIO
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image
from tests.served import principal_in, serving, token_of

from staging_core import OWNER, Staging
from staging_core.errors import AlreadySubscribed, NoActiveSubscription, UsageLimitExceeded
from staging_core.models import PaidPurchase, PaidSubscription
from staging_core.testing import FakeProvider, paying, signed
from staging_embed import staging_app
from staging_embed.routes import GROUPS

both = pytest.mark.parametrize("database", ["sqlite", "postgresql"], indirect=True)
PLANS: dict[str, Any] = {
    "free": {"images": 1},
    "pro": {"images": 2, "price_cents": 2900, "price_ids": ["pro"]},
    "business": {"images": 4, "price_cents": 9900, "price_ids": ["business"]},
}
PACKS: dict[str, Any] = {"one": {"credits": 1, "price_cents": 90, "price_ids": ["one"]}}
AMOUNTS = {"pro": 2900, "business": 9900, "one": 90}


def photo(number: int) -> bytes:
    """A small picture; each number another one."""
    buffer = BytesIO()
    Image.new("RGB", (96, 64), (number, 90, 90)).save(buffer, "PNG")
    return buffer.getvalue()


class Customer:
    """``me``: what the account does over HTTP; ``provider``: where it pays."""

    def __init__(self, staging: Staging, remote: Any, web: httpx.AsyncClient) -> None:
        self.staging, self.me, self.web = staging, remote, web
        self.provider = FakeProvider(AMOUNTS)
        self.told = self.ordered = 0

    async def is_told(self) -> None:
        """All that the provider has to say arrives, and is followed."""
        for notice in self.provider.events[self.told :]:
            report = signed(self.provider, notice)
            headers = {"content-type": "application/json", **report.headers}
            answer = await self.web.post(
                "/api/v1/stripe/webhook", content=report.body, headers=headers
            )
            assert answer.status_code == 200, answer.text
        self.told = len(self.provider.events)
        await self.staging.sweep()

    async def pays(self, url: str) -> PaidSubscription | PaidPurchase:
        """On the provider's page; the report arrives."""
        bought = self.provider.pay_page(url)
        await self.is_told()
        return bought

    async def stages(self, images: int) -> None:
        """So many images become ready."""
        for _ in range(images):
            self.ordered += 1
            await self.me.images.submit(photo(self.ordered), room="bedroom", style="modern")
        await self.staging.run_worker(until_idle=True)

    async def may_have(self, plan: str, *, used: int, left: int) -> None:
        """What the account is told that it has; not one more image is taken."""
        told = await self.me.billing.usage()
        assert (told.plan_code, told.used, told.remaining) == (plan, used, left)
        if not left:
            with pytest.raises(UsageLimitExceeded):
                await self.stages(1)


@asynccontextmanager
async def customer(home: Path, **database: Any) -> AsyncIterator[Customer]:
    provider = FakeProvider(AMOUNTS)
    staging = Staging(
        home=home,
        stager="fake:",
        billing=paying(provider),
        plans=PLANS,
        packs=PACKS,
        public_url="https://staging.example",
        plugins=(),
        worker=False,
        **database,
    )
    async with staging:
        app = staging_app(staging, principal=principal_in, include=GROUPS.keys())
        async with (
            serving(app) as url,
            Staging.connect(url, token=token_of(OWNER)) as remote,
            httpx.AsyncClient(base_url=url) as web,
        ):
            one = Customer(staging, remote, web)
            one.provider = provider
            yield one


@both
def test_a_plan_is_had_when_it_is_paid_used_changed_ended_and_taken_up_again(
    tmp_path: Path, database: dict[str, Any]
) -> None:
    async def scenario() -> None:
        async with customer(tmp_path, **database) as ada:
            billing, provider = ada.me.billing, ada.provider
            await ada.stages(1)
            await ada.may_have("free", used=1, left=0)

            page = await billing.checkout("pro")
            await ada.is_told()
            await ada.may_have("free", used=1, left=0)  # nobody has paid
            bought = await ada.pays(page)
            await ada.may_have("pro", used=0, left=2)  # of a period of its own
            with pytest.raises(AlreadySubscribed):
                await billing.checkout("business")
            await ada.stages(2)
            await ada.may_have("pro", used=2, left=0)

            provider.new_card(bought.customer_id, pays=False)
            dearer = await billing.switch("business")
            assert dearer.client_secret
            await ada.is_told()
            await ada.may_have("pro", used=2, left=0)  # its bill is not paid
            provider.pay(dearer.subscription_id)
            await ada.is_told()
            await ada.may_have("business", used=2, left=2)
            await ada.stages(2)
            await ada.may_have("business", used=4, left=0)

            await ada.pays(await billing.checkout("one"))
            await ada.may_have("business", used=4, left=1)
            await ada.stages(1)
            await ada.may_have("business", used=5, left=0)

            await billing.cancel()
            await ada.is_told()
            [plan] = await billing.subscriptions()
            assert plan.cancel_at == plan.period_end
            await ada.may_have("business", used=5, left=0)  # until its period is over
            await billing.resume()
            await ada.is_told()
            [plan] = await billing.subscriptions()
            assert (plan.status, plan.cancel_at) == ("active", None)

            bills = [(bill.status, bill.amount_paid) for bill in await billing.invoices()]
            assert bills == [("paid", 90), ("paid", 7000), ("paid", 2900)]
            provider.end(dearer.subscription_id)
            await ada.is_told()
            await ada.may_have("free", used=1, left=0)  # the month's, as before
            with pytest.raises(NoActiveSubscription):
                await billing.resume()

    asyncio.run(scenario())


def test_what_is_paid_while_no_report_arrives_is_had_all_the_same(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with customer(tmp_path) as ada:
            await ada.staging.sweep()  # the first comparison was before anything was bought
            ada.provider.delivers = False
            ada.provider.pay_page(await ada.me.billing.checkout("pro"))
            await ada.staging.sweep()
            await ada.may_have("free", used=0, left=1)
            await ada.staging.operating("ada").billing.sync()
            await ada.may_have("pro", used=0, left=2)
            await ada.is_told()  # late
            await ada.may_have("pro", used=0, left=2)

    asyncio.run(scenario())
