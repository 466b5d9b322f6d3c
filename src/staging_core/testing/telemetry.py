"""Telemetry for tests: what was told is kept, and what the catalogue does not know is refused."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar

import msgspec

from staging_core.interfaces.telemetry import Fact
from staging_core.telemetry import METRICS

_TRACE = "00-0af7651916cd43dd8448eb211c80319c-{:016x}-01"


class ToldSpan(msgspec.Struct):
    """One span. ``parent``: the traceparent it goes on from; ``error``: the class that broke it.

    ``links``: the traceparents that it points to; ``ended``: whether it is over.
    """

    name: str
    parent: str | None
    facts: dict[str, Fact]
    traceparent: str
    error: str | None = None
    links: tuple[str, ...] = ()
    ended: bool = False


class Heard:
    """``spans`` in the order they began; ``counted`` and ``levels`` by name and labels."""

    def __init__(self) -> None:
        self.spans: list[ToldSpan] = []
        self.counted: Counter[tuple[str, ...]] = Counter()
        self.measured: dict[tuple[str, ...], list[float]] = {}
        self.levels: dict[tuple[str, ...], float] = {}
        self._current: ContextVar[ToldSpan | None] = ContextVar("current", default=None)

    @contextmanager
    def linked(
        self, name: str, *, links: Collection[str], parent: str | None = None, **facts: Fact
    ) -> Iterator[None]:
        """See ``Links.linked``."""
        above, own = parent or self.current(), _TRACE.format(len(self.spans) + 1)
        told = ToldSpan(name, above, facts, own, links=tuple(links))
        self.spans.append(told)
        before = self._current.set(told)
        try:
            yield
        except BaseException as error:
            told.error = type(error).__name__
            raise
        finally:
            told.ended = True
            self._current.reset(before)

    def span(
        self, name: str, *, parent: str | None = None, **facts: Fact
    ) -> AbstractContextManager[None]:
        """See ``Telemetry.span``."""
        return self.linked(name, links=(), parent=parent, **facts)

    def current(self) -> str | None:
        """See ``Telemetry.current``."""
        current = self._current.get()
        return None if current is None else current.traceparent

    def note(self, **facts: Fact) -> None:
        """See ``Telemetry.note``."""
        current = self._current.get()
        if current is not None:
            current.facts |= facts

    def count(self, name: str, by: float = 1, **labels: str) -> None:
        """See ``Telemetry.count``."""
        self.counted[_key(name, "counter", labels)] += by  # type: ignore[assignment]

    def measure(self, name: str, value: float, **labels: str) -> None:
        """See ``Telemetry.measure``."""
        self.measured.setdefault(_key(name, "histogram", labels), []).append(value)

    def level(self, name: str, value: float, **labels: str) -> None:
        """See ``Telemetry.level``."""
        self.levels[_key(name, "gauge", labels)] = value

    def forget(self, name: str, **labels: str) -> None:
        """See ``Forgets.forget``."""
        self.levels.pop(_key(name, "gauge", labels), None)


_KNOWN = {metric.name: metric for metric in METRICS}


def _key(name: str, kind: str, labels: dict[str, str]) -> tuple[str, ...]:
    metric = _KNOWN[name]
    assert metric.kind == kind, f"{name} is a {metric.kind}"
    assert set(labels) == set(metric.labels), f"{name} has the labels {metric.labels}"
    return (name, *(labels[label] for label in metric.labels))
