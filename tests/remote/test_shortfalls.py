"""What a plan has not enough for is told over HTTP as it is in the process."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from staging_core import Staging
from staging_core.errors import Shortfall, UsageLimitExceeded

from .conftest import Open
from .listening import photo

PLANS = {"free": {"images": 1}, "pro": {"images": 100}}


def test_what_an_order_lacks_is_the_same_on_both_sides(house: Open) -> None:
    async def scenario() -> None:
        wish: dict[str, Any] = {"room": "bedroom", "style": "modern"}
        async with (
            house(billing="plans:", plans=PLANS, worker=False) as at,
            Staging.connect(at.url, token=at.token) as me,
        ):
            with pytest.raises(UsageLimitExceeded) as here:
                await at.me.images.submit(photo(), variants=3, **wish)
            with pytest.raises(UsageLimitExceeded) as there:
                await me.images.submit(photo(), variants=3, **wish)
            assert isinstance(here.value.shortfall, Shortfall)
            assert here.value.shortfall.missing_credits == 2
            assert there.value.shortfall == here.value.shortfall
            assert there.value.remedy == here.value.remedy
            good, refused = await me.images.submit_many([{"photo": photo(), **wish}] * 2)
            assert not isinstance(good, Exception)
            assert isinstance(refused, UsageLimitExceeded)
            assert refused.shortfall is not None
            assert (refused.shortfall.asked, refused.shortfall.left) == (1, 0)

    asyncio.run(scenario())
