"""A token that has run out, an account without credit: jobs wait until somebody mends that."""

from __future__ import annotations

import logging
from pathlib import Path

import msgspec
import pytest

from staging_core.audit import SOUND, Audit
from staging_core.database import gates
from staging_core.errors import Busy, ProviderClosed
from staging_core.interfaces import Photo
from staging_core.models import Attempt, Failed, Staged, StageRequest, Waiting
from staging_core.testing.telemetry import Heard

from .deferred import Provider, attempts_of, carry_all, opened, run


class TurnsAway(Provider):
    """While it is ``closed`` it does nothing for us; ``asked`` counts the creates."""

    def __init__(self, name: str = "", *, whole: bool = True) -> None:
        super().__init__(finish_after=1, name=name)
        self.card = msgspec.structs.replace(self.card, provider="farm")
        self.closed, self.whole, self.asked = True, whole, 0

    async def create(self, request: StageRequest, photo: Photo, attempt: Attempt) -> str:
        self.asked += 1
        self._check_open()
        return await super().create(request, photo, attempt)

    async def check(self, handle: str) -> Waiting | Staged | Failed:
        self._check_open()
        return await super().check(handle)

    def _check_open(self) -> None:
        if self.closed:
            raise ProviderClosed("No credit.", remedy="Set FARM_TOKEN.", whole=self.whole)


def test_jobs_wait_while_the_account_is_turned_away_and_go_on_when_it_is_mended(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    provider = TurnsAway()

    async def scenario() -> None:
        async with opened(tmp_path, provider) as (house, _):
            await house.submit(variants=8)
            for n in range(3):
                await house.submit(number=n + 1, variants=8, idempotency_key=f"k{n}")
            for _ in range(40):
                await carry_all(house)
                house.clock.ahead += 30
            assert await house.states() == ["queued"] * 32
            assert provider.asked <= 22, "one at a time"
            assert [attempt.state for attempt in await attempts_of(house)] in ([], ["busy"])
            provider.closed = False
            for _ in range(40):
                await carry_all(house)
                house.clock.ahead += 61
            assert await house.states() == ["ready"] * 32
            assert len(provider.predictions) == 32
            assert await Audit(house.ports).count() == SOUND

    with caplog.at_level(logging.ERROR):
        run(scenario)
    assert any("FARM_TOKEN" in record.getMessage() for record in caplog.records)


@pytest.mark.parametrize("whole", [True, False])
def test_other_models_of_the_provider_are_asked_unless_it_is_about_the_account(
    tmp_path: Path, whole: bool
) -> None:
    one, other = TurnsAway(whole=whole), TurnsAway("other")
    other.closed = False

    async def scenario() -> None:
        async with opened(tmp_path, one, other) as (house, _):
            await house.submit()
            await carry_all(house)
            await house.submit(number=1, idempotency_key="k2", model=other.card.id)
            await carry_all(house)
            assert (one.asked, other.asked) == (1, 0 if whole else 1)
            async with house.ports.database.read() as tx:
                shut = await gates.closed(tx)
            assert ("provider:farm" in shut) is whole
            assert 0 < shut[f"model:{one.card.id}"] <= 60

    run(scenario)


def test_questions_about_other_models_are_asked_unless_it_is_about_the_account(
    tmp_path: Path,
) -> None:
    one, other = TurnsAway(whole=False), TurnsAway("other")
    one.closed = other.closed = False

    async def scenario() -> None:
        async with opened(tmp_path, one, other) as (house, _):
            await house.submit()
            await house.submit(number=1, idempotency_key="k2", model=other.card.id)
            await carry_all(house)
            one.closed = True
            house.clock.ahead += 70
            await carry_all(house)
            assert sorted(await house.states()) == ["ready", "waiting"]

    run(scenario)


def test_the_gate_is_seen_as_a_figure(tmp_path: Path) -> None:
    from dataclasses import replace

    from staging_core.levels import tell_levels

    async def scenario() -> None:
        async with opened(tmp_path, TurnsAway()) as (house, _):
            heard = Heard()
            ports = replace(house.ports, telemetry=heard)
            await tell_levels(ports)
            assert heard.levels[("staging.gates.closed",)] == 0
            await house.submit()
            await carry_all(house)
            await tell_levels(ports)
            assert heard.levels[("staging.gates.closed",)] == 2

    run(scenario)


def test_after_a_day_by_the_databases_clock_a_job_waits_no_longer(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with opened(tmp_path, TurnsAway()) as (house, _):
            await house.submit()
            await carry_all(house)
            house.clock.ahead += 86_000
            await carry_all(house)
            assert await house.states() == ["queued"]
            house.clock.ahead += 500
            await carry_all(house)
            assert await house.states() == ["error"]
            assert [attempt.error for attempt in await attempts_of(house)] == ["provider_closed"]
            assert await Audit(house.ports).count() == SOUND

    run(scenario)


def test_a_prediction_that_runs_meanwhile_is_not_given_up(tmp_path: Path) -> None:
    provider = TurnsAway()
    provider.closed = False

    async def scenario() -> None:
        async with opened(tmp_path, provider) as (house, _):
            await house.submit()
            await carry_all(house)
            provider.closed = True
            for _ in range(20):
                house.clock.ahead += 30
                await carry_all(house)
            assert await house.states() == ["waiting"]
            provider.closed = False
            house.clock.ahead += 130
            await carry_all(house)
            assert await house.states() == ["ready"]
            assert provider.asked == 1

    run(scenario)


def test_it_is_a_kind_of_busy() -> None:
    assert issubclass(ProviderClosed, Busy)
    assert ProviderClosed().whole
