"""An image's history, over HTTP."""

from __future__ import annotations

import msgspec

from staging_core.database.pages import check_limit
from staging_core.models import JobEvent, Principal

from .told import EventTold
from .wire import Wire

_MOST_AT_ONCE = 200


class HistoryTold(msgspec.Struct, frozen=True):
    """A page of events."""

    events: list[EventTold]
    next_cursor: str | None


async def history_of(
    wire: Wire, path: str, who: Principal, *, after: int, limit: int
) -> list[JobEvent]:
    """The next ``limit`` events after a position."""
    check_limit(limit)
    found: list[JobEvent] = []
    begins = {"after": str(after)}
    while True:
        size = min(_MOST_AT_ONCE, limit - len(found))
        page = await wire.get(HistoryTold, path, {**begins, "limit": str(size)})
        found += [each.event(who) for each in page.events]
        if page.next_cursor is None or not page.events or len(found) >= limit:
            return found[:limit]
        begins = {"cursor": page.next_cursor}
