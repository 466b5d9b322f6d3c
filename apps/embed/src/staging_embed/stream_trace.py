"""What is told of one event stream: short spans, for one that is open for an hour is seen too late.

The request's own span ends when the stream begins. What follows are spans below it: one whenever
something is told, with links to the traces of the jobs that it is about, one whenever something
is in the way, and one at the end. What is logged within them has the ids that the request had.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager

from staging_core.interfaces import Links, Telemetry, supports
from staging_core.interfaces.telemetry import Fact
from staging_core.models import Update


class StreamTrace:
    """The spans of one stream, below its request's, which is ``parent``.

    ``request`` and ``user``: whose it is.
    """

    __slots__ = ("_links", "_parent", "_request", "_telemetry", "_user")

    def __init__(self, telemetry: Telemetry, parent: str, *, request: str, user: str) -> None:
        self._telemetry = telemetry
        self._links = supports(telemetry, Links)
        self._parent = parent
        self._request = request
        self._user = user

    def telling(self, updates: Sequence[Update]) -> AbstractContextManager[None]:
        """Around sending them."""
        if self._links is None:
            return self.step("tell", events=len(updates))
        traces = dict.fromkeys(each.trace for each in updates if each.trace)
        facts = self._facts(events=len(updates))
        return self._links.linked("staging.stream tell", links=traces, parent=self._parent, **facts)

    def step(self, name: str, **facts: Fact) -> AbstractContextManager[None]:
        """Around something else that becomes of it: ``wait``, ``break``, ``end``."""
        more = self._facts(**facts)
        return self._telemetry.span(f"staging.stream {name}", parent=self._parent, **more)

    def _facts(self, **facts: Fact) -> dict[str, Fact]:
        return {"staging.request": self._request, "staging.user": self._user, **facts}


def trace_of_stream(telemetry: Telemetry, *, request: str, user: str) -> StreamTrace | None:
    """That of a stream whose request is the current span; None where nobody listens."""
    parent = telemetry.current()
    return None if parent is None else StreamTrace(telemetry, parent, request=request, user=user)
