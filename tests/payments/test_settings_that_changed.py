"""A page that was begun before the settings changed is closed before another is begun."""

from __future__ import annotations

import asyncio
import dataclasses
from typing import Any

import pytest
from msgspec.structs import replace

from staging_core import OWNER, Staging
from staging_core.errors import AlreadyCreated, AlreadySubscribed, PaymentsUnavailable
from staging_core.testing import FakeProvider
from staging_core.testing.fake_payments import signed

from .conftest import Shop
from .test_what_is_not_wanted_any_more import states, sweep
from .till import open_till

both = pytest.mark.parametrize("database", ["sqlite", "postgresql"], indirect=True)
in_the_process = pytest.mark.parametrize("way", ["in the process"], indirect=True)
ELSEWHERE: dict[str, Any] = {"billing_return_url": "https://elsewhere.example/account"}


async def told(staging: Staging, provider: FakeProvider) -> None:
    """All that the provider has to report is followed."""
    for notice in provider.events:
        await staging.receive_payment(signed(provider, notice))
    await sweep(staging)


@both
@in_the_process
@pytest.mark.parametrize("price_id", ["pro_now", "ten_now"])
@pytest.mark.parametrize("key", [None, "one"])
def test_only_the_page_of_now_can_be_paid(
    shop: Shop, provider: FakeProvider, price_id: str, key: str | None
) -> None:
    """Also for whoever repeats the call under a key of their own."""

    async def scenario() -> None:
        async with shop() as staging:
            old = await staging.acting_as(OWNER).billing.checkout(price_id, idempotency_key=key)
        async with shop(**ELSEWHERE) as staging:
            me = staging.acting_as(OWNER)
            new = await me.billing.checkout(price_id, idempotency_key=key)
            assert list(provider.pages) == [new] != [old]
            assert await me.billing.checkout(price_id, idempotency_key=key) == new
            assert [state for _, _, state in await states(staging)] == ["over", "open"]

    asyncio.run(scenario())


@both
@in_the_process
def test_a_page_that_cannot_be_closed_now_stays_open_and_no_other_is_begun(
    shop: Shop, provider: FakeProvider
) -> None:
    async def scenario() -> None:
        async with shop() as staging:
            old = await staging.acting_as(OWNER).billing.checkout("pro_now")
        async with shop(**ELSEWHERE) as staging:
            me = staging.acting_as(OWNER)
            provider.fail("withdraw", "away")
            with pytest.raises(PaymentsUnavailable):
                await me.billing.checkout("pro_now")
            assert list(provider.pages) == [old]
            assert await states(staging) == [("checkout", "pro", "open")]
            new = await me.billing.checkout("pro_now")
            assert list(provider.pages) == [new]

    asyncio.run(scenario())


@in_the_process
def test_what_was_paid_before_the_settings_changed_is_not_begun_again(
    shop: Shop, provider: FakeProvider
) -> None:
    async def scenario() -> None:
        async with shop() as staging:
            me = staging.acting_as(OWNER)
            provider.pay_page(await me.billing.checkout("pro_now", idempotency_key="plan"))
            pack = await me.billing.checkout("ten_now", idempotency_key="pack")
            provider.pay_page(pack)
            await told(staging, provider)
        async with shop(**ELSEWHERE) as staging:
            me, pages = staging.acting_as(OWNER), len(provider.pages)
            with pytest.raises(AlreadySubscribed):
                await me.billing.checkout("pro_now", idempotency_key="plan")
            with pytest.raises(AlreadyCreated):
                await me.billing.checkout("ten_now", idempotency_key="pack")
            assert len(provider.pages) <= pages

    asyncio.run(scenario())


@both
@in_the_process
def test_a_page_whose_address_was_lost_is_closed_by_a_sweep_of_other_settings(
    shop: Shop, provider: FakeProvider
) -> None:
    async def scenario() -> None:
        async with shop() as staging:
            provider.fail("checkout", "answer lost")
            with pytest.raises(PaymentsUnavailable):
                await staging.acting_as(OWNER).billing.checkout("pro_now")
        async with shop(**ELSEWHERE) as staging:
            await sweep(staging)
            assert provider.pages == {}
            assert await states(staging) == [("checkout", "pro", "over")]

    asyncio.run(scenario())


def test_at_stripe_the_page_of_before_is_expired() -> None:
    async def scenario() -> None:
        async with open_till() as at:
            await at.billing("local").checkout(at.price["pro"])
            settings = replace(at.house.ports.settings, **ELSEWHERE)
            ports = dataclasses.replace(at.house.ports, settings=settings)
            url = await at.billing("local", ports).checkout(at.price["pro"])
            pages = await at.objects("checkout.session")
            assert [one["status"] for one in pages] == ["expired", "open"]
            assert pages[1]["url"] == url

    asyncio.run(scenario())
