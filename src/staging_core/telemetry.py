"""What an installation tells of itself: the catalogue of its figures, and silence by default.

The names follow OpenTelemetry's conventions: dots between words, the unit apart. A distribution's
unit is seconds. Every label has few values: models, states, outcomes, names of steps.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from time import perf_counter
from typing import TYPE_CHECKING, Literal

import msgspec

from .interfaces.telemetry import Fact, Telemetry

if TYPE_CHECKING:
    from .database.events import News
    from .ports import Ports


class Metric(msgspec.Struct, frozen=True):
    """One figure. ``unit`` as UCUM writes it."""

    name: str
    kind: Literal["counter", "histogram", "gauge"]
    unit: str
    description: str
    labels: tuple[str, ...] = ()


METRICS: tuple[Metric, ...] = (
    Metric(
        "http.server.request.duration",
        "histogram",
        "s",
        "From a request to the end of its answer; of an event stream, to its beginning.",
        ("method", "route", "status"),
    ),
    Metric("staging.jobs.submitted", "counter", "{job}", "Jobs accepted.", ("model",)),
    Metric("staging.jobs.moved", "counter", "{job}", "Moves of jobs into a state.", ("state",)),
    Metric(
        "staging.jobs.phase", "histogram", "s", "Time of one phase of a job.", ("phase", "model")
    ),
    Metric(
        "staging.jobs.duration", "histogram", "s", "From accepted to the end.", ("model", "state")
    ),
    Metric("staging.jobs.failed", "counter", "{job}", "Jobs that ended badly.", ("code", "model")),
    Metric(
        "staging.attempts", "counter", "{attempt}", "Attempts that ended.", ("model", "outcome")
    ),
    Metric(
        "staging.provider.calls",
        "histogram",
        "s",
        "Calls of models that answer later.",
        ("call", "model", "outcome"),
    ),
    Metric(
        "staging.spend.capped", "counter", "{job}", "Jobs put off by a spend cap.", ("setting",)
    ),
    Metric("staging.provider.cost", "counter", "USD", "What providers charge.", ("model",)),
    Metric("staging.queue.depth", "gauge", "{job}", "Jobs that wait for a worker."),
    Metric("staging.queue.age", "gauge", "s", "How long the oldest due job has waited."),
    Metric("staging.jobs.in_flight", "gauge", "{job}", "Jobs at work or at a provider."),
    Metric("staging.worker.steps", "gauge", "{step}", "Steps that this worker carries."),
    Metric("staging.sweep.duration", "histogram", "s", "One sweep of the leader."),
    Metric("staging.sweep.done", "counter", "{deed}", "What sweeps found to do.", ("deed",)),
    Metric("staging.sweep.failed", "counter", "{deed}", "Deeds of sweeps that failed.", ("deed",)),
    Metric("staging.callbacks", "counter", "{callback}", "Callbacks received.", ("outcome",)),
    Metric("staging.payment_reports", "counter", "{report}", "Reports of payments.", ("outcome",)),
    Metric("staging.webhooks.attempts", "counter", "{attempt}", "Tries to deliver.", ("outcome",)),
    Metric("staging.webhooks.duration", "histogram", "s", "One try to deliver.", ("outcome",)),
    Metric("staging.webhooks.age", "gauge", "s", "How long the oldest due delivery has waited."),
    Metric(
        "staging.gates.closed", "gauge", "{gate}", "Providers and models that are left alone now."
    ),
    Metric("staging.streams", "gauge", "{stream}", "Event streams that are open here."),
    Metric("staging.database.connections", "gauge", "{connection}", "Connections in use here."),
)
"""Every figure that the library tells, and no other."""


class Silent:
    """Tells nobody."""

    def span(
        self, name: str, *, parent: str | None = None, **facts: Fact
    ) -> AbstractContextManager[None]:
        """See ``Telemetry.span``."""
        return nullcontext()

    def current(self) -> str | None:
        """See ``Telemetry.current``."""
        return None

    def note(self, **facts: Fact) -> None:
        """See ``Telemetry.note``."""

    def count(self, name: str, by: float = 1, **labels: str) -> None:
        """See ``Telemetry.count``."""

    def measure(self, name: str, value: float, **labels: str) -> None:
        """See ``Telemetry.measure``."""

    def level(self, name: str, value: float, **labels: str) -> None:
        """See ``Telemetry.level``."""


SILENT: Telemetry = Silent()


def tells_figures(telemetry: Telemetry) -> bool:
    """Whether anybody is told any: what costs something to find out is not asked for nobody."""
    return not isinstance(telemetry, Silent)


def tell_moves(ports: Ports) -> None:
    """Count the moves of jobs that this process commits, from now on."""
    if not tells_figures(ports.telemetry):
        return

    def committed(told: list[News]) -> None:
        for event in (each.event for each in told):
            if event.type == "state":
                ports.telemetry.count("staging.jobs.moved", state=event.state)

    ports.database.on_commit(committed)


@contextmanager
def provider_call(telemetry: Telemetry, call: str, model: str) -> Iterator[None]:
    """A span and a figure for one call of a model that answers later."""
    began, outcome = perf_counter(), "ok"
    try:
        with telemetry.span(f"staging.provider {call}", model=model):
            yield
    except BaseException as error:
        outcome = str(getattr(error, "code", "broken_off"))
        raise
    finally:
        seconds = perf_counter() - began
        telemetry.measure(
            "staging.provider.calls", seconds, call=call, model=model, outcome=outcome
        )
