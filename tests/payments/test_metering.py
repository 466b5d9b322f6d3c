"""Images beyond a plan are told to the provider once, whatever becomes of the calls."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.engine.crashing import Crash, Cut

from staging_core.audit import SOUND, Audit
from staging_core.database import tables
from staging_core.payments.metering import Metering, key_of

from .counter import Counter, open_counter

BEYOND = {"overage_images": 10, "overage_cents": 50, "overage_price_id": "price_beyond"}
PLANS = {"free": {"images": 0}, "pro": {"images": 1, "price_ids": ["price_pro"], **BEYOND}}
both = pytest.mark.parametrize("database", ["sqlite", "postgresql"], indirect=True)


async def beyond(at: Counter, images: int) -> None:
    """So many images are ready that the plan did not have; one more was in it."""
    paid = at.shop.subscription(at.shop.customer("local"))
    at.shop.change(paid, overage_price_ids=("price_beyond",))
    await at.deliver(*at.shop.events)
    await at.follow()
    for number in range(images + 1):
        await at.house.submit(number=number, idempotency_key=f"k{number}")
    while await at.house.step():
        pass


async def tell(at: Counter) -> int:
    return await Metering(at.house.ports).tell()


def told(at: Counter) -> int:
    assert all(customer == "cus_0" for customer, _, _ in at.shop.meter_log)
    return sum(images for _, images, _ in at.shop.meter_log)


@both
def test_overage_is_told_once_when_its_minute_is_over(database: dict[str, Any]) -> None:
    async def scenario() -> None:
        async with open_counter(plans=PLANS, **database) as at:
            await beyond(at, 3)
            assert await tell(at) == 0
            at.house.clock.ahead += 600
            await tell(at)
            await tell(at)
            assert told(at) == 3
            rows = await at.rows(tables.metering)
            assert sum(row["images"] for row in rows) == 3
            assert {row["had_at"] for row in rows} == {at for _, _, at in at.shop.meter_log}
            assert all(row["had_at"] // 60 == row["minute"] for row in rows)
            at.house.clock.ahead += 2 * 86_400
            await at.is_sound()

    asyncio.run(scenario())


@pytest.mark.parametrize("later_s", [60.0, 3600.0, 23 * 3600.0, 25 * 3600.0, 9 * 86_400.0])
def test_a_call_whose_outcome_is_unknown_is_one_event_however_late_it_is_known(
    later_s: float,
) -> None:
    async def scenario() -> None:
        async with open_counter(plans=PLANS) as at:
            await beyond(at, 2)
            at.house.clock.ahead += 600
            at.shop.mute = 2  # whatever minutes they were in
            assert await tell(at) == 0
            at.shop.mute = 1
            at.house.clock.ahead += later_s
            for _ in range(4):
                await tell(at)
                at.house.clock.ahead += 7200
            assert told(at) == 2
            assert all(row["told_at"] for row in await at.rows(tables.metering))

    asyncio.run(scenario())


@pytest.mark.parametrize("later_s", [600.0, 30 * 3600.0])
def test_a_crash_at_any_call_leaves_one_event(later_s: float) -> None:
    async def crashed(point: int) -> bool:
        async with open_counter(plans=PLANS) as at:
            await beyond(at, 1)
            at.house.clock.ahead += 600
            cut = Cut(point)
            with suppress(Crash):
                await Metering(cut.into(at.house.ports)).tell()
            at.house.clock.ahead += later_s
            await tell(at)
            assert told(at) == 1
            return cut.dead

    async def scenario() -> None:
        point = 1
        while await crashed(point):
            point += 1
        assert point > 10

    asyncio.run(scenario())


def test_what_nobody_could_be_told_for_a_day_is_seen_by_the_audit() -> None:
    async def scenario() -> None:
        async with open_counter(plans=PLANS) as at:
            await beyond(at, 1)
            at.shop.away = 1000
            at.house.clock.ahead += 2 * 86_400
            await tell(at)
            assert await Audit(at.house.ports).count() != SOUND
            at.shop.away = 0
            at.house.clock.ahead += 7200
            await tell(at)
            await at.is_sound()

    asyncio.run(scenario())


@given(st.text(max_size=255), st.text(max_size=255), st.integers(0, 10**9), st.integers(0, 10**9))
def test_a_key_is_short_and_plain_whoever_it_is_of(
    account_id: str, customer_id: str, minute: int, part: int
) -> None:
    row = {"account_id": account_id, "customer_id": customer_id, "minute": minute, "part": part}
    key = key_of(row)
    assert len(key) <= 100
    assert key.isascii()
    assert key.isprintable()
    assert key == key_of(dict(row))
    for name, other in (("account_id", "x"), ("customer_id", "x"), ("minute", -1), ("part", -1)):
        if row[name] != other:
            assert key != key_of(row | {name: other})
