"""What was looked up a moment ago, so that a burst of calls asks the database once."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable
from typing import Any

KEPT_S = 1.0
"""How long another process may not have noticed that a key was revoked, or a role changed."""

_MOST = 10_000


class Recent:
    """Values by key, each for a second; this process's own changes make it ``forget`` at once."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._kept: dict[Hashable, tuple[float, Any]] = {}
        self.changes = 0

    def get(self, key: Hashable) -> Any:
        """The value, if it was kept within the last second; else None."""
        until, value = self._kept.get(key, (0.0, None))
        return value if self._clock() < until else None

    def keep(self, key: Hashable, value: Any, *, changes: int) -> None:
        """Keep the value, unless something was forgotten since ``changes`` was read.

        A look-up that began before a change must not outlive it.
        """
        if changes != self.changes:
            return
        if len(self._kept) >= _MOST:
            self._kept.clear()
        self._kept[key] = (self._clock() + KEPT_S, value)

    def forget(self) -> None:
        """Something has changed: whatever was looked up before is looked up again."""
        self.changes += 1
        self._kept.clear()
