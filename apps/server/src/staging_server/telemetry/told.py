"""``Telemetry`` over OpenTelemetry: one instrument for each figure of the catalogue."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import AbstractContextManager, contextmanager

from opentelemetry import metrics, trace
from opentelemetry.context import Context
from opentelemetry.trace import SpanKind, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from structlog.contextvars import bind_contextvars

from staging_core.errors import StagingError
from staging_core.interfaces.telemetry import Fact
from staging_core.telemetry import METRICS, Metric

from .level import Level
from .names import names_bound, names_in

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 900)
_PROPAGATOR = TraceContextTextMapPropagator()


class Told:
    """Implements ``Telemetry``, ``Links`` and ``Forgets``; tells the providers it is given."""

    def __init__(
        self,
        tracers: trace.TracerProvider,
        meters: metrics.MeterProvider,
        catalogue: tuple[Metric, ...] = METRICS,
    ) -> None:
        self._tracer = tracers.get_tracer("staging_core")
        self._meter = meters.get_meter("staging_core")
        of = {kind: [each for each in catalogue if each.kind == kind] for kind in _KINDS}
        self._counters = {
            each.name: self._meter.create_counter(each.name, each.unit, each.description)
            for each in of["counter"]
        }
        self._histograms = {
            each.name: self._meter.create_histogram(
                each.name,
                each.unit,
                each.description,
                explicit_bucket_boundaries_advisory=_SECONDS,
            )
            for each in of["histogram"]
        }
        self._levels = {each.name: Level() for each in of["gauge"]}
        for each in of["gauge"]:
            shown = [self._levels[each.name].shown]
            self._meter.create_observable_gauge(each.name, shown, each.unit, each.description)

    def span(
        self, name: str, *, parent: str | None = None, **facts: Fact
    ) -> AbstractContextManager[None]:
        """See ``Telemetry.span``."""
        return self.linked(name, links=(), parent=parent, **facts)

    @contextmanager
    def linked(
        self, name: str, *, links: Collection[str], parent: str | None = None, **facts: Fact
    ) -> Iterator[None]:
        """See ``Links.linked``. A failure of ours is told by its code, others by their class."""
        kind = SpanKind.CLIENT if name.startswith("staging.provider") else SpanKind.INTERNAL
        with self._tracer.start_as_current_span(
            name,
            context=context_of(parent),
            kind=kind,
            attributes=facts,
            links=[link_to(each) for each in links],
            record_exception=False,  # its words may be a customer's, or hold an address
            set_status_on_exception=False,
        ) as span:
            try:
                with names_bound(facts):
                    yield
            except Exception as error:
                code = error.code if isinstance(error, StagingError) else type(error).__name__
                span.set_attribute("error.type", code)
                span.set_status(Status(StatusCode.ERROR, code))
                raise

    def current(self) -> str | None:
        """See ``Telemetry.current``."""
        carrier: dict[str, str] = {}
        _PROPAGATOR.inject(carrier)
        return carrier.get("traceparent")

    def note(self, **facts: Fact) -> None:
        """See ``Telemetry.note``."""
        trace.get_current_span().set_attributes(facts)
        bind_contextvars(**names_in(facts))

    def count(self, name: str, by: float = 1, **labels: str) -> None:
        """See ``Telemetry.count``."""
        self._counters[name].add(by, labels)

    def measure(self, name: str, value: float, **labels: str) -> None:
        """See ``Telemetry.measure``."""
        self._histograms[name].record(value, labels)

    def level(self, name: str, value: float, **labels: str) -> None:
        """See ``Telemetry.level``."""
        self._levels[name].set(value, labels)

    def forget(self, name: str, **labels: str) -> None:
        """See ``Forgets.forget``."""
        self._levels[name].forget(labels)


_KINDS = ("counter", "histogram", "gauge")


def link_to(traceparent: str) -> trace.Link:
    """A link to the span that a ``traceparent`` names."""
    return trace.Link(trace.get_current_span(context_of(traceparent)).get_span_context())


def context_of(traceparent: str | None) -> Context | None:
    """The context that a ``traceparent`` names; None for the current one."""
    return None if traceparent is None else _PROPAGATOR.extract({"traceparent": traceparent})
