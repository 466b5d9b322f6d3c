"""Lists that a server gives in pages, as long as they are asked for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol, TypeVar

from staging_core.database.pages import check_limit
from staging_core.models import Place

from .wire import Wire

_MOST_AT_ONCE = 200
R = TypeVar("R")


class Page(Protocol[R]):
    """A page as it is answered."""

    @property
    def next_cursor(self) -> str | None:
        """Of the page after it."""
        ...

    def rows(self) -> list[R]:
        """What is on it."""
        ...


async def rows_of(
    wire: Wire,
    shape: type[Page[R]],
    path: str,
    query: Mapping[str, str],
    *,
    before: Place | None,
    limit: int,
) -> list[R]:
    """The list's next ``limit`` rows after ``before``."""
    check_limit(limit)
    found: list[R] = []
    begins = {} if before is None else {"before": f"{float(before[0])!r},{before[1]}"}
    while True:
        size = min(_MOST_AT_ONCE, limit - len(found))
        page = await wire.get(shape, path, {**query, **begins, "limit": str(size)})
        found += page.rows()
        if page.next_cursor is None or len(found) >= limit or not page.rows():
            return found[:limit]
        begins = {"cursor": page.next_cursor}
