"""Where a callback is awaited nobody asks before it seems lost: one get, and no timed poll."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from staging_core.cli.reach import reports_arrive
from staging_core.reception import Reception

from .conftest import Install
from .deferred import Provider, call_back, opened, run
from .house import House

ADDRESS = "https://staging.example"


def provider_that_takes(usual_s: float = 0.0) -> Provider:
    provider = Provider()
    provider.card = msgspec.structs.replace(provider.card, usual_s=usual_s)
    return provider


async def seconds(
    house: House, reception: Reception, provider: Provider, *, ends_at: int, reported: bool
) -> int:
    """Time goes on second by second until the job is ready; at which one it is."""
    await house.submit()
    for second in range(300):
        while await house.step():
            pass
        if await house.states() == ["ready"]:
            return second
        house.clock.ahead += 1
        if second + 1 == ends_at:
            provider.finish("fake-1")
            if reported:
                await call_back(house, reception, provider, "fake-1")
    raise AssertionError("it does not get ready")


@pytest.mark.parametrize(
    ("usual_s", "takes_s"), [(0.0, 11), (0.0, 25), (0.0, 45), (25.0, 25), (90.0, 80), (90.0, 92)]
)
def test_a_job_costs_one_create_and_one_get_and_no_timed_poll(
    tmp_path: Path, usual_s: float, takes_s: int
) -> None:
    provider = provider_that_takes(usual_s)

    async def scenario() -> None:
        async with opened(tmp_path, provider, public_url=ADDRESS) as (house, reception):
            times: dict[str, Any] = {"ends_at": takes_s, "reported": True}
            assert await seconds(house, reception, provider, **times) == takes_s
            assert (len(provider.posts), provider.gets) == (1, 1)

    run(scenario)


@pytest.mark.parametrize(
    ("usual_s", "takes_s", "ready_by"), [(0.0, 25, 61), (25.0, 24, 36), (90.0, 95, 101)]
)
def test_a_lost_callback_costs_no_get_more_and_a_minute_at_most(
    tmp_path: Path, usual_s: float, takes_s: int, ready_by: int
) -> None:
    provider = provider_that_takes(usual_s)

    async def scenario() -> None:
        async with opened(tmp_path, provider, public_url=ADDRESS) as (house, reception):
            times: dict[str, Any] = {"ends_at": takes_s, "reported": False}
            assert await seconds(house, reception, provider, **times) <= ready_by
            assert (len(provider.posts), provider.gets) == (1, 1)

    run(scenario)


def test_a_model_that_is_slower_than_it_usually_is_costs_one_get_more(tmp_path: Path) -> None:
    provider = provider_that_takes(25.0)

    async def scenario() -> None:
        async with opened(tmp_path, provider, public_url=ADDRESS) as (house, reception):
            times: dict[str, Any] = {"ends_at": 45, "reported": True}
            assert await seconds(house, reception, provider, **times) == 45
            assert (len(provider.posts), provider.gets) == (1, 2)

    run(scenario)


class Far(Provider):
    """Its provider reaches public addresses only."""

    def reaches(self, url: str) -> bool:
        return url.startswith("https://")


@pytest.mark.parametrize(
    ("address", "first_s"), [(ADDRESS, 60), ("http://127.0.0.1:8000", 10), (None, 10)]
)
def test_where_no_callback_can_come_the_first_poll_is_early(
    tmp_path: Path, address: str | None, first_s: int
) -> None:
    provider = Far()

    async def scenario() -> None:
        async with opened(tmp_path, provider, public_url=address) as (house, reception):
            times: dict[str, Any] = {"ends_at": 5, "reported": False}
            ready = await seconds(house, reception, provider, **times)
            assert first_s - 3 < ready <= first_s + 1  # the clock goes on by itself, too
            assert provider.gets == 1

    run(scenario)


def test_a_prediction_whose_callback_is_awaited_is_given_up_at_its_deadline_all_the_same(
    tmp_path: Path,
) -> None:
    provider = provider_that_takes(200.0)

    async def scenario() -> None:
        settings: dict[str, Any] = {"public_url": ADDRESS, "prediction_deadline_s": 100}
        async with opened(tmp_path, provider, **settings) as (house, _):
            await house.submit()
            await house.step()
            house.clock.ahead += 99
            assert not await house.step()
            house.clock.ahead += 2
            assert await house.step()
            assert await house.states() == ["queued"]

    run(scenario)


@pytest.mark.parametrize(("address", "level"), [(ADDRESS, "ok"), ("http://127.0.0.1:80", "advice")])
def test_doctor_says_whose_provider_cannot_call_back(
    install: Install, address: str, level: str
) -> None:
    async def scenario() -> None:
        async with install((Far(),), worker=False, public_url=address) as staging:
            found = reports_arrive(staging)
            assert found is not None
            assert found.level == level

    run(scenario)
