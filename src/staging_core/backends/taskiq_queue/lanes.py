"""The keys of a queue in Redis, and a wake as the message that taskiq carries."""

from __future__ import annotations

import json

import msgspec

from staging_core.models import Wake

# One stable name: a taskiq receiver acknowledges and drops tasks whose name it does not know.
TASK = "staging.wake"
GROUP = "staging"
MOST_HELD = 100_000
"""Wakes in a stream that nobody consumes; the oldest go, and a sweep finds their work."""


class Keys(msgspec.Struct, frozen=True):
    """The keys under one prefix."""

    prefix: str

    def stream(self, lane: str) -> str:
        """The stream of a lane's wakes."""
        return f"{self.prefix}:wakes:{lane}"

    def later(self, lane: str) -> str:
        """The sorted set of a lane's wakes that are not due, by their time."""
        return f"{self.prefix}:later:{lane}"

    def rate(self, key: str) -> str:
        """The counter of a rate limit."""
        return f"{self.prefix}:rate:{key}"

    @property
    def signals(self) -> str:
        """The channel of all signals."""
        return f"{self.prefix}:signals"


def message(wake: Wake, stream: str) -> bytes:
    """The task that carries a wake, as taskiq writes one; equal wakes make equal messages."""
    task = {
        "task_id": wake.job_id,
        "task_name": TASK,
        "labels": {"queue_name": stream},
        "labels_types": None,
        "args": [],
        "kwargs": msgspec.to_builtins(wake),
    }
    return json.dumps(task).encode()
