"""How often somebody may ask: counted for all processes together, and never by nobody."""

from __future__ import annotations

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from staging_core import Principal
from staging_core import rates as rates_module
from staging_core.errors import RateLimited
from staging_core.models import Allowance
from staging_core.rates import Rates
from staging_core.testing.servers.redis import redis_server
from staging_core.uses import Uses

from .house import ADA, installed


class Away:
    """A counter whose server is away."""

    async def take(self, key: str, *, limit: int, window_s: float) -> Allowance:
        raise ConnectionError


class Hangs:
    """A counter that answers nobody until its server is back. ``asked``: how often it was asked."""

    def __init__(self) -> None:
        self.asked = 0
        self.back = False

    async def take(self, key: str, *, limit: int, window_s: float) -> Allowance:
        self.asked += 1
        await asyncio.sleep(0.01)
        if not self.back:
            raise TimeoutError
        return Allowance(allowed=True, remaining=limit, reset_s=window_s)


async def allowed(rates: list[Rates], principal: Principal, times: int) -> int:
    """How many of so many requests are let through, made at each in turn."""
    passed = 0
    for number in range(times):
        try:
            await rates[number % len(rates)].take(principal, "requests")
        except RateLimited:
            continue
        passed += 1
    return passed


def test_processes_that_share_a_redis_share_the_limits_of_principals_keys_and_addresses(
    tmp_path: Path,
) -> None:
    async def scenario(url: str) -> None:
        limits = {"rate_limit_requests": 10, "rate_limit_key_share": 0.5, "rate_limit_address": 4}
        async with (
            installed(tmp_path, "fake:", queue=url, **limits) as one,
            installed(tmp_path, "fake:", queue=url, **limits) as two,
        ):
            rates = [one.rates, two.rates]
            with_key = Principal(account_id="a", user_id="with a key", key_id="key_1")
            assert await allowed(rates, with_key, 8) == 5
            another = Principal(account_id="a", user_id="with a key", key_id="key_2")
            assert await allowed(rates, another, 8) == 5
            assert await allowed(rates, ADA, 14) == 10
            for number in range(4):
                await rates[number % 2].arrived("192.0.2.1")
            for each in rates:
                with pytest.raises(RateLimited):
                    await each.arrived("192.0.2.1")

    with redis_server() as server:
        asyncio.run(scenario(server.url))


@pytest.mark.parametrize("counter", [None, Away()])
def test_where_nobody_counts_for_all_each_process_counts_for_itself(
    tmp_path: Path, counter: Any
) -> None:
    async def scenario() -> None:
        async with installed(tmp_path, "fake:", rate_limit_requests=3) as staging:
            assert await allowed([Rates(staging.ports, counter)], ADA, 5) == 3

    asyncio.run(scenario())


def test_while_the_counter_hangs_one_use_in_ten_seconds_waits_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    now = 100.0
    monkeypatch.setattr(rates_module, "time", SimpleNamespace(monotonic=lambda: now))
    counter = Hangs()

    async def scenario() -> None:
        nonlocal now
        async with installed(tmp_path, "fake:", rate_limit_requests=3) as staging:
            rates = Rates(staging.ports, counter)
            assert await allowed([rates], ADA, 5) == 3
            now += 9.9
            await rates.arrived("192.0.2.1")
            assert counter.asked == 1
            now += 0.2
            await asyncio.gather(*(rates.arrived("192.0.2.1") for _ in range(5)))
            assert counter.asked == 2
            counter.back = True
            now += 10.1
            for _ in range(3):
                await rates.arrived("192.0.2.1")
            assert counter.asked == 5

    asyncio.run(scenario())
    told = [record for record in caplog.records if "the queue is away" in record.getMessage()]
    assert len(told) == 1


def test_uses_are_counted_anew_when_their_window_is_over_and_old_windows_are_let_go_of() -> None:
    now = 0.0

    async def scenario() -> None:
        nonlocal now
        uses = Uses(lambda: now)
        first, second = [await uses.take("key", limit=1, window_s=60) for _ in range(2)]
        assert (first.allowed, second.allowed, second.reset_s) == (True, False, 60)
        now = 61.0
        assert (await uses.take("key", limit=1, window_s=60)).allowed
        for number in range(30_000):
            now += 0.1
            await uses.take(f"key {number}", limit=1, window_s=60)
            assert len(uses._windows) <= 10_000

    asyncio.run(scenario())
