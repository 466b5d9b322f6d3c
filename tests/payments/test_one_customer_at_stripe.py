"""An account's customer is made once, also by two processes at one moment."""

from __future__ import annotations

import asyncio

from staging_core.payments.customers import customer_of
from staging_core.payments.taking import taking

from .till import open_till


def test_a_process_waits_for_another_that_is_making_the_same_customer() -> None:
    async def scenario() -> None:
        async with open_till() as at:
            takes = taking(at.house.ports)
            at.stripe.then("slow", on="POST /v1/customers")
            made = await asyncio.gather(
                *(customer_of(at.house.ports, takes, "local") for _ in range(3))
            )
            assert set(made) == await at.customers_of("local")
            assert len(set(made)) == 1

    asyncio.run(scenario())
