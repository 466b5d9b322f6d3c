"""A provider calls back: once, too early, or somebody else does."""

from __future__ import annotations

from pathlib import Path

import pytest

from staging_core.database import inbox
from staging_core.errors import InvalidCallback, InvalidSignature, NotFound
from staging_core.models import (
    Callback,
)
from staging_core.recovery import Recovery

from .deferred import Provider, carry_all, opened, run


def test_a_callback_counts_once_and_one_that_is_not_the_providers_leaves_only_a_count(
    tmp_path: Path,
) -> None:
    provider = Provider()

    async def scenario() -> None:
        async with opened(tmp_path, provider) as (house, reception):
            await house.submit()
            await carry_all(house)
            attempt_id = provider.predictions["fake-1"].attempt_id
            good = provider.callback("fake-1", at=house.clock())
            assert await reception.receive(good, attempt_id) == "received"
            assert await reception.receive(good, None) == "duplicate"
            forged = Callback(body=good.body + b" ", headers=good.headers, received_at=1)
            stale = Callback(
                body=good.body, headers=good.headers, received_at=good.received_at + 9_000
            )
            large = Callback(body=b" " * 2_000_000, headers={}, received_at=1)
            for bad, kind in (
                (forged, InvalidSignature),
                (stale, InvalidSignature),
                (large, InvalidCallback),
            ):
                with pytest.raises(kind):
                    await reception.receive(bad, attempt_id)
            with pytest.raises(InvalidSignature):
                await reception.receive(forged, "no such attempt")
            with pytest.raises(NotFound):
                await reception.receive(provider.callback("x", at=1), "no such attempt")
            assert sum(reception.turned_away.values()) == 5

    run(scenario)


def test_a_callback_that_comes_before_its_prediction_is_known_is_read_by_a_sweep(
    tmp_path: Path,
) -> None:
    provider = Provider(finish_after=1)

    async def scenario() -> None:
        async with opened(tmp_path, provider) as (house, reception):
            early = provider.callback("fake-1", at=house.clock())
            assert await reception.receive(early, None) == "received"
            await house.submit()
            await carry_all(house)
            assert not await house.step()
            assert (await Recovery(house.ports).sweep())["callbacks_read"] == 1
            await carry_all(house)
            assert await house.states() == ["ready"]

    run(scenario)


def test_reports_on_what_is_not_ours_keep_no_other_from_being_read(tmp_path: Path) -> None:
    """As of predictions that others make with the same account, to the address without attempt."""
    provider = Provider()

    async def scenario() -> None:
        async with opened(tmp_path, provider) as (house, reception):
            for number in range(120):
                odd = provider.callback(f"somebodys-{number}", at=house.clock())
                await reception.receive(odd, None)
            house.clock.ahead += 1
            early = provider.callback("fake-1", at=house.clock())
            await reception.receive(early, None)
            await house.submit()
            await carry_all(house)
            provider.finish("fake-1")
            assert await reception.read_again() == 1
            await carry_all(house)
            assert await house.states() == ["ready"]
            assert await reception.read_again() == 0
            house.clock.ahead += 3700
            for _ in range(2):
                await reception.read_again()
            async with house.ports.database.read() as tx:
                assert await inbox.unread(tx, ["fake-deferred"], before=tx.now) == []

    run(scenario)
