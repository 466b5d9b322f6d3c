"""Lists of images: each is read from an index in its order, so length and history do not count.

A list of one state is in the order in which the images' newest jobs were made: a job's state is in
its row, and so is the index. All other lists are in the order of the images.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import sqlalchemy as sa

from staging_core.models import Image, JobState, Place
from staging_core.models.image import FULL, MOST_OF_ONE

from .engine import Transaction
from .images import as_image, seen
from .pages import in_order, newest
from .tables import images, jobs, words
from .words import also, asked_for, beginning_with


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
    equal = {images.c.project_id: project_id, images.c.style: style}
    wanted = [column == value for column, value in equal.items() if value is not None]
    turn: dict[str, Any] = {"limit": limit, "oldest_first": oldest_first}
    if search is not None:
        by = (words.c.created_at, words.c.image_id)
        parts = [
            in_order(part, by, before, **turn)
            for part in await _of_words(tx, account_id, search, states, wanted)
        ]
        return await _united(tx, account_id, parts, **turn)
    if states:
        parts = [
            newest(_of_state(account_id, project_id, state, wanted), jobs, before, **turn)
            for state in sorted(states)
        ]
        return await _united(tx, account_id, parts, **turn)
    query = newest(seen(account_id).where(*wanted), images, before, **turn)
    return [as_image(row) for row in await tx.rows(query)]


Wanted = Sequence[sa.ColumnElement[bool]]


async def _united(
    tx: Transaction,
    account_id: str,
    parts: Sequence[sa.Select[Any]],
    *,
    limit: int,
    oldest_first: bool,
) -> list[Image]:
    """The first of all parts, each of which has images (``id``) in the order of ``at``, ``place``.

    First their ids, then what they are: in one statement a planner may read all images.
    """
    if not parts:
        return []
    found = sa.union_all(*(sa.select(part.subquery()) for part in parts)).subquery()
    # An image that has several of the words is in several parts.
    query = sa.select(found.c.id).group_by(found.c.id, found.c.at, found.c.place)
    by = (found.c.at, found.c.place)
    ids = [
        row["id"]
        for row in await tx.rows(in_order(query, by, None, limit, oldest_first=oldest_first))
    ]
    if not ids:
        return []
    rows = await tx.rows(seen(account_id, some=True).where(images.c.id.in_(ids)))
    by_id = {row["id"]: as_image(row) for row in rows}
    return [by_id[image_id] for image_id in ids]


def _of_state(
    account_id: str, project_id: str | None, state: JobState, wanted: Wanted
) -> sa.Select[Any]:
    """The newest jobs of images that are there, in one range of one index."""
    query = sa.select(
        jobs.c.image_id.label("id"), jobs.c.created_at.label("at"), jobs.c.id.label("place")
    ).where(
        jobs.c.account_id == account_id,
        jobs.c.state == state,
        _is_there(jobs.c.image_id, images.c.job_id == jobs.c.id, *wanted),
    )
    return query if project_id is None else query.where(jobs.c.project_id == project_id)


async def _of_words(
    tx: Transaction,
    account_id: str,
    search: str,
    states: Collection[JobState],
    wanted: Wanted,
) -> list[sa.Select[Any]]:
    """The images of each word that begins with the longest one that is searched for."""
    longest, *others = asked_for(search)
    wanted = [*wanted, *(also(other) for other in others)]
    if states:
        its = sa.select(jobs.c.state).where(jobs.c.id == images.c.job_id).scalar_subquery()
        wanted = [*wanted, its.in_(states)]
    there = _is_there(words.c.image_id, *wanted)
    return [
        sa.select(
            words.c.image_id.label("id"),
            words.c.created_at.label("at"),
            words.c.image_id.label("place"),
        ).where(words.c.account_id == account_id, words.c.word == word, there)
        for word in await beginning_with(tx, account_id, longest)
    ]


def _is_there(
    image_id: sa.ColumnElement[str], *wanted: sa.ColumnElement[bool]
) -> sa.ColumnElement[bool]:
    """Whether an image is there and all of that holds; looked up for each row of a range.

    With a limit, no planner makes a join of it that reads all images.
    """
    found = sa.select(images.c.id).where(
        images.c.id == image_id, images.c.deleted_at.is_(None), *wanted
    )
    return found.limit(1).scalar_subquery().is_not(None)


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
    image of the last original seen. See ``MOST_OF_ONE`` and ``FULL``.
    """
    heads = await tx.rows(newest(_heads(account_id, project_id), images, before, limit))
    order = [row["original_id"] for row in heads]
    chosen = await _chosen(tx, account_id, project_id, order)
    if not chosen:
        return []
    ids = [image_id for group in chosen.values() for image_id in group]
    rows = await tx.rows(seen(account_id, some=True).where(images.c.id.in_(ids)))
    by_id = {row["id"]: as_image(row) for row in rows}
    return [tuple(by_id[image_id] for image_id in group) for group in chosen.values()]


async def _chosen(
    tx: Transaction, account_id: str, project_id: str, order: Sequence[str]
) -> dict[str, list[str]]:
    """Which images of which originals are on a page, until it is full."""
    by = (images.c.created_at, images.c.id)
    one = images.c.original_id
    ranked = (
        sa.select(
            one,
            *by,
            sa.func.row_number().over(partition_by=one, order_by=by).label("first"),
            sa.func.row_number()
            .over(partition_by=one, order_by=[column.desc() for column in by])
            .label("last"),
        )
        .where(
            _as_it_is(images.c.account_id) == account_id,
            _as_it_is(images.c.project_id) == project_id,
            images.c.deleted_at.is_(None),
            one.in_(order),
        )
        .subquery()
    )
    query = (
        sa.select(ranked.c.original_id, ranked.c.id)
        .where(sa.or_(ranked.c.first == 1, ranked.c.last < MOST_OF_ONE))
        .order_by(ranked.c.created_at, ranked.c.id)
    )
    groups: dict[str, list[str]] = {original_id: [] for original_id in order}
    for row in await tx.rows(query):
        groups[row["original_id"]].append(row["id"])
    chosen: dict[str, list[str]] = {}
    for original_id, group in groups.items():
        if group:  # else deleted a moment ago
            chosen[original_id] = group
        if sum(map(len, chosen.values())) >= FULL:
            break
    return chosen


def _heads(account_id: str, project_id: str) -> sa.Select[Any]:
    """The first image of each original in a project."""
    other = images.alias("other")
    earlier = (
        sa.select(other.c.id)
        .where(
            other.c.original_id == images.c.original_id,
            _as_it_is(other.c.project_id) == project_id,
            other.c.deleted_at.is_(None),
            sa.tuple_(other.c.created_at, other.c.id) < sa.tuple_(images.c.created_at, images.c.id),
        )
        .limit(1)
        .scalar_subquery()
    )
    return sa.select(images.c.original_id).where(
        images.c.account_id == account_id,
        images.c.project_id == project_id,
        images.c.deleted_at.is_(None),
        earlier.is_(None),
    )


def _as_it_is(column: sa.Column[Any]) -> sa.ColumnElement[str]:
    """Looked at and never looked up: an account and a project have many images, an original few."""
    return sa.func.coalesce(column, "")
