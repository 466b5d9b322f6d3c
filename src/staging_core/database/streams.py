"""What event streams read: where an account's images stand, and the rows since, of many at once."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import msgspec
import sqlalchemy as sa

from staging_core.errors import AccountClosing
from staging_core.models import TERMINAL, JobEvent, Update

from .engine import Transaction
from .events import News, of_deleted
from .prepared import Prepared
from .row import Row
from .tables import accounts, events, images, jobs

_LIMIT = 1_000
_BATCHES = (1, 10, 100)
_NO_ACCOUNT = ""  # no account has that id


class Scope(msgspec.Struct, frozen=True, kw_only=True):
    """Whose events: an account's, or only those of one image, of one group, or of one project."""

    account_id: str
    image_id: str | None = None
    project_id: str | None = None
    group_id: str | None = None

    def covers(self, news: News) -> bool:
        """Whether the event is one of these."""
        mine = self.project_id in (None, news.project_id)
        mine = mine and self.group_id in (None, news.event.group_id)
        return mine and self.image_id in (None, news.event.image_id)


async def snapshot(tx: Transaction, scope: Scope) -> tuple[int | None, list[Update]]:
    """The account's position, and the images that have not ended; of one image also an ended one.

    Both in one statement, so that no event lies between them. The position of an account that is
    not there yet is None; ``AccountClosing`` for one that is being deleted.
    """
    wanted: sa.ColumnElement[bool] = jobs.c.state.not_in(TERMINAL)
    if scope.image_id is not None:
        newest = sa.select(images.c.job_id).where(
            images.c.account_id == scope.account_id, images.c.id == scope.image_id
        )
        wanted = jobs.c.id == newest.scalar_subquery()
    if scope.project_id is not None:
        wanted = sa.and_(wanted, jobs.c.project_id == scope.project_id)
    if scope.group_id is not None:
        wanted = sa.and_(wanted, jobs.c.group_id == scope.group_id)
    query = (
        sa.select(accounts.c.position, accounts.c.closing_at, *(jobs.c[name] for name in _COLUMNS))
        .outerjoin_from(
            accounts,
            jobs,
            (jobs.c.account_id == accounts.c.id) & wanted & ~of_deleted(jobs.c.image_id),
        )
        .where(accounts.c.id == scope.account_id)
        .order_by(jobs.c.created_at, jobs.c.id)
    )
    rows = await tx.rows(query)
    if not rows:
        return None, []
    if rows[0]["closing_at"] is not None:
        raise AccountClosing()
    return rows[0]["position"], [_standing(row) for row in rows if row["image_id"] is not None]


_COLUMNS = ("image_id", "seq", "state", "progress", "phase", "error", "message")


def _standing(row: Row) -> Update:
    return Update(snapshot=True, **{name: row[name] for name in ("position", *_COLUMNS)})


async def since(tx: Transaction, scope: Scope, after: int, until: int) -> list[News]:
    """The scope's events after one position up to another, in order, at most ``_LIMIT``.

    Of an image that has been deleted only those hear who follow while it happens.
    """
    query = (
        _WITH_JOB.where(
            events.c.account_id == scope.account_id,
            events.c.position > after,
            events.c.position <= until,
            ~of_deleted(events.c.image_id),
        )
        .order_by(events.c.position)
        .limit(_LIMIT)
    )
    if scope.image_id is not None:
        query = query.where(events.c.image_id == scope.image_id)
    if scope.project_id is not None:
        query = query.where(jobs.c.project_id == scope.project_id)
    if scope.group_id is not None:
        query = query.where(events.c.group_id == scope.group_id)
    return [_as_news(row) for row in await tx.rows(query)]


_WITH_JOB = sa.select(events, jobs.c.project_id, jobs.c.trace).join(
    jobs, jobs.c.id == events.c.job_id
)


def _as_news(row: Row) -> News:
    values = {name: row[name] for name in JobEvent.__struct_fields__}
    return News(JobEvent(**values), row["project_id"], row["trace"])


def is_all(found: list[News]) -> bool:
    """Whether ``since`` or ``news`` found all there was."""
    return len(found) < _LIMIT


async def news(tx: Transaction, known: Mapping[str, int]) -> list[News]:
    """The events of several accounts, at most 100, after the position known of each.

    In the order of the accounts and their positions, at most ``_LIMIT``.
    """
    size = next(size for size in _BATCHES if size >= len(known))
    pairs = [*sorted(known.items()), *[(_NO_ACCOUNT, 0)] * (size - len(known))]
    values: dict[str, Any] = {}
    for number, (account_id, position) in enumerate(pairs):
        values |= {f"a{number}": account_id, f"p{number}": position}
    return [_as_news(row) for row in await tx.rows(_news(size), values)]


@lru_cache
def _news(size: int) -> Prepared:
    """Built once for each size: building it costs more than running it."""
    wanted = (
        (events.c.account_id == sa.bindparam(f"a{number}"))
        & (events.c.position > sa.bindparam(f"p{number}"))
        for number in range(size)
    )
    order = (events.c.account_id, events.c.position)
    return Prepared(_WITH_JOB.where(sa.or_(*wanted)).order_by(*order).limit(_LIMIT))


async def moved_on(tx: Transaction, known: Mapping[str, int]) -> list[str]:
    """Those accounts that have events after the position known of them."""
    query = sa.select(accounts.c.id, accounts.c.position).where(accounts.c.id.in_(list(known)))
    return [row["id"] for row in await tx.rows(query) if row["position"] > known[row["id"]]]
