"""How measured times spread: the median, and what one in a hundred exceeds."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

__all__ = ["median", "p50_p99", "percentile"]


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest of ``values`` that ``share`` (0..1) of them do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, round(share * len(ordered)) - 1))]


def p50_p99(name: str, seconds: Sequence[float]) -> dict[str, float]:
    """Both in milliseconds, as a benchmark's details."""
    return {
        f"{name}_p50_ms": percentile(seconds, 0.5) * 1e3,
        f"{name}_p99_ms": percentile(seconds, 0.99) * 1e3,
    }
