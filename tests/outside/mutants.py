"""Engines with one rule about reservations taken away; nothing of this is in the product."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

import pytest
import sqlalchemy as sa

from staging_core.database import jobs, reservations, tables
from staging_core.database.engine import Transaction
from staging_core.models import Reservation
from staging_core.reserving import _Asking

from .service import Service

Mutant = Callable[[pytest.MonkeyPatch], None]
MUTANTS: dict[str, Mutant] = {}


def mutant(make: Mutant) -> Mutant:
    """Found by its name."""
    MUTANTS[make.__name__] = make
    return make


@mutant
def noted_only_when_it_is_held(patch: pytest.MonkeyPatch) -> None:
    begin, ask = _Asking.begin, _Asking.ask

    async def nothing(self: _Asking) -> None:
        return None

    async def ask_first(self: _Asking) -> None:
        await ask(self)
        await begin(self)

    patch.setattr(_Asking, "begin", nothing)
    patch.setattr(_Asking, "ask", ask_first)


@mutant
def accepted_whatever_the_service_says(patch: pytest.MonkeyPatch) -> None:
    reserve = Service.reserve

    async def reserve_or_not(self: Service, reservation: Reservation) -> None:
        try:
            await reserve(self, reservation)
        except ConnectionError:
            return

    patch.setattr(Service, "reserve", reserve_or_not)


@mutant
def an_unknown_outcome_taken_for_a_refusal(patch: pytest.MonkeyPatch) -> None:
    async def forget(tx: Transaction, ids: Collection[str], *, refused: str | None) -> None:
        table = tables.reservations
        await tx.execute(sa.delete(table).where(table.c.id.in_(ids), table.c.state == "begun"))

    patch.setattr(reservations, "give_up", forget)


@mutant
def kept_though_it_was_released(patch: pytest.MonkeyPatch) -> None:
    keep = reservations.keep

    async def keep_anyway(tx: Transaction, ids: Collection[str]) -> bool:
        await keep(tx, ids)
        return True

    patch.setattr(reservations, "keep", keep_anyway)


@mutant
def paid_whatever_comes_of_it(patch: pytest.MonkeyPatch) -> None:
    settle = reservations.settle

    def captured_always(tx: Transaction, job: Any, *, captured: bool) -> None:
        settle(tx, job, captured=True)

    patch.setattr(reservations, "settle", captured_always)


@mutant
def settled_only_when_it_is_ready(patch: pytest.MonkeyPatch) -> None:
    settle = reservations.settle

    def only_captured(tx: Transaction, job: Any, *, captured: bool) -> None:
        if captured:
            settle(tx, job, captured=True)

    patch.setattr(reservations, "settle", only_captured)


@mutant
def told_once_whether_it_arrives_or_not(patch: pytest.MonkeyPatch) -> None:
    async def given_up(tx: Transaction, row: Any, pause_s: float) -> None:
        await reservations.told(tx, row)

    patch.setattr(reservations, "later", given_up)


@mutant
def told_before_the_commit(patch: pytest.MonkeyPatch) -> None:
    move = jobs.move
    services: list[Service] = []
    reserve = Service.reserve

    async def reserve_and_remember(self: Service, reservation: Reservation) -> None:
        services.append(self)
        await reserve(self, reservation)

    async def tell_and_move(tx: Transaction, job: Any, to: Any, **how: Any) -> Any:
        if to == "ready" and job["reservation_id"] is not None:
            services[-1].book.settle(job["reservation_id"], 1, 0)
        return await move(tx, job, to, **how)

    patch.setattr(Service, "reserve", reserve_and_remember)
    patch.setattr(jobs, "move", tell_and_move)


@mutant
def a_retry_on_what_was_released(patch: pytest.MonkeyPatch) -> None:
    repeat = jobs.repeat

    async def on_the_old_one(tx: Transaction, image: Any, **how: Any) -> str:
        before = await jobs.seen(tx, image["job_id"])
        return await repeat(tx, image, **{**how, "reservation_id": before["reservation_id"]})

    patch.setattr(jobs, "repeat", on_the_old_one)


@mutant
def a_retry_for_nothing(patch: pytest.MonkeyPatch) -> None:
    repeat = jobs.repeat

    async def unreserved(tx: Transaction, image: Any, **how: Any) -> str:
        return await repeat(tx, image, **{**how, "reservation_id": None})

    patch.setattr(jobs, "repeat", unreserved)
