"""Pages of a list: by the place of the last item seen, so that every page costs the same."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from staging_core.errors import ValidationFailed
from staging_core.models import Place

LONGEST = 10_000


def newest(
    query: sa.Select[Any],
    table: sa.Table,
    before: Place | None,
    limit: int,
    *,
    oldest_first: bool = False,
) -> sa.Select[Any]:
    """The query's next ``limit`` rows after ``before``, in the order of ``table``'s times."""
    by = (table.c.created_at, table.c.id)
    return in_order(query, by, before, limit, oldest_first=oldest_first)


def in_order(
    query: sa.Select[Any],
    by: tuple[sa.ColumnElement[float], sa.ColumnElement[str]],
    before: Place | None,
    limit: int,
    *,
    oldest_first: bool = False,
) -> sa.Select[Any]:
    """The same ``by`` these two columns, a time and an id."""
    check_limit(limit)
    if before is not None:
        place, seen = sa.tuple_(*by), sa.tuple_(*before)
        query = query.where(place > seen if oldest_first else place < seen)
    order = [column if oldest_first else column.desc() for column in by]
    return query.order_by(*order).limit(limit)


def check_limit(limit: int) -> None:
    """``ValidationFailed`` unless a page may be so long."""
    if not 1 <= limit <= LONGEST:
        told = f"A page has 1 to {LONGEST} items, not {limit}."
        raise ValidationFailed(told, fields={"limit": told})
