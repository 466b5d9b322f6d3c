"""Figures as Prometheus reads them: kept in this process, written when somebody asks."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from opentelemetry.exporter.prometheus import PrometheusMetricReader
    from prometheus_client import CollectorRegistry


class Exposition:
    """What this process counted: ``reader`` begins, ``text`` shows it, ``forget`` ends it."""

    def __init__(self) -> None:
        self._registry: CollectorRegistry | None = None

    def reader(self) -> PrometheusMetricReader:
        """A reader for a meter provider; its figures are shown until ``forget``."""
        from opentelemetry.exporter.prometheus import PrometheusMetricReader
        from prometheus_client import CollectorRegistry

        self._registry = CollectorRegistry()
        return PrometheusMetricReader(
            registry=self._registry, scope_info_enabled=False, disable_target_info=True
        )

    def forget(self) -> None:
        """Nothing is shown any more."""
        self._registry = None

    def text(self) -> tuple[bytes, str] | None:
        """All figures and their content type; None where they are not kept."""
        if self._registry is None:
            return None
        from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

        return generate_latest(self._registry), CONTENT_TYPE_LATEST


EXPOSED = Exposition()
"""The process has one."""
