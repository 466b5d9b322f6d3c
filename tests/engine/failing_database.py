"""A database that is stopped at the commits that a test names."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from staging_core.errors import DatabaseFailed


class FailsAt:
    """A database that fails at commits that bring a job into ``state``, ``times`` times."""

    def __init__(self, behind: Any, state: str, times: int = 1) -> None:
        self._behind = behind
        self._state = state
        self.times = times

    def __getattr__(self, name: str) -> Any:
        return getattr(self._behind, name)

    @asynccontextmanager
    async def write(self, account_id: str | None = None) -> AsyncIterator[Any]:
        async with self._behind.write(account_id) as tx:
            yield tx
            if self.times and any(told.state == self._state for told in tx._drafts):
                self.times -= 1
                raise DatabaseFailed("The server was stopped.")
