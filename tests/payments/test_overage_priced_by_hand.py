"""The settings may name another price of what is beyond a plan: who pays the plan follows."""

from __future__ import annotations

import asyncio
import dataclasses
from typing import Any

import pytest
import sqlalchemy as sa
from msgspec.structs import replace

from staging_core.database import standing, tables
from staging_core.ports import Ports

from .test_overage_at_stripe import LOCAL, PLANS, have, metered
from .till import Till, open_till


def naming(at: Till, price_id: str, cents: int) -> Ports:
    """The installation as it is when its settings name that price for what is beyond Pro."""
    settings = at.house.ports.settings
    pro = replace(settings.plans["pro"], overage_price_id=price_id, overage_cents=cents)
    plans = {**settings.plans, "pro": pro}
    return dataclasses.replace(at.house.ports, settings=replace(settings, plans=plans))


async def beyond(at: Till, ports: Ports) -> int:
    """How many images the account may have beyond its plan."""
    plans, usual = ports.settings.plans, ports.settings.default_plan
    async with ports.database.read(LOCAL) as tx:
        return (await standing.read(tx, LOCAL, plans, usual, charged_by="stripe")).overage


async def by_hand(at: Till, cents: int) -> str:
    """Another price of the same meter, made in the dashboard."""
    first = next(one for one in await at.objects("price") if (one["recurring"] or {}).get("meter"))
    recurring = {"interval": "month", "usage_type": "metered", "meter": first["recurring"]["meter"]}
    told = {"product": first["product"], "currency": "usd", "unit_amount": cents}
    return str((await at.v1.prices.create_async({**told, "recurring": recurring})).id)


@pytest.mark.parametrize("database", ["sqlite", "postgresql"], indirect=True)
def test_who_pays_the_plan_goes_over_to_its_new_price(database: dict[str, Any]) -> None:
    async def scenario() -> None:
        async with open_till(plans=PLANS, **database) as at:
            now = naming(at, await by_hand(at, 50), 50)
            async with at.house.ports.database.write() as tx:  # nothing was published
                await tx.execute(sa.delete(tables.prices).where(tables.prices.c.overage))
            begun = await at.billing(LOCAL, now).subscribe(at.price["pro"])
            assert begun.client_secret
            intent = begun.client_secret.partition("_secret_")[0]
            card = {"payment_method": "pm_card_visa"}
            await at.v1.payment_intents.confirm_async(intent, card)
            await at.follow(now)
            assert (await metered(at), await beyond(at, now)) == ([50], 10)
            await have(at, 2)
            later = naming(at, await by_hand(at, 60), 60)
            await at.pass_time(60)
            await at.sweep(later)  # what was had is not told yet
            assert (await metered(at), await beyond(at, later)) == ([50], 0)
            for _ in range(4):
                await at.pass_time(1200)
                await at.sweep(later)
            assert (await metered(at), await beyond(at, later)) == ([60], 9)

    asyncio.run(scenario())
