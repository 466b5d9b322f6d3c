"""What is told of one event stream: short spans, for one that is open for an hour is seen too late.

The request's own span ends when the stream begins. What follows are spans below it: one whenever
something is told, with links to the traces of the jobs that it is about, and one at the end.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import AbstractContextManager

from staging_core.interfaces import Links, Telemetry, supports
from staging_core.models import Update


class StreamTrace:
    """The spans of one stream, below its request's, which is ``parent``."""

    __slots__ = ("_began", "_links", "_parent", "_telemetry", "_told")

    def __init__(self, telemetry: Telemetry, parent: str) -> None:
        self._telemetry = telemetry
        self._links = supports(telemetry, Links)
        self._parent = parent
        self._began = time.monotonic()
        self._told = 0

    def telling(self, updates: Sequence[Update]) -> AbstractContextManager[None]:
        """Around sending them."""
        self._told += len(updates)
        name, facts = "staging.stream tell", {"events": len(updates)}
        if self._links is None:
            return self._telemetry.span(name, parent=self._parent, **facts)
        traces = dict.fromkeys(each.trace for each in updates if each.trace)
        return self._links.linked(name, links=traces, parent=self._parent, **facts)

    def ended(self, *, by: str) -> None:
        """The stream is over; ``by`` the ``client`` or the ``server``."""
        open_s = round(time.monotonic() - self._began, 3)
        name, told = "staging.stream end", self._told
        with self._telemetry.span(
            name, parent=self._parent, ended_by=by, events=told, open_s=open_s
        ):
            pass


def trace_of_stream(telemetry: Telemetry) -> StreamTrace | None:
    """That of a stream whose request is the current span; None where nobody listens."""
    parent = telemetry.current()
    return None if parent is None else StreamTrace(telemetry, parent)
