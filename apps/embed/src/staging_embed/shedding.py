"""Load shedding: under too much load new work is turned away, and everything else goes on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from staging_core.errors import Overloaded


class Shedding:
    """Counts requests of this process that create something. ``most``: at one time."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.running = 0

    @contextmanager
    def one(self) -> Iterator[None]:
        """Room for one; ``Overloaded`` when there is none."""
        if self.running >= self.most:
            raise Overloaded()
        self.running += 1
        try:
            yield
        finally:
            self.running -= 1
