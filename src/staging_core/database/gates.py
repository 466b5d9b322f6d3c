"""Gates before a provider, shared by all workers: they decide which queued jobs may be started.

A provider has a token bucket for creates, and is closed for as long as it said it was busy. A
model has a circuit breaker: it opens after ``OPENS_AFTER`` failures in a row, and then lets one
job through at a time, at growing pauses, until one succeeds. Jobs wait; none fails for a gate.
"""

from __future__ import annotations

import math
from collections.abc import Collection

import sqlalchemy as sa

from staging_core.models import ModelCard

from . import jobs
from .engine import Transaction
from .tables import gates
from .upsert import insert_or

OPENS_AFTER = 5
_PROBE_S = 15.0
_BURST = 8.0
"""The bucket holds this part of a minute's creates."""


def provider_of(card: ModelCard) -> str:
    """Whose limits the model shares."""
    return card.provider or card.id


async def opening(
    tx: Transaction, cards: Collection[ModelCard], *, per_minute: int
) -> dict[str, float]:
    """By model, the time from which its jobs may be started: past ones now, ``inf`` not known."""
    names = {_provider(card) for card in cards} | {_model(card.id) for card in cards}
    found = await tx.rows(sa.select(gates).where(gates.c.name.in_(names)))
    rows = {row["name"]: row for row in found}
    return {card.id: await _opens(tx, card, rows, per_minute) for card in cards}


async def _opens(
    tx: Transaction, card: ModelCard, rows: dict[str, sa.RowMapping], per_minute: int
) -> float:
    at = 0.0
    if bucket := rows.get(_provider(card)):
        missing = 1.0 - _level(bucket, tx.now, per_minute)
        filled_at = tx.now + missing * 60 / per_minute if missing > 0 else 0.0
        at = max(float(bucket["closed_until"]), filled_at)
    if breaker := rows.get(_model(card.id)):
        at = max(at, float(breaker["closed_until"]))
    if at <= tx.now and await jobs.in_flight(tx, card.id, most=card.in_flight) >= card.in_flight:
        return math.inf
    return at


async def enter(tx: Transaction, card: ModelCard, *, per_minute: int) -> bool:
    """Take a token for a job that was just claimed; False when somebody was faster."""
    await _ensure(tx, _provider(card), tokens=_full(per_minute), filled_at=tx.now)
    bucket = await tx.row(sa.select(gates).where(gates.c.name == _provider(card)).with_for_update())
    assert bucket is not None
    level = _level(bucket, tx.now, per_minute)
    in_flight = await jobs.in_flight(tx, card.id, most=card.in_flight + 1)
    if level < 1.0 or bucket["closed_until"] > tx.now or in_flight > card.in_flight:
        return False
    await _set(tx, _provider(card), tokens=level - 1.0, filled_at=tx.now)
    probing = (gates.c.name == _model(card.id)) & (gates.c.failures >= OPENS_AFTER)
    await tx.execute(sa.update(gates).where(probing).values(closed_until=tx.now + _PROBE_S))
    return True


async def close(tx: Transaction, card: ModelCard, *, seconds: float) -> None:
    """The provider is busy: nothing is started there for so long."""
    until = tx.now + seconds
    await _ensure(tx, _provider(card))
    await tx.execute(
        sa.update(gates)
        .where(gates.c.name == _provider(card), gates.c.closed_until < until)
        .values(closed_until=until)
    )


async def failed(tx: Transaction, card: ModelCard, *, longest_s: float) -> None:
    """The model failed, or nobody knows; after some in a row it rests, at most ``longest_s``."""
    name = _model(card.id)
    await _ensure(tx, name)
    row = await tx.row(
        sa.update(gates)
        .where(gates.c.name == name)
        .values(failures=gates.c.failures + 1)
        .returning(gates.c.failures)
    )
    assert row is not None
    over = row["failures"] - OPENS_AFTER
    if over >= 0:
        await _set(tx, name, closed_until=tx.now + min(longest_s, 2.0 ** min(over, 20)))


async def succeeded(tx: Transaction, card: ModelCard) -> None:
    """The model delivered: its breaker closes."""
    await tx.execute(
        sa.update(gates)
        .where(gates.c.name == _model(card.id), gates.c.failures > 0)
        .values(failures=0, closed_until=0)
    )


def _provider(card: ModelCard) -> str:
    return f"provider:{provider_of(card)}"


def _model(model: str) -> str:
    return f"model:{model}"


def _full(per_minute: int) -> float:
    return max(1.0, per_minute / _BURST)


def _level(bucket: sa.RowMapping, now: float, per_minute: int) -> float:
    """Tokens now; a bucket that was never filled is full."""
    if not bucket["filled_at"]:
        return _full(per_minute)
    filled = max(now - bucket["filled_at"], 0.0) * per_minute / 60
    return float(min(_full(per_minute), bucket["tokens"] + filled))


async def _ensure(tx: Transaction, name: str, **values: float) -> None:
    statement = insert_or(tx.connection, gates).values(name=name, **values)
    await tx.execute(statement.on_conflict_do_nothing(index_elements=["name"]))


async def _set(tx: Transaction, name: str, **values: float) -> None:
    await tx.execute(sa.update(gates).where(gates.c.name == name).values(**values))
