"""A process that dies or freezes at any call of an order, a job and a sweep leaves the same end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from tests.engine.crashing import Crash, Cut
from tests.engine.house import House

from staging_core import OWNER
from staging_core.acting import Images
from staging_core.audit import SOUND, Audit, Evidence
from staging_core.database import tables
from staging_core.errors import BillingUnavailable, StagingError
from staging_core.recovery import Recovery

from .conftest import both
from .service import Service, is_settled
from .test_settling import open_at

Case = Callable[[House, Cut, str], Awaitable[None]]


async def an_order(house: House, cut: Cut, key: str) -> None:
    """Of two images, at a service that answers."""
    await house.submit(cut.into(house.ports), variants=2, idempotency_key=key)


async def a_retry(house: House, cut: Cut, key: str) -> None:
    """Of one that was cancelled."""
    image = (await house.submit(idempotency_key=key)).images[0]
    images = Images(cut.into(house.ports), OWNER)
    with suppress(StagingError):  # it was cancelled before the process died
        await images.cancel(image.id)
    with suppress(StagingError):
        await images.retry(image.id)


async def a_settlement(house: House, cut: Cut, key: str) -> None:
    """One job is done, the other cancelled, and the service is told."""
    ports = cut.into(house.ports)
    group = await house.submit(variants=2, idempotency_key=key)
    with suppress(StagingError):
        await Images(ports, OWNER).cancel(group.images[1].id)
    while await house.step(ports):
        pass
    await Recovery(ports).sweep()


async def a_refusal(house: House, cut: Cut, key: str) -> None:
    """There are credits for one of two; then a sweep."""
    ports = cut.into(house.ports)
    with suppress(StagingError):
        await house.submit(ports, variants=2, idempotency_key=key)
    await Recovery(ports).sweep()


CASES: tuple[Case, ...] = (an_order, a_retry, a_settlement, a_refusal)


@asynccontextmanager
async def opened(home: Path, service: Service, database: dict[str, Any]) -> AsyncIterator[House]:
    async with open_at(home, service, backoff_max_s=1, **database) as house:
        yield house


async def recover(house: House, service: Service) -> None:
    """Nothing goes wrong any more: workers and sweeps until there is nothing left to do."""
    for _ in range(12):
        house.clock.ahead += 400
        while await house.step():
            pass
        await Recovery(house.ports).sweep()
        async with house.ports.database.read() as tx:
            open_ones = tables.reservations.c.told_at.is_(None)
            if await tx.row(sa.select(tables.reservations.c.id).where(open_ones)) is None:
                break
    service.land()
    await is_settled(house.ports, service)
    assert await Audit(house.ports).count(Evidence(settled=True)) == SOUND


def with_credits(service: Service, case: Case) -> None:
    """For one image only where the case is about a refusal."""
    wanted = 1 if case is a_refusal else 100
    service.book.give("local", wanted - service.book.left("local"))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
@both
def test_a_process_that_dies_anywhere_leaves_nothing_held_and_nothing_unpaid(
    case: Case, tmp_path: Path, database: dict[str, Any], service: Service
) -> None:
    async def scenario() -> None:
        async with opened(tmp_path, service, database) as house:
            at, whole = 0, False
            while not whole:
                at += 1
                with_credits(service, case)
                try:
                    await case(house, Cut(at), f"k{at}")
                    whole = True
                except Crash:
                    await recover(house, service)
            await recover(house, service)
            assert at > 15

    asyncio.run(scenario())


@both
def test_a_process_that_freezes_while_it_orders_finds_its_reservations_released_and_harms_nothing(
    tmp_path: Path, database: dict[str, Any], service: Service
) -> None:
    async def scenario() -> None:
        async with opened(tmp_path, service, database) as house:

            async def sweep() -> None:
                house.clock.ahead += 400
                await Recovery(house.ports).sweep()

            at, reached = 0, True
            while reached:
                at += 1
                cut = Cut(at, freeze=sweep)
                with suppress(BillingUnavailable):
                    await an_order(house, cut, f"k{at}")
                reached = cut.passed >= at
                service.book.give("local", 2)
                await recover(house, service)
            assert at > 15

    asyncio.run(scenario())
