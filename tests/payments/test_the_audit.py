"""``staging doctor --audit`` sees money that is not as it has to be."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import sqlalchemy as sa

from staging_core.audit import Audit
from staging_core.database import ledger, tables
from staging_core.payments.metering import Metering

from .counter import Counter, open_counter

both = pytest.mark.parametrize("database", ["sqlite", "postgresql"], indirect=True)


async def given_to_another(at: Counter) -> str:
    await at.account("other")
    async with at.house.ports.database.write() as tx:
        await ledger.grant(tx, "other", "credits", 10, id="purchase-pi_1")
    return "A purchase's credits were given to two accounts."


async def paid_for_nothing(at: Counter) -> str:
    at.shop.purchase("cus_0", price_id="price_strange")
    await at.deliver(*at.shop.events)
    await at.follow()
    at.house.clock.ahead += 2 * 86_400
    return "A paid purchase's credits were never given."


async def a_strange_plan(at: Counter) -> str:
    at.shop.change("sub_2", price_id="price_strange")
    await at.deliver(*at.shop.events)
    await at.follow()
    return "A subscription is paid and of no plan that is known here."


async def a_second_plan(at: Counter) -> str:
    at.shop.subscription("cus_0", "price_business")
    await at.deliver(*at.shop.events)
    await at.follow()
    return "An account has two subscriptions that are paid."


async def charged_by_nobody(at: Counter) -> str:
    at.shop.change("pi_1", refunded_cents=1000)  # no credits are left to go first
    at.shop.change("sub_2", overage_price_ids=("price_beyond",))
    await at.deliver(*at.shop.events)
    await at.follow()
    await at.house.submit(idempotency_key="beyond")
    while await at.house.step():
        pass
    at.house.clock.ahead += 600
    await Metering(at.house.ports).tell()
    await at.is_sound()
    nothing = {"overage_price_id": None, "metered_at": None}
    async with at.house.ports.database.write() as tx:
        await tx.execute(sa.update(tables.subscriptions).values(**nothing))
    return "Overage was had that nobody is charged for."


async def untold(at: Counter) -> str:
    async with at.house.ports.database.write() as tx:
        row = {"account_id": "local", "minute": 1, "source": "shop", "customer_id": "cus_0"}
        at_first: dict[str, Any] = {"images": 1, "created_at": tx.now - 90_000.0}
        await tx.execute(sa.insert(tables.metering).values(**row, **at_first))
    return "Overage was not told to the payment provider."


CASES: list[Callable[[Counter], Awaitable[str]]] = [
    given_to_another,
    paid_for_nothing,
    a_strange_plan,
    a_second_plan,
    charged_by_nobody,
    untold,
]

BEYOND = {"overage_images": 10, "overage_cents": 50, "overage_price_id": "price_beyond"}
PLANS: dict[Any, dict[str, Any]] = {
    charged_by_nobody: {
        "plans": {
            "free": {"images": 2},
            "pro": {"images": 0, "price_ids": ["price_pro"], **BEYOND},
        },
    }
}
"""What is sold where it is not as usual."""


@both
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
def test_the_audit_names_it(
    database: dict[str, Any], case: Callable[[Counter], Awaitable[str]]
) -> None:
    async def scenario() -> None:
        async with open_counter(**PLANS.get(case, {}), **database) as at:
            at.shop.purchase(at.shop.customer("local"))
            at.shop.subscription("cus_0")
            await at.deliver(*at.shop.events)
            await at.follow()
            await at.is_sound()
            sentence = await case(at)
            found = {each.what for each in await Audit(at.house.ports).violations()}
            assert found == {sentence}

    asyncio.run(scenario())
