"""What an account has used is counted when an image is ready, once, and never less."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest

from staging_core import OWNER, Principal, StageRequest
from staging_core.audit import SOUND, Audit
from staging_core.database import usage
from staging_core.database.engine import Transaction
from staging_core.errors import Refused
from staging_core.models import Staged
from staging_core.testing import FakeStager

from .conftest import Install
from .pictures import photo

WISH: dict[str, Any] = {"room": "bedroom", "style": "modern"}
both = pytest.mark.parametrize("database", ["sqlite", "postgresql"], indirect=True)


class Picky(FakeStager):
    """Refuses the second variant."""

    async def stage(self, request: StageRequest, *args: Any) -> Staged:
        if request.variant == 1:
            raise Refused("Not this one.")
        return await super().stage(request, *args)


@both
def test_ready_images_count_and_deleted_ones_stay_counted(install: Install) -> None:
    async def scenario() -> None:
        async with install(Picky()) as staging:
            me = staging.acting_as(OWNER)
            other = staging.acting_as(Principal(account_id="other"))
            assert (await me.usage()).used == 0
            listing = await me.projects.create("listing")
            await me.images.submit(photo(), variants=3, project_id=listing.id, **WISH)
            assert (await me.usage()).used == 0
            await staging.run_worker(until_idle=True)
            assert (await me.usage()).used == 2
            await me.projects.delete(listing.id)
            await staging.sweep()
            assert (await me.usage()).used == 2
            assert (await other.usage()).used == 0
            assert await Audit(staging.ports).count() == SOUND

    asyncio.run(scenario())


@both
def test_a_usage_that_was_not_counted_is_seen_by_the_audit(
    install: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def forgotten(tx: Transaction, account_id: str, period: str | None) -> None:
        """Not counted."""

    async def scenario() -> None:
        monkeypatch.setattr(usage, "count", forgotten)
        async with install() as staging:
            await staging.acting_as(OWNER).images.submit(photo(), **WISH)
            await staging.run_worker(until_idle=True)
            found = await Audit(staging.ports).count()
            assert found == {**SOUND, "I2": 1}

    asyncio.run(scenario())


@both
def test_a_period_is_a_calendar_month_in_utc(install: Install) -> None:
    def at(*when: int) -> float:
        return datetime(*when, tzinfo=UTC).timestamp()  # type: ignore[arg-type, misc]

    async def scenario() -> None:
        async with install() as staging:
            await staging.acting_as(OWNER).images.submit(photo(), **WISH)
            database = staging.ports.database
            moments = [
                (at(2026, 12, 1), (at(2026, 12, 1), at(2027, 1, 1))),
                (at(2026, 12, 31, 23, 59, 59), (at(2026, 12, 1), at(2027, 1, 1))),
                (at(2027, 1, 1), (at(2027, 1, 1), at(2027, 2, 1))),
                (at(2028, 2, 29, 12), (at(2028, 2, 1), at(2028, 3, 1))),
            ]
            for now, period in moments:
                async with database.write("local") as tx:
                    tx.now = now
                    await usage.count(tx, "local")
                    found = await usage.of_now(tx, "local")
                assert (found.period_start, found.period_end) == period
            async with database.read("local") as tx:
                tx.now = at(2026, 12, 15)
                assert (await usage.of_now(tx, "local")).used == 2
                tx.now = at(2027, 3, 1)
                assert (await usage.of_now(tx, "local")).used == 0

    asyncio.run(scenario())
