"""What is told of one event stream: short spans, for one that is open for an hour is seen too late.

The request's own span ends when the stream begins. What follows are spans below it: one whenever
something is told, with links to the traces of the jobs that it is about, and one at the end.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager

from staging_core.interfaces import Links, Telemetry, supports
from staging_core.models import Update


class StreamTrace:
    """The spans of one stream, below its request's, which is ``parent``."""

    __slots__ = ("_links", "_parent", "_telemetry")

    def __init__(self, telemetry: Telemetry, parent: str) -> None:
        self._telemetry = telemetry
        self._links = supports(telemetry, Links)
        self._parent = parent

    def telling(self, updates: Sequence[Update]) -> AbstractContextManager[None]:
        """Around sending them."""
        name, facts = "staging.stream tell", {"events": len(updates)}
        if self._links is None:
            return self._telemetry.span(name, parent=self._parent, **facts)
        traces = dict.fromkeys(each.trace for each in updates if each.trace)
        return self._links.linked(name, links=traces, parent=self._parent, **facts)

    def ended(self, *, by: str, events: int, open_s: float) -> None:
        """The stream is over; ``by``: the ``client``, the ``server``, or it was ``not read``."""
        name, parent = "staging.stream end", self._parent
        with self._telemetry.span(name, parent=parent, ended_by=by, events=events, open_s=open_s):
            pass


def trace_of_stream(telemetry: Telemetry) -> StreamTrace | None:
    """That of a stream whose request is the current span; None where nobody listens."""
    parent = telemetry.current()
    return None if parent is None else StreamTrace(telemetry, parent)
