"""Lists of images: each is read from an index in its order, so length and history do not count.

A list of one state is in the order in which the images' newest jobs were made: a job's state is in
its row, and so is the index. All other lists are in the order of the images.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import sqlalchemy as sa

from staging_core.models import Image, JobState, Place

from .engine import Transaction
from .images import as_image, seen
from .pages import in_order, newest
from .tables import images, jobs, words
from .words import also, asked_for, beginning_with, range_of


async def page(
    tx: Transaction,
    account_id: str,
    *,
    project_id: str | None = None,
    states: Collection[JobState] = (),
    style: str | None = None,
    search: str | None = None,
    before: Place | None = None,
    limit: int = 50,
    oldest_first: bool = False,
) -> list[Image]:
    """The account's images for which all that is given holds.

    ``states``: none means any. ``search``: words that each begin one of the image's. ``before``:
    the place of the last one seen; in lists by ``states`` without ``search``, that of its job.
    """
    wanted = _wanted(project_id, style)
    turn: dict[str, Any] = {"limit": limit, "oldest_first": oldest_first}
    if search is not None:
        parts = [
            in_order(part.where(*wanted), (words.c.created_at, words.c.image_id), before, **turn)
            for part in await _of_words(tx, account_id, search, states)
        ]
        return await _united(tx, account_id, parts, images, **turn) if parts else []
    if states:
        parts = [
            newest(_of_state(account_id, project_id, state).where(*wanted), jobs, before, **turn)
            for state in sorted(states)
        ]
        return await _united(tx, account_id, parts, jobs, **turn)
    query = newest(seen(account_id).where(*wanted), images, before, **turn)
    return [as_image(row) for row in await tx.rows(query)]


async def _united(
    tx: Transaction,
    account_id: str,
    parts: list[sa.Select[Any]],
    table: sa.Table,
    **turn: Any,
) -> list[Image]:
    """The first of all parts, each of which has the ids of some of ``table`` in its order."""
    found = sa.union_all(*(sa.select(part.subquery().c.id) for part in parts)).subquery()
    query = seen(account_id).where(table.c.id.in_(sa.select(found.c.id)))
    return [as_image(row) for row in await tx.rows(newest(query, table, None, **turn))]


async def _of_words(
    tx: Transaction, account_id: str, search: str, states: Collection[JobState]
) -> list[sa.Select[Any]]:
    """The images of each word that begins with the longest one that is searched for."""
    longest, *others = asked_for(search)
    parts = []
    for word in await beginning_with(tx, account_id, longest):
        part = range_of(account_id, word).where(*(also(other) for other in others))
        if states:
            part = part.join(jobs, jobs.c.id == images.c.job_id).where(jobs.c.state.in_(states))
        parts.append(part)
    return parts


def _wanted(project_id: str | None, style: str | None) -> list[sa.ColumnElement[bool]]:
    equal = {images.c.project_id: project_id, images.c.style: style}
    return [column == value for column, value in equal.items() if value is not None]


def _of_state(account_id: str, project_id: str | None, state: JobState) -> sa.Select[Any]:
    """The newest jobs of images that are there, in one range of one index."""
    query = (
        sa.select(jobs.c.id)
        .join(images, (images.c.id == jobs.c.image_id) & (images.c.job_id == jobs.c.id))
        .where(jobs.c.account_id == account_id, jobs.c.state == state)
        .where(images.c.deleted_at.is_(None))
    )
    return query if project_id is None else query.where(jobs.c.project_id == project_id)


async def by_original(
    tx: Transaction,
    account_id: str,
    project_id: str,
    *,
    before: Place | None = None,
    limit: int = 50,
) -> list[tuple[Image, ...]]:
    """A project's images, those of one original together, oldest first.

    The originals come by the first image of each, newest first; ``before``: the place of the first
    image of the last original seen.
    """
    heads = await tx.rows(newest(_heads(account_id, project_id), images, before, limit))
    order = [row["original_id"] for row in heads]
    query = (
        seen(account_id)
        .where(images.c.project_id == project_id, images.c.original_id.in_(order))
        .order_by(images.c.created_at, images.c.id)
    )
    groups: dict[str, list[Image]] = {original_id: [] for original_id in order}
    for row in await tx.rows(query):
        groups[row["original_id"]].append(as_image(row))
    return [tuple(group) for group in groups.values()]


def _heads(account_id: str, project_id: str) -> sa.Select[Any]:
    """The first image of each original in a project."""
    other = images.alias("other")
    earlier = sa.exists().where(
        other.c.original_id == images.c.original_id,
        other.c.project_id == project_id,
        other.c.deleted_at.is_(None),
        sa.tuple_(other.c.created_at, other.c.id) < sa.tuple_(images.c.created_at, images.c.id),
    )
    return sa.select(images.c.original_id).where(
        images.c.account_id == account_id,
        images.c.project_id == project_id,
        images.c.deleted_at.is_(None),
        ~earlier,
    )
