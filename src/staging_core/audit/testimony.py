"""What clients and the provider say, held against the rows."""

from __future__ import annotations

from collections import Counter, defaultdict

import sqlalchemy as sa

from staging_core.database import tables
from staging_core.database.engine import Transaction
from staging_core.models import TERMINAL

from .evidence import Accepted, KnownPrediction
from .results import ROUNDING_USD
from .violation import Violation, each

_ORDERS = sa.select(tables.groups.c.id, tables.groups.c.account_id)
_JOBS = sa.select(tables.jobs.c.id)


async def of_clients(tx: Transaction, accepted: tuple[Accepted, ...]) -> list[Violation]:
    """Promises that were broken: an order that is gone, doubled, or told to a stranger."""
    if not accepted:
        return []
    owners = {row["id"]: row["account_id"] for row in await tx.rows(_ORDERS)}
    there = {row["id"] for row in await tx.rows(_JOBS)}
    told: dict[tuple[str, str], set[str]] = defaultdict(set)
    for one in accepted:
        if one.idempotency_key is not None:
            told[one.account_id, one.idempotency_key].add(one.group_id)
    lost = {one.group_id for one in accepted} - owners.keys()
    lost |= {job_id for one in accepted for job_id in one.job_ids} - there
    strange = [
        one.group_id for one in accepted if owners.get(one.group_id) not in (None, one.account_id)
    ]
    doubled = [key for (_, key), orders in told.items() if len(orders) > 1]
    return [
        *each("I1", "An accepted order or job is not in the database.", lost),
        *each("I3", "One idempotency key was answered with two orders.", doubled),
        *each("I8", "An account was told of another's order.", strange),
    ]


async def of_provider(
    tx: Transaction, predictions: tuple[KnownPrediction, ...] | None
) -> list[Violation]:
    """Predictions in the provider's books that are not in ours, doubled, or booked otherwise."""
    if predictions is None:
        return []
    attempts = tables.attempts
    query = sa.select(attempts.c.id, attempts.c.handle, attempts.c.cost_usd)
    rows = await tx.rows(query.where(attempts.c.handle.is_not(None)))
    ours = {row["handle"]: row for row in rows}
    unknown = [one.handle for one in predictions if one.handle not in ours]
    known = [(one, ours[one.handle]) for one in predictions if one.handle in ours]
    others = [one.handle for one, row in known if one.attempt_id not in (None, row["id"])]
    otherwise = [one.handle for one, row in known if _differ(one.cost_usd, row["cost_usd"])]
    asked = Counter(one.attempt_id for one in predictions if one.attempt_id)
    twice = [attempt_id for attempt_id, times in asked.items() if times > 1]
    return [
        *each("I4", "The provider has a prediction that nobody knows.", unknown),
        *each("I4", "A prediction is booked on another attempt than it was made for.", others),
        *each("I4", "The provider was asked twice for one attempt.", twice),
        *each("I2", "A prediction costs other than what is booked.", otherwise),
    ]


def _differ(told_usd: float | None, booked_usd: float) -> bool:
    return told_usd is not None and abs(told_usd - booked_usd) > ROUNDING_USD


async def unfinished(tx: Transaction) -> list[Violation]:
    """Jobs that have not ended, though work has come to rest."""
    jobs = tables.jobs
    rows = await tx.rows(sa.select(jobs.c.id).where(jobs.c.state.not_in(TERMINAL)))
    return each("I5", "A job has not ended.", [row["id"] for row in rows])
