"""Telemetry: how an installation tells what it does, as traces and metrics."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import AbstractContextManager
from typing import Protocol

Fact = str | int | float | bool


class Telemetry(Protocol):
    """Where spans and figures go. No call may block, raise or wait.

    Names, units and labels of figures are those of ``staging_core.telemetry.METRICS``; labels have
    few values, facts of spans may have many. Neither ever holds a secret, an address that is
    signed, or a customer's words.
    """

    def span(
        self, name: str, *, parent: str | None = None, **facts: Fact
    ) -> AbstractContextManager[None]:
        """A span around the block, a child of the current one.

        ``parent``: the trace that goes on here instead, as ``current`` told it elsewhere. What the
        block raises passes through, and the span says so.
        """
        ...

    def current(self) -> str | None:
        """The current span as a W3C ``traceparent``; None outside of any."""
        ...

    def note(self, **facts: Fact) -> None:
        """More facts of the current span, learnt meanwhile."""
        ...

    def count(self, name: str, by: float = 1, **labels: str) -> None:
        """Add to a counter."""
        ...

    def measure(self, name: str, value: float, **labels: str) -> None:
        """One observation of a distribution."""
        ...

    def level(self, name: str, value: float, **labels: str) -> None:
        """How high something stands now."""
        ...


class Forgets(Protocol):
    """Optional: levels that end with what is known of them."""

    def forget(self, name: str, **labels: str) -> None:
        """How high it stands is not known any more; nothing is told until ``level`` says it."""
        ...


class Links(Protocol):
    """Optional: spans that point to others which are neither above nor below them."""

    def linked(
        self, name: str, *, links: Collection[str], parent: str | None = None, **facts: Fact
    ) -> AbstractContextManager[None]:
        """As ``Telemetry.span``, with links to spans that ``current`` told elsewhere."""
        ...
