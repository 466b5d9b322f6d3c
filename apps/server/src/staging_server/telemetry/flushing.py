"""What is left to be told when a process ends: sent all at once, and within a time.

The exporters' own limits are 10 s each and more, one after the other: a collector that is away
would keep a process longer than whoever stops it waits.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

log = logging.getLogger("staging_server")

FLUSH_S = 2.0


class Flushes:
    """Runs when the block ends; what is not sent after ``FLUSH_S`` is given up."""

    def __init__(self) -> None:
        self._each: list[tuple[threading.Thread, Callable[[], object]]] = []

    def add(self, shutdown: Callable[[], object], give_up: Callable[[], object]) -> None:
        """``shutdown`` sends what is left, in a thread; ``give_up`` makes it return soon."""
        thread = threading.Thread(target=_told, args=(shutdown,), name="flush", daemon=True)
        self._each.append((thread, give_up))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        until = time.monotonic() + FLUSH_S
        for thread, _ in self._each:
            thread.start()
        for thread, give_up in self._each:
            thread.join(max(0.0, until - time.monotonic()))
            if thread.is_alive():
                log.warning("not everything was told to the collector")
                _told(give_up)


def _told(act: Callable[[], object]) -> None:
    """A collector that is away makes nobody's end an error."""
    try:
        act()
    except Exception:
        log.warning("not everything was told to the collector", exc_info=True)
