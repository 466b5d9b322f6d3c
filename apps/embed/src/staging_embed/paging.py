"""Lists, a page at a time.

From their beginning and without ``limit``, older lists give everything up to 1,000 rows, since
older clients know of no pages; beyond that, and in all other cases, they come in pages. A page ends
early when it has ``MOST_BYTES``.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from msgspec import Struct

from staging_core.models import Place

from .answer import encoded

T = TypeVar("T")

PAGE = 200
WHOLE = 1_000
NEW_PAGE = 50
MOST_BYTES = 8 << 20

Fetch = Callable[[int], Awaitable[list[T]]]
FetchFrom = Callable[[int, Place | None], Awaitable[list[T]]]


class WholeList(Struct, frozen=True, kw_only=True):
    """A list that is short by nature, and comes whole: like every list it says where it ends."""

    next_cursor: str | None = None


def never(_rows: list[Any]) -> bool:
    """Of lists that give as many rows as they are asked for, if they have them."""
    return False


async def old_page(
    fetch: FetchFrom[T],
    limit: int | None,
    before: Place | None,
    *,
    place: Callable[[T], Place],
    full: Callable[[list[T]], bool] = never,
) -> tuple[list[T], bool]:
    """Rows of a list that older clients know, and whether there are more.

    ``fetch``: at most n, after a place. ``place``: of a row. ``full``: whether there may be more
    although they are fewer than were asked for.
    """
    if limit is not None or before is not None:
        return await _page(lambda size: fetch(size, before), limit or PAGE, full)
    rows: list[T] = []
    while len(rows) <= WHOLE:
        size = min(PAGE, WHOLE - len(rows)) + 1
        part = await fetch(size, place(rows[-1]) if rows else None)
        rows += part
        within = _within(rows)
        if len(within) < len(rows):
            return within, True
        if len(part) < size and not full(part):
            return rows, False
        if full(part):
            return rows, True
    return rows[:PAGE], True


async def new_page(
    fetch: Fetch[T], limit: int | None, *, full: Callable[[list[T]], bool] = never
) -> tuple[list[T], bool]:
    """Rows of a list of ours, and whether there are more."""
    return await _page(fetch, limit or NEW_PAGE, full)


async def _page(
    fetch: Fetch[T], size: int, full: Callable[[list[T]], bool]
) -> tuple[list[T], bool]:
    found = await fetch(size + 1)
    rows = _within(found[:size])
    return rows, len(rows) < len(found) or full(found)


def _within(rows: list[T]) -> list[T]:
    """As many as make one answer, one at least."""
    size = 0
    for number, row in enumerate(rows):
        size += len(encoded(row))
        if size > MOST_BYTES and number:
            return rows[:number]
    return rows
