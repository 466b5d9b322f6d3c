"""What a benchmark found, in the same shape for all of them."""

from __future__ import annotations

import os
import platform
import resource
import sys
from typing import Any

import msgspec


def machine() -> dict[str, Any]:
    """What the figures were taken on."""
    return {
        "system": f"{platform.system()} {platform.machine()}",
        "cores": len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count(),
        "python": platform.python_version(),
    }


def peak_rss_mb(who: int = resource.RUSAGE_SELF) -> float:
    """The most memory that this process (or its largest ended child) has held, in MiB."""
    peak = resource.getrusage(who).ru_maxrss
    return peak / (1 << 20) if sys.platform == "darwin" else peak / (1 << 10)


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """One benchmark's figures.

    ``subject``: ours, ``floor``: the least it could cost, ``peer``: another library doing the same,
    all in ``unit``; ``ratio``: subject over floor, or floor over subject where more is better, so
    that 1 is perfect and 2 is twice the cost. ``cpu_us``: CPU time of one operation of the subject,
    children included. ``rss_mb``: peak memory. ``n``: operations measured. ``errors``: what went
    wrong or missed its gate.
    """

    name: str
    unit: str
    subject: float
    floor: float | None = None
    peer: float | None = None
    ratio: float | None = None
    cpu_us: float | None = None
    rss_mb: float | None = None
    n: int = 1
    errors: list[str] = []
    machine: dict[str, Any] = msgspec.field(default_factory=machine)
    details: dict[str, Any] = {}

    def lines(self) -> list[str]:
        """The figures for people."""
        shown = msgspec.structs.asdict(self) | {"details": None, "errors": None}
        lines = [
            f"{name:>10}  {_plain(value)}" for name, value in shown.items() if value is not None
        ]
        lines += [f"{name:>24}  {_plain(value)}" for name, value in self.details.items()]
        return lines + [f"     ERROR  {error}" for error in self.errors]


def _plain(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, dict):
        return ", ".join(f"{name} {_plain(part)}" for name, part in value.items())
    return str(value)
