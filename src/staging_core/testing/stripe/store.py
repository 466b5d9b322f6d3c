"""All objects by id, and pages of them."""

from __future__ import annotations

import random
import string
from collections.abc import Callable
from typing import Any

from .refusal import Refused, missing

_LETTERS = string.ascii_letters + string.digits
Object = dict[str, Any]


class Store:
    """Objects in the order in which they were made. Names that begin with ``_`` are the double's.

    ``seed``: the ids follow from it.
    """

    def __init__(self, seed: int) -> None:
        self._chance = random.Random(f"{seed} ids")  # noqa: S311 - to be repeated
        self._kinds: dict[str, dict[str, Object]] = {}

    def letters(self, number: int) -> str:
        """So many letters and digits."""
        return "".join(self._chance.choices(_LETTERS, k=number))

    def new_id(self, prefix: str) -> str:
        """An id that nothing has yet."""
        return f"{prefix}_1{self.letters(23)}"

    def add(self, value: Object) -> Object:
        """Keep the object."""
        self._kinds.setdefault(value["object"], {})[value["id"]] = value
        return value

    def remove(self, value: Object) -> None:
        """Forget the object."""
        self._kinds[value["object"]].pop(value["id"], None)

    def known(self, kind: str, id: str | None) -> Object | None:
        """The object, or nothing."""
        return self._kinds.get(kind, {}).get(id or "")

    def any(self, id: str) -> Object | None:
        """The object of whatever kind."""
        return next((of[id] for of in self._kinds.values() if id in of), None)

    def all(self, kind: str, **having: Any) -> list[Object]:
        """Those of a kind that have these values, the oldest first."""
        return [
            value
            for value in self._kinds.get(kind, {}).values()
            if all(value.get(name) == wanted for name, wanted in having.items())
        ]


def page(
    found: list[Object], params: dict[str, Any], url: str, kind: str, shown: Callable[[Object], Any]
) -> Object:
    """A page of ``found`` (the newest first), as ``limit`` and the cursors in ``params`` say."""
    limit = params.get("limit", 10)
    if not 1 <= limit <= 100:
        raise Refused(
            f"Invalid integer: limit must be between 1 and 100, not {limit}.",
            code="parameter_invalid_integer",
            param="limit",
        )
    after, before = params.get("starting_after"), params.get("ending_before")
    if after and before:
        raise Refused("You cannot use starting_after and ending_before together.")
    ids = [value["id"] for value in found]
    for name, cursor in (("starting_after", after), ("ending_before", before)):
        if cursor and cursor not in ids:
            raise missing(kind, cursor, name, status=400)
    if before:
        end = ids.index(before)
        piece, more = found[max(0, end - limit) : end], end > limit
    else:
        start = ids.index(after) + 1 if after else 0
        piece, more = found[start : start + limit], len(found) > start + limit
    return listing([shown(value) for value in piece], url, has_more=more)


def listing(data: list[Any], url: str, *, has_more: bool = False) -> Object:
    """A list object."""
    return {"object": "list", "data": data, "has_more": has_more, "url": url}


def within(value: int, bounds: Any) -> bool:
    """Whether a time is the number, or within ``gt``, ``gte``, ``lt`` and ``lte``."""
    if isinstance(bounds, int):
        return value == bounds
    return bool(
        value > bounds.get("gt", -1)
        and value >= bounds.get("gte", 0)
        and value < bounds.get("lt", 2**63)
        and value <= bounds.get("lte", 2**63)
    )
