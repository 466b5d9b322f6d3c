"""What was refused is not done later, unless somebody asks for it once more."""

from __future__ import annotations

import asyncio

import pytest

from staging_core import OWNER
from staging_core.errors import AlreadySubscribed, PaymentRefused
from staging_core.payments.following import Following
from staging_core.testing import FakeProvider

from .conftest import Shop
from .test_what_is_not_wanted_any_more import PRICES, SOLD, both, states, sweep

pytestmark = pytest.mark.parametrize("way", ["in the process"], indirect=True)


@pytest.fixture
def provider() -> FakeProvider:
    return FakeProvider(PRICES)


@both
def test_an_upgrade_that_was_answered_with_a_refusal_is_not_made_later(
    shop: Shop, provider: FakeProvider
) -> None:
    """What was begun before could not be taken back: nothing else was asked for."""

    async def scenario() -> None:
        async with shop(plans=SOLD) as staging:
            me = staging.acting_as(OWNER)
            await me.billing.checkout("pro_now")
            provider.pay_page(await me.billing.checkout("small_now"))
            await Following(staging.ports).follow()
            provider.calls.clear()
            provider.fail("withdraw", "refused")
            with pytest.raises(PaymentRefused):
                await me.billing.switch("business_now")
            await sweep(staging)
            assert provider.calls.count("switch") == 0
            assert ("switch", "business", "refused") in await states(staging)
            [one] = provider.subscriptions.values()
            assert one.price_id == "small_now"

    asyncio.run(scenario())


@both
def test_what_was_refused_is_not_begun_by_a_repeat_beside_another_plan(
    shop: Shop, provider: FakeProvider
) -> None:
    async def scenario() -> None:
        async with shop(plans=SOLD) as staging:
            me = staging.acting_as(OWNER)
            for key in ("first", "second"):
                provider.fail("subscribe", "refused")
                with pytest.raises(PaymentRefused):
                    await me.billing.subscribe("pro_now", idempotency_key=key)
            again = await me.billing.subscribe("pro_now", idempotency_key="first")
            assert ("subscribe", "pro", "done") in await states(staging)  # its free days began
            provider.end(again.subscription_id)
            await sweep(staging)
            provider.pay_page(await me.billing.checkout("small_now"))
            with pytest.raises(AlreadySubscribed):
                await me.billing.subscribe("pro_now", idempotency_key="second")
            assert len(provider.subscriptions) == 2

    asyncio.run(scenario())


@both
def test_two_repeats_at_one_moment_are_one(shop: Shop, provider: FakeProvider) -> None:
    async def scenario() -> None:
        async with shop(plans=SOLD) as staging:
            me = staging.acting_as(OWNER)
            provider.fail("subscribe", "refused")
            with pytest.raises(PaymentRefused):
                await me.billing.subscribe("business_now", idempotency_key="it")
            told = await asyncio.gather(
                *(me.billing.subscribe("business_now", idempotency_key="it") for _ in range(8))
            )
            assert len(set(told)) == len(provider.subscriptions) == 1

    asyncio.run(scenario())
