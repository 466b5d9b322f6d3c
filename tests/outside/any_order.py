"""The engine's world, whose accounts have their credits at a service outside that fails at will."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import Any

import sqlalchemy as sa
from hypothesis import strategies as st
from hypothesis.stateful import rule
from tests.engine.any_order import AnyOrder
from tests.engine.crashing import Cut
from tests.engine.house import House
from tests.engine.scripted_provider import ScriptedProvider
from tests.engine.world import Violated, World

from staging_core.audit import Audit
from staging_core.database import tables
from staging_core.errors import BillingUnavailable
from staging_core.models import TERMINAL
from staging_core.recovery import Recovery

from .service import Fault, Service, is_settled

CREDITS = 6
FAULTS: tuple[Fault, ...] = ("away", "answer lost", "lands late")


class OutsideWorld(World):
    """``service``: who keeps the credits, and a log of what it was asked for."""

    def __init__(self, house: House, provider: ScriptedProvider) -> None:
        super().__init__(house, provider)
        self.service = Service(CREDITS)
        self.ports = replace(self.ports, billing=self.service)
        self.audit = Audit(self.ports)

    async def submit(self, account: str, key: str, cut: Cut) -> None:
        with suppress(BillingUnavailable):
            await super().submit(account, key, cut)

    async def check(self) -> None:
        """What is captured is ready, what runs is held, and nothing was accepted unreserved."""
        await super().check()
        states = await self._states()
        for hold in self.service.book.holds.values():
            state = states.pop(hold.id, None)
            if hold.captured and state != "ready":
                raise Violated("I2: a picture was paid that is not there")
            if hold.state == "settled" and state is not None:
                if state not in TERMINAL:
                    raise Violated("I2: a job runs whose credits are not held any more")
                if hold.released and state == "ready":
                    raise Violated("I2: a picture is there that was not paid")
        if states:
            raise Violated("I2: an order was accepted that the service does not know")

    async def _states(self) -> dict[str, str]:
        """The states of jobs, by their reservations."""
        jobs = tables.jobs
        async with self.ports.database.read() as tx:
            rows = await tx.rows(
                sa.select(jobs.c.reservation_id, jobs.c.state).where(
                    jobs.c.reservation_id.is_not(None)
                )
            )
        if len({row["reservation_id"] for row in rows}) < len(rows):
            raise Violated("I2: two jobs have one reservation")
        return {row["reservation_id"]: row["state"] for row in rows}

    async def settle(self) -> None:
        self.service.forget_faults()
        await super().settle()
        self.service.land()
        for _ in range(20):
            self.clock.ahead += 4000
            await Recovery(self.ports).sweep()
            if not await self._is_anything_untold():
                break
        try:
            await is_settled(self.ports, self.service)
        except AssertionError as wrong:
            raise Violated(f"I2: {wrong}") from wrong

    async def _is_anything_untold(self) -> bool:
        untold = sa.select(tables.reservations.c.id).where(tables.reservations.c.told_at.is_(None))
        async with self.ports.database.read() as tx:
            return await tx.row(untold) is not None


class AnyOrderOutside(AnyOrder):
    """As the engine's, with a service that does not answer, or answers too late."""

    world: OutsideWorld

    def __init__(self) -> None:
        super().__init__()
        self.world = OutsideWorld(self.house, ScriptedProvider())

    @rule(call=st.sampled_from(("reserve", "settle")), fault=st.sampled_from(FAULTS))
    def next_call(self, call: str, fault: Any) -> None:
        if (call, fault) != ("settle", "lands late"):
            self.world.service.then((call, fault))

    @rule()
    def land(self) -> None:
        self.world.service.land()

    def wait_for_the_next_month(self) -> None:
        """No rule here: nobody has a plan, and what a provider is asked for is given up by then."""

    @rule()
    def wait_until_nobody_keeps_it(self) -> None:
        self.world.clock.ahead += 350.0
