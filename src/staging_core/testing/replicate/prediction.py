"""One prediction, as the provider keeps it and as it shows it."""

from __future__ import annotations

from typing import Any

import msgspec

from staging_core.testing.double.timeline import iso

from .chaos import Fate
from .model import Model

TERMINAL = frozenset({"succeeded", "failed", "canceled", "aborted"})
UNKNOWN_STATUS = "preempted"
KEPT_S = 3600.0


class Prediction(msgspec.Struct, kw_only=True, eq=False):
    """Times are Unix seconds of the double. ``attempt``: the last part of the callback's path.

    ``base_url``: under which the client made it. ``visible``: from when on ``get`` and ``list``
    know it. ``photo``: the name of the picture that it works on, once fetched. ``gone``: it
    was deleted early, as if the hour were over.
    """

    id: str
    ordinal: int
    model: Model
    input: dict[str, Any]
    fate: Fate
    base_url: str
    created: float
    visible: float
    deadline: float | None = None
    webhook: str | None = None
    events: frozenset[str] = frozenset()
    attempt: str | None = None
    status: str = "starting"
    started: float | None = None
    completed: float | None = None
    error: str | None = None
    logs: str = ""
    output: list[str] | str | None = None
    cost_usd: float = 0.0
    photo: str | None = None
    gone: bool = False

    @property
    def ended(self) -> bool:
        """Whether it stays as it is."""
        return self.status in TERMINAL

    def expired(self, now: float) -> bool:
        """Whether its input, output and logs are deleted: an hour after the end, or sooner."""
        return self.gone or (self.completed is not None and now >= self.completed + KEPT_S)

    def shown(self, now: float) -> dict[str, Any]:
        """The prediction as the API answers it."""
        gone = self.expired(now)
        return {
            "id": self.id,
            "model": self.model.id,
            "version": "hidden" if self.model.official else self.model.version,
            "input": {} if gone else self.input,
            "logs": "" if gone else self.logs,
            "output": None if gone else self.output,
            "data_removed": gone,
            "error": self.error,
            "source": "api",
            "status": self.status,
            "created_at": iso(self.created),
            "started_at": iso(self.started),
            "completed_at": iso(self.completed),
            "urls": self._urls(),
            "metrics": self._metrics(),
            **({"deadline": iso(self.deadline)} if self.deadline else {}),
        }

    def outcome(self) -> dict[str, Any]:
        """The prediction as the truth tells it."""
        return {
            "id": self.id,
            "model": self.model.id,
            "attempt": self.attempt,
            "status": self.status,
            "cost_usd": self.cost_usd,
            "created_at": self.created,
            "completed_at": self.completed,
            "faults": self.fate.faults(),
        }

    def _urls(self) -> dict[str, str]:
        one = f"{self.base_url}/v1/predictions/{self.id}"
        return {"get": one, "cancel": f"{one}/cancel", "web": f"{self.base_url}/p/{self.id}"}

    def _metrics(self) -> dict[str, float]:
        if self.completed is None:
            return {}
        metrics = {"total_time": self.completed - self.created}
        if self.started is not None:
            metrics["predict_time"] = self.completed - self.started
        if self.status == "succeeded":
            metrics["image_count"] = len(self.output) if isinstance(self.output, list) else 1
        return metrics
