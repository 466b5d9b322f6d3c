"""Settings that are changed while the installation runs: they hold, everywhere, until unset."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from staging_core import Staging
from staging_core.errors import DatabaseFailed, NotFound, RateLimited, TooManyQueued
from staging_core.models import Allowance
from staging_core.rates import Rates

from .house import ADA, OPERATOR, WISH, installed, photo

both = pytest.mark.parametrize("database", ["sqlite", "postgresql"], indirect=True)


class Counts:
    """Counts uses in this process, as a queue does for many."""

    def __init__(self) -> None:
        self.used: Counter[str] = Counter()

    async def take(self, key: str, *, limit: int, window_s: float) -> Allowance:
        self.used[key] += 1
        left = limit - self.used[key]
        return Allowance(allowed=left >= 0, remaining=max(left, 0), reset_s=window_s)


async def change(staging: Staging, key: str, value: Any) -> None:
    await staging.operating_as(OPERATOR).settings.change(key, value)


@both
def test_how_many_may_wait_is_changed_and_unset(tmp_path: Path, database: dict[str, Any]) -> None:
    async def scenario() -> None:
        async with installed(tmp_path, "fake:", **database) as staging:
            me = staging.acting_as(ADA)
            await change(staging, "max_queued", 1)
            await me.images.submit(photo(), **WISH)
            with pytest.raises(TooManyQueued, match="has 1 jobs"):
                await me.images.submit(photo(1), **WISH)
            await change(staging, "max_queued", None)
            await me.images.submit(photo(1), **WISH)

    asyncio.run(scenario())


@pytest.mark.parametrize("use", ["requests", "creates"])
def test_how_often_somebody_may_ask_is_changed_and_unset(tmp_path: Path, use: Any) -> None:
    async def scenario() -> None:
        async with installed(tmp_path, "fake:") as staging:
            rates = Rates(staging.ports, Counts())
            assert (await rates.take(ADA, use))[0] == {"requests": 3000, "creates": 1200}[use]
            await change(staging, f"rate_limit_{use}", 2)
            limit, left = await rates.take(ADA, use)
            assert left is not None
            assert (limit, left.remaining) == (2, 0)
            with pytest.raises(RateLimited):
                await rates.take(ADA, use)
            await change(staging, f"rate_limit_{use}", None)
            await rates.take(ADA, use)

    asyncio.run(scenario())


class Away:
    """A database that is away."""

    def read(self) -> Any:
        raise DatabaseFailed()


def test_while_the_database_is_away_the_last_known_limit_holds(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with installed(tmp_path, "fake:", rate_limit_requests=9) as staging:
            away: Any = Away()
            rates = Rates(replace(staging.ports, database=away), Counts())
            staging.ports.recent.forget()
            assert (await rates.take(ADA, "requests"))[0] == 9

    asyncio.run(scenario())


def test_only_what_takes_effect_everywhere_can_be_changed(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with installed(tmp_path, "fake:") as staging:
            settings = staging.operating_as(OPERATOR).settings
            for key in ("secret_key", "database", "max_attempts", "", "active_model "):
                with pytest.raises(NotFound):
                    await settings.get(key)
                with pytest.raises(NotFound):
                    await settings.change(key, 1)

    asyncio.run(scenario())
