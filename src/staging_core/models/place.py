"""Where a page of a list ends."""

from __future__ import annotations

from typing import NamedTuple


class Place(NamedTuple):
    """When a thing was made (Unix seconds), and its id: the next page begins after it."""

    at: float
    id: str
