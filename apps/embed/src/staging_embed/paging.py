"""Lists, a page at a time.

From their beginning and without ``limit``, older lists give everything up to 1,000 rows, since
older clients know of no pages; beyond that, and in all other cases, they come in pages.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from staging_core.models import Place

T = TypeVar("T")

PAGE = 200
WHOLE = 1_000
NEW_PAGE = 50

Fetch = Callable[[int], Awaitable[list[T]]]


async def old_page(
    fetch: Fetch[T], limit: int | None, before: Place | None
) -> tuple[list[T], bool]:
    """Rows of a list that older clients know, and whether there are more; ``fetch``: at most n."""
    if limit is None and before is None:
        rows = await fetch(WHOLE + 1)
        return (rows[:PAGE], True) if len(rows) > WHOLE else (rows, False)
    return await _page(fetch, limit or PAGE)


async def new_page(fetch: Fetch[T], limit: int | None) -> tuple[list[T], bool]:
    """Rows of a list of ours, and whether there are more."""
    return await _page(fetch, limit or NEW_PAGE)


async def _page(fetch: Fetch[T], size: int) -> tuple[list[T], bool]:
    rows = await fetch(size + 1)
    return rows[:size], len(rows) > size
