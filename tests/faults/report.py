"""The figures of a run."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

import msgspec

from staging_core.testing.replicate import RunningReplicate

_CHECK = re.compile(r"/v1/predictions/[^/]+")


class Report(msgspec.Struct, kw_only=True):
    """Printed as JSON. ``violations`` and ``leaks`` have to be zero and empty.

    ``final_after_s``: from the last fault to the last job's end. ``books_after_s``: from then until
    also late predictions were known and unwanted ones cancelled. ``waste``: predictions that no
    result came of.
    """

    jobs: int
    workers: int
    seed: int
    outcomes: dict[str, int]
    violations: dict[str, int]
    found: list[str]
    leaks: list[str]
    faults: dict[str, int]
    tormented_s: float
    final_after_s: float
    books_after_s: float
    stop_s: list[float]
    stop_codes: list[int]
    jobs_per_s: float
    predictions: int
    waste: int
    waste_usd: float
    requests_per_job: dict[str, float]

    def text(self) -> str:
        """The report as JSON."""
        return msgspec.json.format(msgspec.json.encode(self), indent=2).decode()


def provider_figures(replicate: RunningReplicate, jobs: int) -> dict[str, Any]:
    """Predictions, waste and requests, from the provider's log of the truth."""
    predictions = replicate.predictions()
    requests = provider_requests(replicate)
    wasted = [made for made in predictions if made["status"] != "succeeded"]
    return {
        "predictions": len(predictions),
        "waste": max(len(predictions) - jobs, 0),
        "waste_usd": round(sum(made["cost_usd"] for made in wasted), 4),
        "requests_per_job": {kind: round(n / jobs, 3) for kind, n in sorted(requests.items())},
    }


def provider_requests(replicate: RunningReplicate) -> Counter[str]:
    """What the provider was asked, by kind; photos are no question."""
    asked = Counter(_kind(line) for line in replicate.truth("request"))
    del asked["other"]
    return asked


def _kind(line: dict[str, Any]) -> str:
    method, path = line["method"], line["path"]
    if method == "POST" and path.endswith("/predictions"):
        return "create"
    if path.endswith("/cancel"):
        return "cancel"
    if method == "GET" and path == "/v1/predictions":
        return "list"
    if method == "GET" and _CHECK.fullmatch(path):
        return "get"
    return "other"
