"""Telemetry and logs of one process.

Where it goes is said by OpenTelemetry's own variables: with ``OTEL_EXPORTER_OTLP_ENDPOINT`` traces,
figures and logs are sent there; ``OTEL_SDK_DISABLED=true`` tells nobody. The settings ``metrics``
and ``log_format`` say the rest. With none of them nothing is imported that costs anything.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from staging_core.telemetry import SILENT

from .exposition import EXPOSED
from .flushing import Flushes

if TYPE_CHECKING:
    from opentelemetry.sdk.metrics.export import MetricReader
    from opentelemetry.sdk.resources import Resource

    from staging_core.interfaces import Telemetry


@contextmanager
def telemetry(
    role: str, *, exposed: bool = False, log_format: str | None = None
) -> Iterator[Telemetry]:
    """Open telemetry for a process of that role; what is left is sent when the block ends.

    ``exposed``: figures are kept for ``/metrics``. ``log_format``: ``json``, ``text``, or by
    default JSON unless somebody sits at a terminal.
    """
    collector = _has_collector()
    with Flushes() as flushes, ExitStack() as stack:
        logs = role != "tool" and _log(stack, flushes, role, log_format, collector=collector)
        if collector or exposed:
            yield _opened(stack, flushes, role, collector=collector, exposed=exposed)
        elif logs:
            from .logged import Logged

            yield Logged()
        else:
            yield SILENT


def _has_collector() -> bool:
    if os.environ.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return False
    endpoints = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
    return any(os.environ.get(name) for name in endpoints)


def _log(
    stack: ExitStack, flushes: Flushes, role: str, log_format: str | None, *, collector: bool
) -> bool:
    """Open logs, if anybody wants them; whether they are open."""
    as_json = log_format == "json" if log_format else not sys.stderr.isatty()
    if not (log_format or collector or as_json):
        return False  # somebody at a terminal, who has asked for nothing
    from .logs import logging_to, sent_to_collector

    stack.enter_context(logging_to(as_json=as_json))
    if collector:
        stack.enter_context(sent_to_collector(resource_of(role), flushes))
    return True


def _opened(
    stack: ExitStack, flushes: Flushes, role: str, *, collector: bool, exposed: bool
) -> Telemetry:
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

        spans, figures = OTLPSpanExporter(), OTLPMetricExporter()
        tracers.add_span_processor(BatchSpanProcessor(spans))
        readers.append(PeriodicExportingMetricReader(figures))
    if exposed:
        readers.append(EXPOSED.reader())
        stack.callback(EXPOSED.forget)
    meters = MeterProvider(readers, resource=resource, shutdown_on_exit=False)
    if collector:
        flushes.add(tracers.shutdown, spans.shutdown)
        flushes.add(meters.shutdown, figures.shutdown)
    else:
        stack.callback(meters.shutdown)
    return Told(tracers, meters)


def resource_of(role: str) -> Resource:
    """Who tells: ``staging-api``, ``staging-worker`` or ``staging-tool`` unless it is named."""
    from opentelemetry.sdk.resources import Resource

    name = os.environ.get("OTEL_SERVICE_NAME") or f"staging-{role}"
    return Resource.create({"service.name": name, "service.namespace": "staging"})
