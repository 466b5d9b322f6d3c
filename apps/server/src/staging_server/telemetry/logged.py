"""``Telemetry`` of a process that tells nobody but its log: spans are ids in its lines."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from structlog.contextvars import bind_contextvars, bound_contextvars

from staging_core.interfaces.telemetry import Fact
from staging_core.telemetry import Silent

from .names import names_bound, names_in

_CURRENT: ContextVar[str | None] = ContextVar("current", default=None)


class Logged(Silent):
    """No figures; a trace is kept as whoever calls names it, or begun, so that lines have one."""

    @contextmanager
    def span(self, name: str, *, parent: str | None = None, **facts: Fact) -> Iterator[None]:
        """See ``Telemetry.span``."""
        above = parent or self.current()
        trace, flags = (above[3:35], above[53:55]) if above else (secrets.token_hex(16), "00")
        span = secrets.token_hex(8)
        token = _CURRENT.set(f"00-{trace}-{span}-{flags}")
        try:
            with bound_contextvars(trace_id=trace, span_id=span), names_bound(facts):
                yield
        finally:
            _CURRENT.reset(token)

    def current(self) -> str | None:
        """See ``Telemetry.current``."""
        return _CURRENT.get()

    def note(self, **facts: Fact) -> None:
        """See ``Telemetry.note``."""
        bind_contextvars(**names_in(facts))
