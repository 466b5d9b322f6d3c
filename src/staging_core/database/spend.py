"""What attempts take of the caps on provider cost, counted by day: for all, by account, by project.

An attempt takes its model's price when it is begun, and what it really cost as soon as that is
known. Until then, and where nobody ever tells, its price stays counted: what is not known is never
taken for nothing. Amounts are whole millionths of a US dollar, so that sums are exact. The rows
are written in one order (account, project, all) right before the events, thus before the account
is locked; see ``Transaction.count``.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import sqlalchemy as sa

from .engine import Transaction
from .prepared import Prepared
from .row import Row
from .tables import attempts, spend, spend_days

DAY_S = 86_400
_KEPT_DAYS = 40
_UNCAPPED = 2**62
_WHOLE = ""
"""In place of a project: all of the account's."""


class Caps(NamedTuple):
    """What a day may cost in US dollars, by the names of the settings; None: anything."""

    daily_spend_usd: float | None = None
    account_daily_spend_usd: float | None = None
    project_daily_spend_usd: float | None = None


def day_of(at: float) -> int:
    """The day (UTC) of a time in Unix seconds, counted from 1970-01-01."""
    return int(at // DAY_S)


def millionths(usd: float) -> int:
    """The amount in whole millionths of a US dollar."""
    return round(usd * 1_000_000)


class _Count(NamedTuple):
    """One row that counts; ``setting``: the cap that it is held against."""

    setting: str
    add: Prepared
    make: Prepared
    key: dict[str, Any]


def _counts(account_id: str, project_id: str | None, day: int) -> Iterator[_Count]:
    """The rows that an attempt counts in, in the order in which everybody locks them."""
    its = {"of_account": account_id, "of_day": day}
    yield _Count("account_daily_spend_usd", _ADD, _MAKE, its | {"of_project": _WHOLE})
    if project_id is not None:
        yield _Count("project_daily_spend_usd", _ADD, _MAKE, its | {"of_project": project_id})
    yield _Count("daily_spend_usd", _ADD_ALL, _MAKE_ALL, {"of_day": day})


async def reserve(
    tx: Transaction, attempt: Row, *, project_id: str | None, usd: float, caps: Caps
) -> str | None:
    """Count ``usd`` for an attempt that was just begun; the setting whose cap it would exceed.

    None: it is within all of them. Otherwise undo the transaction. Nothing but the events may be
    written after it.
    """
    if attempt["spent"]:  # by a worker of an older version, which did not take it back
        _add(tx, attempt, -attempt["spent"])
    day, amount = day_of(tx.now), millionths(usd)
    for count in _counts(attempt["account_id"], project_id, day):
        cap = getattr(caps, count.setting)
        most = _UNCAPPED if cap is None else millionths(cap)
        given = {**count.key, "more": amount, "most": most}
        if await tx.row(count.add, given) is None:
            await tx.rows(count.make, count.key)
            if await tx.row(count.add, given) is None:
                return count.setting
    await tx.rows(_TAKE, {"of_id": attempt["id"], "to": amount, "on": day, "into": project_id})
    return None


def counted(attempt: Row) -> float | None:
    """What the caps count for the attempt, in US dollars; None: it is not counted."""
    return None if attempt["spent_on"] is None else float(attempt["spent"]) / 1_000_000


def settle(tx: Transaction, attempt: Row, usd: float) -> None:
    """The attempt, whose row is locked, cost so much after all."""
    actual = millionths(usd)
    if attempt["spent_on"] is None or attempt["spent"] == actual:
        return
    tx.count(_SETTLE, {"of_id": attempt["id"], "to": actual})
    _add(tx, attempt, actual - attempt["spent"])


def _add(tx: Transaction, attempt: Row, amount: int) -> None:
    its = attempt["account_id"], attempt["spent_in"], attempt["spent_on"]
    for count in _counts(*its):
        tx.count(count.add, {**count.key, "more": amount, "most": _UNCAPPED})


async def reached(
    tx: Transaction, account_id: str, project_id: str | None, *, usd: float, caps: Caps
) -> str | None:
    """The setting whose cap ``usd`` more would exceed, as it looks now; None: none."""
    day = day_of(tx.now)
    its = spend.c.project_id.in_([_WHOLE, *([] if project_id is None else [project_id])])
    query = sa.union_all(
        sa.select(spend.c.project_id.label("of"), spend.c.spent).where(
            spend.c.account_id == account_id, spend.c.day == day, its
        ),
        sa.select(sa.null(), spend_days.c.spent).where(spend_days.c.day == day),
    )
    seen = {row["of"]: row["spent"] for row in await tx.rows(query)}
    whose = {None: "daily_spend_usd", _WHOLE: "account_daily_spend_usd"}
    for of in (None, _WHOLE, *([] if project_id is None else [project_id])):
        setting = whose.get(of, "project_daily_spend_usd")
        cap = getattr(caps, setting)
        if cap is not None and seen.get(of, 0) + millionths(usd) > millionths(cap):
            return setting
    return None


async def today(tx: Transaction) -> float:
    """What all attempts of today (UTC) take of the cap, in US dollars."""
    row = await tx.row(sa.select(spend_days.c.spent).where(spend_days.c.day == day_of(tx.now)))
    return 0.0 if row is None else row["spent"] / 1_000_000


async def forget(tx: Transaction) -> None:
    """Drop what was counted so long ago that nothing is settled there any more."""
    oldest = day_of(tx.now) - _KEPT_DAYS
    for table in (spend, spend_days):
        await tx.execute(sa.delete(table).where(table.c.day < oldest))


def _adding(table: sa.Table, *key: sa.ColumnElement[bool]) -> Prepared:
    """``more`` on top, if that comes to ``most`` at most."""
    more, most = (sa.bindparam(name, type_=sa.BigInteger()) for name in ("more", "most"))
    total = table.c.spent + more
    added = sa.update(table).where(*key, total <= most).values(spent=total)
    return Prepared(added.returning(table.c.spent))


_DAY: sa.BindParameter[int] = sa.bindparam("of_day", type_=sa.Integer())
_ACCOUNT: sa.BindParameter[str] = sa.bindparam("of_account", type_=spend.c.account_id.type)
_PROJECT: sa.BindParameter[str] = sa.bindparam("of_project", type_=spend.c.project_id.type)
_ITS = {"account_id": _ACCOUNT, "day": _DAY, "project_id": _PROJECT}
_ADD = _adding(spend, *(spend.c[name] == value for name, value in _ITS.items()))
_ADD_ALL = _adding(spend_days, spend_days.c.day == _DAY)
_MAKE = Prepared(lambda insert: insert(spend).values(**_ITS).on_conflict_do_nothing())
_MAKE_ALL = Prepared(lambda insert: insert(spend_days).values(day=_DAY).on_conflict_do_nothing())
_ONE = attempts.c.id == sa.bindparam("of_id")
_TO: sa.BindParameter[int] = sa.bindparam("to", type_=sa.BigInteger())
_SETTLE = Prepared(sa.update(attempts).where(_ONE).values(spent=_TO))
_TAKE = Prepared(
    sa.update(attempts)
    .where(_ONE)
    .values(
        spent=_TO,
        spent_on=sa.bindparam("on", type_=sa.Integer()),
        spent_in=sa.bindparam("into", type_=attempts.c.spent_in.type),
    )
)
