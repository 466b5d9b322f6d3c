"""Predictions that Replicate did not know when it was asked: believed only when it says so again.

A prediction that was just made may not be known everywhere at once, and one that is taken for gone
is paid for once more.
"""

from __future__ import annotations

from collections.abc import Callable

SURE_S = 5.0
_KEPT_S = 3600.0


class Missing:
    """``clock``: Unix seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._since: dict[str, float] = {}

    def is_sure(self, handle: str) -> bool:
        """Replicate does not know it now; whether it did not some seconds ago either."""
        now = self._clock()
        self._since = {
            other: since for other, since in self._since.items() if now - since < _KEPT_S
        }
        return now - self._since.setdefault(handle, now) >= SURE_S

    def is_there(self, handle: str) -> None:
        """Replicate knows it."""
        self._since.pop(handle, None)
