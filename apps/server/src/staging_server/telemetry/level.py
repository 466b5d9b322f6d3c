"""One level as OpenTelemetry asks for it: a gauge that is set would be told for ever."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from opentelemetry.metrics import CallbackOptions, Observation


class Level:
    """How high something stands, by its labels; exporters ask from threads of their own."""

    def __init__(self) -> None:
        self._values: dict[tuple[tuple[str, str], ...], float] = {}

    def set(self, value: float, labels: Mapping[str, str]) -> None:
        """It stands so high now."""
        self._values[_key(labels)] = value

    def forget(self, labels: Mapping[str, str]) -> None:
        """Nobody knows how high."""
        self._values.pop(_key(labels), None)

    def shown(self, _: CallbackOptions) -> Iterable[Observation]:
        """All that is known."""
        return [Observation(value, dict(labels)) for labels, value in self._values.copy().items()]


def _key(labels: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    return tuple(sorted(labels.items()))
