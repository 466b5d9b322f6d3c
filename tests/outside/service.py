"""A billing backend whose credits are kept outside: the double's books, in this process."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any, Literal

import sqlalchemy as sa

from staging_core import Staging
from staging_core.database import tables
from staging_core.errors import UsageLimitExceeded
from staging_core.models import Order, Quote, Reservation, Settlement
from staging_core.ports import Ports
from staging_core.testing.credits.book import Book, Hold, Refused

Fault = Literal["away", "answer lost", "hangs", "lands late"]


class Service:
    """Implements ``Billing`` and ``ReservesElsewhere``; ``then`` says what goes wrong next."""

    source = "credits"

    def __init__(self, credits: int = 100) -> None:
        self.log: list[tuple[str, dict[str, Any]]] = []
        self.book = Book(lambda event, **facts: self.log.append((event, facts)), credits=credits)
        self.late: list[Hold] = []
        self._faults: list[tuple[str, Fault]] = []

    def then(self, *faults: tuple[str, Fault]) -> None:
        """The next call of that name has this fault."""
        self._faults += faults

    def forget_faults(self) -> None:
        """Nothing goes wrong any more."""
        self._faults.clear()

    def land(self) -> None:
        """What was on its way arrives at last."""
        late, self.late = self.late, []
        for hold in late:
            with suppress(Refused):
                self.book.hold(hold)

    async def quote(self, order: Order) -> Quote:
        """Nothing of ours; a price, to be told with the reservation."""
        return Quote(amount_cents=50 * order.images + 1, rule="a credit for each image")

    async def reserve(self, reservation: Reservation) -> None:
        """Hold it, unless something goes wrong."""
        fault = self._fault("reserve")
        hold = Hold(
            id=reservation.id,
            account=reservation.account_id,
            images=reservation.images,
            cents=reservation.amount_cents,
            currency=reservation.currency,
            model=reservation.model,
        )
        if fault == "lands late":
            self.late.append(hold)
        elif fault != "away":
            try:
                self.book.hold(hold)
            except Refused as refused:
                if refused.status == 402:
                    told = "Buy more at credits.example."
                    raise UsageLimitExceeded(str(refused), remedy=told) from refused
                raise
        await _go_wrong(fault)

    async def settle(self, settlement: Settlement) -> None:
        """End it, unless something goes wrong."""
        fault = self._fault("settle")
        if fault != "away":
            given = settlement.captured, settlement.released
            self.book.settle(settlement.reservation_id, *given)
        await _go_wrong(fault)

    def _fault(self, call: str) -> Fault | None:
        for planned in self._faults:
            if planned[0] == call:
                self._faults.remove(planned)
                return planned[1]
        return None

    def ends(self) -> list[tuple[int, int]]:
        """What was captured and released of each hold, in the order in which they were made."""
        return [(hold.captured, hold.released) for hold in self.book.holds.values()]


async def _go_wrong(fault: Fault | None) -> None:
    if fault == "hangs":
        await asyncio.Event().wait()
    if fault is not None:
        raise ConnectionError(fault)


async def is_settled(ports: Ports, service: Service) -> None:
    """At rest: each hold is settled once, captured if and only if its job became ready."""
    async with ports.database.read() as tx:
        jobs = await tx.rows(sa.select(tables.jobs))
        rows = await tx.rows(sa.select(tables.reservations))
    of_jobs = {job["reservation_id"]: job["state"] for job in jobs if job["reservation_id"]}
    assert service.book.holds.keys() >= of_jobs.keys()
    for hold in service.book.holds.values():
        assert hold.state == "settled", hold
        captured = int(of_jobs.get(hold.id) == "ready")
        assert (hold.captured, hold.released) == (captured, 1 - captured), hold
    settled = [facts["id"] for event, facts in service.log if event == "settled"]
    assert len(settled) == len(set(settled))
    assert {row["id"] for row in rows} == of_jobs.keys(), "what came to nothing leaves no row"
    assert all(row["told_at"] is not None and row["due_at"] is None for row in rows)


async def reservations_of(staging: Staging) -> list[dict[str, Any]]:
    """Their rows, the oldest first."""
    async with staging.ports.database.read() as tx:
        query = sa.select(tables.reservations).order_by(tables.reservations.c.created_at)
        return [dict(row) for row in await tx.rows(query)]
