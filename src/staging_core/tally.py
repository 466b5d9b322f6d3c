"""What a sweep does, counted by name; what fails is told, and keeps nothing else from its turn."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable

from .ports import Ports

log = logging.getLogger("staging_core")


class Tally:
    """Of one sweep. ``done``: how many of each name; ``failed``: names of what failed."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports
        self.done: dict[str, int] = {}
        self.failed: list[str] = []
        self._told: dict[str, int] = {}

    async def of(self, name: str, deed: Callable[[], Awaitable[int | None]]) -> bool:
        """Do it; False when it failed. One that answers with None is not counted."""
        try:
            times = await deed()
        except Exception:
            # Whatever it is: a listing that is denied must not keep old tickets here.
            log.warning("sweep: %s failed; the rest is done", name, exc_info=True)
            self._ports.telemetry.count("staging.sweep.failed", deed=name)
            self.failed.append(name)
            return False
        if times is not None:
            self.done[name] = self.done.get(name, 0) + times
        return True

    def tell(self) -> None:
        """Count in the figures what was done since the last time."""
        for name, times in self.done.items():
            if more := times - self._told.get(name, 0):
                self._ports.telemetry.count("staging.sweep.done", more, deed=name)
        self._told = dict(self.done)
