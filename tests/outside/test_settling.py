"""The service is told what became of what it holds: after the commit, again and again, once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from tests.engine.house import House, open_house

from staging_core import OWNER
from staging_core.account_closing import close_account
from staging_core.acting import Images
from staging_core.audit import SOUND, Audit
from staging_core.database import tables
from staging_core.imaging.decoder import Decoder
from staging_core.models import Actor
from staging_core.recovery import Recovery
from staging_core.settled_elsewhere import tell_settled
from staging_core.testing import FakeStager

from .conftest import both
from .service import Service, is_settled

DAY_S = 86_400.0


@asynccontextmanager
async def open_at(home: Path, service: object, **choices: Any) -> AsyncIterator[House]:
    """An installation with credits elsewhere, by a clock that is moved by hand."""
    choices = {"billing": service, **choices}
    async with (
        Decoder() as decoder,
        open_house(home, FakeStager(), decoder=decoder, **choices) as house,
    ):
        yield house


async def violated(house: House) -> list[str]:
    return [each.what for each in await Audit(house.ports).violations()]


@pytest.mark.parametrize("fault", ["away", "answer lost"])
@both
def test_a_service_that_is_away_is_told_later_with_growing_pauses(
    tmp_path: Path, database: dict[str, Any], service: Service, fault: Any
) -> None:
    async def scenario() -> None:
        async with open_at(tmp_path, service, **database) as house:
            await house.submit()
            while await house.step():
                pass
            service.then(("settle", fault), ("settle", fault), ("settle", fault))
            told = []
            for seconds in (0, 1, 2, 3, 2, 7, 2):
                house.clock.ahead += seconds
                told.append(await tell_settled(house.ports))
            assert told == [0, 0, 0, 0, 0, 0, 1]
            await is_settled(house.ports, service)
            assert service.ends() == [(1, 0)]

    asyncio.run(scenario())


@both
def test_a_service_that_is_away_is_asked_of_some_and_then_left_alone(
    tmp_path: Path, database: dict[str, Any], service: Service
) -> None:
    async def scenario() -> None:
        async with open_at(tmp_path, service, **database) as house:
            service.book.give("local", 20)
            await house.submit(variants=20)
            image = (await Images(house.ports, OWNER).page())[0]
            for each in (await Images(house.ports, OWNER).group(image.group_id)).images:
                await Images(house.ports, OWNER).cancel(each.id)
            for _ in range(16):
                service.then(("settle", "away"))
            assert await tell_settled(house.ports) == 0
            assert await tell_settled(house.ports) == 4
            house.clock.ahead += 3
            assert await tell_settled(house.ports) == 16
            await is_settled(house.ports, service)

    asyncio.run(scenario())


@both
def test_what_a_worker_of_an_earlier_version_has_ended_is_settled_by_a_sweep(
    tmp_path: Path, database: dict[str, Any], service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario() -> None:
        async with open_at(tmp_path, service, **database) as house:
            await house.submit()
            with monkeypatch.context() as earlier:
                earlier.setattr("staging_core.database.reservations.settle", lambda *_, **__: None)
                while await house.step():
                    pass
            async with house.ports.database.write() as tx:
                await tx.execute(sa.update(tables.jobs).values(settled_at=None))
            assert "A reservation is not settled as its job ended." in await violated(house)
            await Recovery(house.ports).sweep()
            await is_settled(house.ports, service)
            assert service.ends() == [(1, 0)]
            assert await violated(house) == []

    asyncio.run(scenario())


@both
def test_the_audit_tells_what_the_service_was_not_told_for_a_day(
    tmp_path: Path, database: dict[str, Any], service: Service
) -> None:
    async def scenario() -> None:
        async with open_at(tmp_path, service, **database) as house:
            service.then(("reserve", "answer lost"))
            with pytest.raises(Exception, match="did not answer"):
                await house.submit(idempotency_key="lost")
            await house.submit()
            while await house.step():
                pass
            assert await Audit(house.ports).count() == SOUND
            house.clock.ahead += DAY_S + 1
            found = [each for each in await violated(house) if "service" in each]
            assert (
                found
                == ["A credit service was not told for a day what became of a reservation."] * 2
            )
            await Recovery(house.ports).sweep()
            await is_settled(house.ports, service)

    asyncio.run(scenario())


@both
def test_a_service_that_is_not_the_installations_any_more_is_waited_for(
    tmp_path: Path, database: dict[str, Any], service: Service
) -> None:
    class Other(Service):
        source = "another"

    async def scenario() -> None:
        async with open_at(tmp_path, service, **database) as house:
            await house.submit()
        for billing in (Other(), "free:"):
            async with open_at(tmp_path, billing, **database) as house:
                while await house.step():
                    pass
                assert await tell_settled(house.ports) == 0
        async with open_at(tmp_path, service, **database) as house:
            assert await tell_settled(house.ports) == 1
            await is_settled(house.ports, service)

    asyncio.run(scenario())


@both
def test_an_account_is_deleted_when_the_service_knows_what_became_of_all_that_it_holds(
    tmp_path: Path, database: dict[str, Any], service: Service
) -> None:
    async def scenario() -> None:
        async with open_at(tmp_path, service, **database) as house:
            await house.submit()
            await close_account(house.ports, "local", Actor(user_id="ada"))
            service.then(("settle", "away"))
            for _ in range(3):
                house.clock.ahead += 1
                await Recovery(house.ports).sweep()
            assert await _accounts(house) == ["local"]
            for _ in range(4):
                house.clock.ahead += 1000
                await Recovery(house.ports).sweep()
            assert await _accounts(house) == []
            assert service.ends() == [(0, 1)]

    asyncio.run(scenario())


async def _accounts(house: House) -> list[str]:
    async with house.ports.database.read() as tx:
        return [row["id"] for row in await tx.rows(sa.select(tables.accounts))]
