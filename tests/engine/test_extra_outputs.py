"""An answer of several pictures: the first usable one is the result, and the rest is kept."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest
import sqlalchemy as sa

from staging_core import OWNER
from staging_core.acting import Images
from staging_core.audit import SOUND, Audit
from staging_core.database import tables
from staging_core.delivery import MAX_OUTPUTS
from staging_core.errors import OutputRefused, OutputUnavailable
from staging_core.models import Attempt, Failed, Output, Staged, StageRequest, Waiting
from staging_core.photo import read_object
from staging_core.recovery import Recovery
from staging_core.testing.fake_stager import FakeStager

from .deferred import Provider, attempts_of, carry_all, opened, run
from .house import House


class Several(FakeStager):
    """Answers with the outputs that ``of`` makes of its one."""

    def __init__(self, of: list[str]) -> None:
        super().__init__()
        self.of = of

    async def stage(self, request: StageRequest, photo: Any, attempt: Attempt) -> Staged:
        staged = await super().stage(request, photo, attempt)
        made = {
            "good": staged.outputs[0],
            "garbage": Output(data=b"this was never a picture"),
            "original": Output(data=await photo.read()),
            "neither": Output(),
        }
        return msgspec.structs.replace(staged, outputs=tuple(made[name] for name in self.of))


async def kept(house: House) -> list[str]:
    """The kinds of the pictures that are kept."""
    files = tables.files
    async with house.ports.database.read() as tx:
        rows = await tx.rows(
            sa.select(files.c.kind, files.c.key).where(
                files.c.kind.in_(["staged", "extra"]), files.c.expires_at.is_(None)
            )
        )
    for row in rows:
        assert await read_object(house.ports.storage, row["key"])
    return sorted(row["kind"] for row in rows)


@pytest.mark.parametrize(
    ("outputs", "kinds"),
    [
        (["good", "good"], ["extra", "staged"]),
        (["good", "garbage", "good"], ["extra", "staged"]),
        (["garbage", "original", "neither", "good"], ["staged"]),
        (["good"] * 40, ["extra"] * (MAX_OUTPUTS - 1) + ["staged"]),
    ],
)
def test_a_bad_output_beside_a_good_one_costs_no_attempt(
    tmp_path: Path, outputs: list[str], kinds: list[str]
) -> None:
    async def scenario() -> None:
        async with opened(tmp_path, Several(outputs)) as (house, _):
            await house.submit()
            await carry_all(house)
            assert await house.states() == ["ready"]
            assert [attempt.state for attempt in await attempts_of(house)] == ["succeeded"]
            assert await kept(house) == kinds
            house.clock.ahead += 10_000
            await Recovery(house.ports).sweep(bucket=True)
            assert await kept(house) == kinds
            assert await Audit(house.ports).count() == SOUND

    run(scenario)


@pytest.mark.parametrize("outputs", [[], ["garbage", "original"], ["neither"]])
def test_without_any_that_is_usable_the_attempt_has_failed(
    tmp_path: Path, outputs: list[str]
) -> None:
    async def scenario() -> None:
        async with opened(tmp_path, Several(outputs)) as (house, _):
            await house.submit()
            await house.step()
            assert [attempt.state for attempt in await attempts_of(house)] == ["failed"]

    run(scenario)


class Elsewhere(Provider):
    """Its outputs are three addresses; one is fetched as ``then`` says."""

    def __init__(self, then: Exception, *, until: int = 1_000) -> None:
        super().__init__(finish_after=1, cost_usd=0.04)
        self.card = msgspec.structs.replace(self.card, output_hosts=("cdn.example",))
        self.then, self.until, self.tries = then, until, 0

    async def check(self, handle: str) -> Waiting | Staged | Failed:
        outcome = await super().check(handle)
        if isinstance(outcome, Staged):
            urls = tuple(Output(url=f"https://cdn.example/{handle}/{n}") for n in range(3))
            return msgspec.structs.replace(outcome, outputs=urls)
        return outcome

    async def fetch(self, url: str, *, hosts: tuple[str, ...]) -> bytes:
        if url.endswith("/1"):
            self.tries += 1
            if self.tries <= self.until:
                raise self.then
        output = self.predictions[url.split("/")[-2]].output
        assert output is not None
        return output


@pytest.mark.parametrize(
    ("provider", "kinds", "most"),
    [
        (Elsewhere(OutputRefused("not that host")), ["extra", "staged"], 1),
        (Elsewhere(OutputUnavailable("not now"), until=3), ["extra", "extra", "staged"], 4),
        (Elsewhere(OutputUnavailable("never")), ["extra", "staged"], 8),
    ],
    ids=["refused", "away for a while", "away for ever"],
)
def test_an_output_that_cannot_be_fetched_is_waited_for_and_then_left_out(
    tmp_path: Path, provider: Elsewhere, kinds: list[str], most: int
) -> None:
    async def scenario() -> None:
        async with opened(tmp_path, provider) as (house, _):
            ports = replace(house.ports, downloads=provider)  # type: ignore[arg-type]
            await house.submit()
            for _ in range(20):
                await house.step(ports)
                house.clock.ahead += 20
            assert await house.states() == ["ready"]
            assert len(provider.posts) == 1
            assert provider.tries == most
            assert await kept(house) == kinds
            assert (await Images(house.ports, OWNER).page())[0].job.cost_usd == 0.04

    run(scenario)
