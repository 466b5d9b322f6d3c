"""Orders at a service that answers, and at one that does not."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from staging_core import OWNER, Staging
from staging_core.errors import BillingUnavailable, UsageLimitExceeded
from staging_core.testing.credits import RunningCredits, Settings, running_credits
from staging_core.testing.fake_photo import small_photo


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[RunningCredits]:
    with running_credits(Settings(credits=3)) as running:
        monkeypatch.setenv("CREDITS_TOKEN", running.token)
        yield running


def opened(home: Path, service: RunningCredits) -> Staging:
    return Staging(home=home, stager="fake:", billing=f"credits:{service.url}", worker=False)


def ends(service: RunningCredits) -> list[tuple[str, int, int]]:
    return [(hold["state"], hold["captured"], hold["released"]) for hold in service.holds()]


def test_what_is_ready_is_taken_and_what_is_cancelled_given_back(
    tmp_path: Path, service: RunningCredits
) -> None:
    async def scenario() -> None:
        async with opened(tmp_path, service) as staging:
            me = staging.acting_as(OWNER)
            group = await me.images.submit(small_photo(), variants=2)
            await me.images.cancel(group.images[1].id)
            with pytest.raises(UsageLimitExceeded, match="1 credits left, not 2") as refused:
                await me.images.submit(small_photo(), variants=2)
            assert "Buy credits" in refused.value.remedy
            await staging.run_worker(until_idle=True)
            await staging.sweep()
            assert ends(service) == [("settled", 1, 0), ("settled", 0, 1)]

    asyncio.run(scenario())


@pytest.mark.parametrize("fault", ["busy", "error_before", "error_after", "lost_answer"])
def test_what_is_not_answered_is_not_accepted_and_given_back(
    tmp_path: Path, service: RunningCredits, fault: str
) -> None:
    async def scenario() -> None:
        async with opened(tmp_path, service) as staging:
            service.then(fault, "POST /v1/holds")
            with pytest.raises(BillingUnavailable):
                await staging.acting_as(OWNER).images.submit(small_photo())
            await staging.sweep()
            assert ends(service) == [("settled", 0, 1)]

    asyncio.run(scenario())


def test_the_token_stands_in_no_error(tmp_path: Path, service: RunningCredits) -> None:
    async def scenario() -> None:
        async with opened(tmp_path, service) as staging:
            service.then("error_before", "GET *")
            with pytest.raises(BillingUnavailable) as told:
                await staging.acting_as(OWNER).images.submit(small_photo())
            assert service.token not in repr(told.value) + repr(staging.settings.billing)

    asyncio.run(scenario())
