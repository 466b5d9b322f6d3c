"""When a call is tried again, and for how long: only what is safe to send twice."""

from __future__ import annotations

import asyncio
import random
import time

from staging_core.errors import (
    DatabaseFailed,
    Overloaded,
    RateLimited,
    ServerUnreachable,
    SignInUnavailable,
    StagingError,
    StillRunning,
    StorageUnreachable,
)

from .asked import Asked

_NOTHING_DONE = (RateLimited, Overloaded, SignInUnavailable)
_PERHAPS_DONE = (ServerUnreachable, DatabaseFailed, StorageUnreachable)
_FIRST_S, _LONGEST_S = 0.2, 5.0
_REPEATED = "staging_repeated"


class Patience:
    """For one call: ``seconds`` in all, from now."""

    def __init__(self, seconds: float) -> None:
        self._until = time.monotonic() + seconds
        self._tries = 0
        self._broke = False

    async def after(self, error: StagingError, asked: Asked) -> None:
        """Wait for the next try; raises ``error`` where there shall be none."""
        wait_s = self._wait_s(error) if self._may_again(error, asked) else None
        if wait_s is None or time.monotonic() + wait_s > self._until:
            error.__dict__[_REPEATED] = self._broke
            raise error
        self._broke |= _is_unknown(error)
        self._tries += 1
        await asyncio.sleep(wait_s)

    def _may_again(self, error: StagingError, asked: Asked) -> bool:
        if asked.once:
            return False
        if isinstance(error, StillRunning):
            return self._broke  # it is our own earlier try that runs
        if isinstance(error, _NOTHING_DONE):
            return True
        return isinstance(error, _PERHAPS_DONE) and (asked.repeats or not _is_unknown(error))

    def _wait_s(self, error: StagingError) -> float:
        """As the server says, else longer each time, and not all at one moment."""
        longest = min(_LONGEST_S, _FIRST_S * 2**self._tries)
        pause = random.uniform(longest / 2, longest)  # noqa: S311 - spread
        told = 0.0 if isinstance(error, ServerUnreachable) else getattr(error, "retry_after_s", 0.0)
        return max(pause, float(told))


def was_repeated(error: StagingError) -> bool:
    """Whether an earlier try of the same call may have been done: its answer was lost."""
    return bool(error.__dict__.get(_REPEATED))


def _is_unknown(error: StagingError) -> bool:
    return not isinstance(error, ServerUnreachable) or error.arrived
