"""A process that dies at any call while it follows payments leaves the same end."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable

import pytest
from tests.engine.crashing import Crash, Cut

from staging_core.payments.comparison import Comparison
from staging_core.payments.following import Following

from .counter import Counter, open_counter

Case = Callable[[Counter], None]


def a_pack(at: Counter) -> None:
    at.shop.purchase(at.shop.customer("local"))


def an_upgrade(at: Counter) -> None:
    sub = at.shop.subscription(at.shop.customer("local"))
    at.shop.change(sub, price_id="price_business")


def a_refund(at: Counter) -> None:
    pack = at.shop.purchase(at.shop.customer("local"))
    at.shop.change(pack, refunded_cents=500)


ENDS: dict[Case, tuple[int, int]] = {a_pack: (10, 2), an_upgrade: (0, 500), a_refund: (5, 2)}
"""Credits and allowance in the end."""


async def _carried(at: Counter, cut: Cut) -> None:
    """What a process does from the report to the comparison."""
    ports = cut.into(at.house.ports)
    await at.deliver(*at.shop.events, ports=ports)
    await Following(ports).renewed()
    await Following(ports).follow()
    await Comparison(ports).when_due()


async def _crashed(case: Case, at_point: int) -> bool:
    """Whether there is such a point."""
    async with open_counter() as at:
        case(at)
        cut = Cut(at_point)
        with contextlib.suppress(Crash):
            await _carried(at, cut)
        died = cut.dead
        await asyncio.sleep(0)
        await at.deliver(*at.shop.events)  # the provider sends again what was not answered
        at.house.clock.ahead += 1000  # leases run out
        await at.follow()
        await at.settle()
        credits, allowance = ENDS[case]
        standing = await at.shop.standing("local")
        assert (standing.credits, standing.allowance) == (credits, allowance)
        await at.is_as_at_the_shop()
        return died


@pytest.mark.parametrize("case", ENDS, ids=lambda case: case.__name__)
def test_a_crash_anywhere_leaves_the_same_end(case: Case) -> None:
    async def scenario() -> None:
        point = 1
        while await _crashed(case, point):
            point += 1
        assert point > 15

    asyncio.run(scenario())
