"""Gates before a provider, shared by all workers: they decide which queued jobs may be started.

A provider has a token bucket for creates, and is closed for as long as it said it was busy.
Questions about predictions it counts apart: they have a gate of their own, which its word closes,
or ``OPENS_AFTER`` questions in a row without an answer: then one at a time is asked, at growing
pauses, until one is answered. A model has a circuit breaker: it opens after ``OPENS_AFTER``
failures in a row, and then lets one job through at a time, at growing pauses, until one succeeds.
Jobs wait; none fails for a gate.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

import sqlalchemy as sa

from staging_core.models import ModelCard

from . import jobs
from .engine import Transaction
from .prepared import Prepared
from .row import Row
from .tables import gates
from .upsert import insert_or

OPENS_AFTER = 5
_PROBE_S = 15.0
_BURST = 8.0
"""The bucket holds this part of a minute's creates."""

_RIVALS = 64
"""So many others at most begin a job between our look and our turn; see ``enter``."""


def provider_of(card: ModelCard) -> str:
    """Whose limits the model shares."""
    return card.provider or card.id


class Gate(NamedTuple):
    """What stands before a model's queued jobs. ``opens_at``: past now, later, or ``inf``, unknown.

    ``room``: how many more may be in flight; ``probes``: its breaker lets one job try.
    """

    opens_at: float
    room: int
    probes: bool


async def look(
    tx: Transaction, cards: Collection[ModelCard], *, per_minute: int
) -> dict[str, Gate]:
    """The gate of each model, by its id."""
    rows = {row["name"]: row for row in await tx.rows(_looking(_sorted(cards)))}
    return {card.id: _gate(card, rows, tx.now, per_minute) for card in cards}


def _gate(card: ModelCard, rows: Mapping[str, Row], now: float, per_minute: int) -> Gate:
    at, probes = 0.0, False
    if bucket := rows.get(_provider(card)):
        missing = 1.0 - _level(bucket, now, per_minute)
        filled_at = now + missing * 60 / per_minute if missing > 0 else 0.0
        at = max(float(bucket["closed_until"]), filled_at)
    if breaker := rows.get(_model(card.id)):
        at = max(at, float(breaker["closed_until"]))
        probes = breaker["failures"] >= OPENS_AFTER
    room = card.in_flight - int(rows[_in_flight(card.id)]["tokens"])
    return Gate(math.inf if at <= now and room <= 0 else at, room, probes)


async def enter(tx: Transaction, card: ModelCard, gate: Gate, *, per_minute: int) -> bool:
    """Take a token for a job that was just begun; False when somebody was faster.

    ``gate``: as it was seen in this transaction.
    """
    if not await _take_token(tx, card, per_minute):
        await _ensure(tx, _provider(card), tokens=_full(per_minute), filled_at=tx.now)
        if not await _take_token(tx, card, per_minute):
            return False
    # The bucket's row is ours until the commit, so nobody else begins one at this provider.
    if gate.room <= _RIVALS:
        in_flight = await jobs.in_flight(tx, card.id, most=card.in_flight + 1)
        if in_flight > card.in_flight:
            return False
    if gate.probes:
        await _set(tx, _model(card.id), closed_until=tx.now + _PROBE_S)
    return True


async def leave(tx: Transaction, card: ModelCard) -> None:
    """A job that entered was not begun after all: its token is the next one's."""
    await tx.rows(_GIVE_TOKEN, {"of_name": _provider(card)})


async def _take_token(tx: Transaction, card: ModelCard, per_minute: int) -> bool:
    values = {"of_name": _provider(card), "at": tx.now, "full": _full(per_minute)}
    return await tx.row(_TAKE_TOKEN, {**values, "a_second": per_minute / 60}) is not None


async def close(tx: Transaction, card: ModelCard, *, seconds: float) -> None:
    """The provider is busy: nothing is started there for so long."""
    await _close(tx, _provider(card), seconds)


async def rest(tx: Transaction, card: ModelCard, *, seconds: float) -> None:
    """Nobody may use the model: its breaker is open at once, and then one job at a time tries."""
    await _close(tx, _model(card.id), seconds)
    await tx.execute(
        sa.update(gates)
        .where(gates.c.name == _model(card.id), gates.c.failures < OPENS_AFTER)
        .values(failures=OPENS_AFTER)
    )


async def closed(tx: Transaction) -> dict[str, float]:
    """The gates that are closed now, and for how many seconds more."""
    query = sa.select(gates.c.name, gates.c.closed_until).where(gates.c.closed_until > tx.now)
    rows = await tx.rows(query.order_by(gates.c.name))
    return {row["name"]: row["closed_until"] - tx.now for row in rows}


async def close_reads(tx: Transaction, card: ModelCard, *, seconds: float) -> None:
    """The provider answers no questions: it is asked about no prediction for so long."""
    await _close(tx, of_reads(card), seconds)


async def question_failed(tx: Transaction, card: ModelCard, *, longest_s: float) -> None:
    """The provider did not answer a question: after some in a row it is asked less."""
    await _failed(tx, of_reads(card), longest_s)


async def question_answered(tx: Transaction, card: ModelCard) -> None:
    """The provider answers questions again."""
    await tx.also(_SUCCEEDED, {"of_name": of_reads(card)})


async def may_probe(tx: Transaction, card: ModelCard, *, seconds: float) -> bool:
    """Whether it is we who ask a provider that has answered nothing; nobody else does meanwhile."""
    name = of_reads(card)
    probing = (
        sa.update(gates)
        .where(gates.c.name == name, gates.c.closed_until <= tx.now)
        .values(closed_until=tx.now + seconds)
        .returning(gates.c.name)
    )
    return await tx.row(probing) is not None


async def reads_shut_s(tx: Transaction, card: ModelCard) -> float:
    """For how long the provider wants to be asked nothing; not above 0: it may be asked."""
    query = sa.select(gates.c.closed_until).where(gates.c.name == of_reads(card))
    row = await tx.row(query)
    return 0.0 if row is None else float(row["closed_until"]) - tx.now


async def _close(tx: Transaction, name: str, seconds: float) -> None:
    until = tx.now + seconds
    await _ensure(tx, name)
    await tx.execute(
        sa.update(gates)
        .where(gates.c.name == name, gates.c.closed_until < until)
        .values(closed_until=until)
    )


async def failed(tx: Transaction, card: ModelCard, *, longest_s: float) -> None:
    """The model failed, or nobody knows; after some in a row it rests, at most ``longest_s``."""
    await _failed(tx, _model(card.id), longest_s)


async def _failed(tx: Transaction, name: str, longest_s: float) -> None:
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
    await tx.also(_SUCCEEDED, {"of_name": _model(card.id)})


def of_reads(card: ModelCard) -> str:
    """The name of the gate before questions to the model's provider."""
    return f"reads:{provider_of(card)}"


def _provider(card: ModelCard) -> str:
    return f"provider:{provider_of(card)}"


def _model(model: str) -> str:
    return f"model:{model}"


def _full(per_minute: int) -> float:
    return max(1.0, per_minute / _BURST)


def _level(bucket: Row, now: float, per_minute: int) -> float:
    """Tokens now; a bucket that was never filled is full. ``_TAKE_TOKEN`` says the same."""
    if not bucket["filled_at"]:
        return _full(per_minute)
    filled = max(now - bucket["filled_at"], 0.0) * per_minute / 60
    return float(min(_full(per_minute), bucket["tokens"] + filled))


_SUCCEEDED = Prepared(
    sa.update(gates)
    .where(gates.c.name == sa.bindparam("of_name"), gates.c.failures > 0)
    .values(failures=0, closed_until=0)
)


def _taking_a_token() -> Prepared:
    at: sa.BindParameter[float] = sa.bindparam("at", type_=sa.Double())
    full: sa.BindParameter[float] = sa.bindparam("full", type_=sa.Double())
    a_second: sa.BindParameter[float] = sa.bindparam("a_second", type_=sa.Double())
    passed = sa.case((gates.c.filled_at < at, at - gates.c.filled_at), else_=0.0)
    filled = gates.c.tokens + passed * a_second
    level = sa.case((gates.c.filled_at == 0, full), (filled > full, full), else_=filled)
    return Prepared(
        sa.update(gates)
        .where(gates.c.name == sa.bindparam("of_name"), gates.c.closed_until <= at, level >= 1.0)
        .values(tokens=level - 1.0, filled_at=at)
        .returning(gates.c.name)
    )


_TAKE_TOKEN = _taking_a_token()
_GIVE_TOKEN = Prepared(
    sa.update(gates)
    .where(gates.c.name == sa.bindparam("of_name"))
    .values(tokens=gates.c.tokens + 1.0)
)


@lru_cache(maxsize=64)
def _looking(models: tuple[tuple[str, str, int], ...]) -> Prepared:
    """Rows of gates, and one more for each model whose ``tokens`` are its jobs in flight."""
    names = {name for provider, model, _ in models for name in (provider, _model(model))}
    shown = ("name", "tokens", "filled_at", "closed_until", "failures")
    named = gates.c.name.in_([sa.literal(name) for name in sorted(names)])
    there = sa.select(*(gates.c[name] for name in shown)).where(named)
    return Prepared(sa.union_all(there, *(_counting(model, most) for _, model, most in models)))


def _counting(model: str, most: int) -> sa.Select[*tuple[Any, ...]]:
    number: sa.Cast[float] = sa.cast(jobs.counting(model, most=most).scalar_subquery(), sa.Double())
    zero = sa.literal(0.0)
    return sa.select(sa.literal(_in_flight(model)), number, zero, zero, sa.literal(0))


def _sorted(cards: Collection[ModelCard]) -> tuple[tuple[str, str, int], ...]:
    return tuple(sorted((_provider(card), card.id, card.in_flight) for card in cards))


def _in_flight(model: str) -> str:
    return f"in_flight:{model}"


async def _ensure(tx: Transaction, name: str, **values: float) -> None:
    statement = insert_or(tx.connection, gates).values(name=name, **values)
    await tx.execute(statement.on_conflict_do_nothing(index_elements=["name"]))


async def _set(tx: Transaction, name: str, **values: float) -> None:
    await tx.execute(sa.update(gates).where(gates.c.name == name).values(**values))
