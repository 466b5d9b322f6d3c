"""Telemetry for one process, as its environment says.

The variables are OpenTelemetry's own: with ``OTEL_EXPORTER_OTLP_ENDPOINT`` traces, figures and
logs go there; ``OTEL_SDK_DISABLED=true`` tells nobody. ``STAGING_METRICS`` keeps figures for
``/metrics`` as well. With none of them nothing is imported that costs anything.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from staging_core.telemetry import SILENT

from .exposition import EXPOSED

if TYPE_CHECKING:
    from opentelemetry.sdk.metrics.export import MetricReader
    from opentelemetry.sdk.resources import Resource

    from staging_core.interfaces import Telemetry

_FLUSH_MS = 3000


def wanted() -> tuple[bool, bool]:
    """Whether figures go to a collector, and whether ``/metrics`` shows them."""
    if os.environ.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return False, False
    endpoints = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
    collector = any(os.environ.get(name) for name in endpoints)
    return collector, os.environ.get("STAGING_METRICS", "").lower() in ("1", "true", "yes", "on")


@contextmanager
def telemetry(role: str) -> Iterator[Telemetry]:
    """Open telemetry for a process of that role; what is left is sent when the block ends."""
    collector, exposed = wanted()
    if not collector and not exposed:
        yield SILENT
        return
    with ExitStack() as stack:
        yield _opened(stack, role, collector=collector, exposed=exposed)


def _opened(stack: ExitStack, role: str, *, collector: bool, exposed: bool) -> Telemetry:
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.trace import TracerProvider

    from .told import Told

    resource = resource_of(role)
    readers: list[MetricReader] = []
    tracers = TracerProvider(resource=resource, shutdown_on_exit=False)
    if collector:
        from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
        from opentelemetry.sdk.trace.export import BatchSpanProcessor

        tracers.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
        readers.append(PeriodicExportingMetricReader(OTLPMetricExporter()))
    if exposed:
        readers.append(EXPOSED.reader())
        stack.callback(EXPOSED.forget)
    meters = MeterProvider(readers, resource=resource, shutdown_on_exit=False)
    stack.callback(meters.shutdown, _FLUSH_MS)
    stack.callback(tracers.shutdown)
    return Told(tracers, meters)


def resource_of(role: str) -> Resource:
    """Who tells: ``staging-api``, ``staging-worker`` or ``staging-tool`` unless it is named."""
    from opentelemetry.sdk.resources import Resource

    name = os.environ.get("OTEL_SERVICE_NAME") or f"staging-{role}"
    return Resource.create({"service.name": name, "service.namespace": "staging"})
