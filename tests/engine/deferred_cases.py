"""Days of a deferred job for the crash tests: a good one, one with a lost answer, a bad one."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

import msgspec
import sqlalchemy as sa

from staging_core import OWNER
from staging_core.acting import Images
from staging_core.database import tables
from staging_core.errors import Busy, OutputUnavailable
from staging_core.models import Canvas, Failed, Output, Staged, Waiting
from staging_core.reception import Reception
from staging_core.recovery import Recovery
from staging_core.testing.fake_deferred import FakeDeferred

from .crashing import Cut
from .house import House


class Punctual(FakeDeferred):
    """Every prediction is done when it is asked about; posting twice makes two."""

    def __init__(self) -> None:
        super().__init__(finish_after=1, cost_usd=0.04)
        self.card = msgspec.structs.replace(self.card, idempotent_create=False)

    def _of(self, attempt: Any) -> Any:
        found = super()._of(attempt)
        return None if self.creating else found

    creating = False

    async def create(self, request: Any, photo: Any, attempt: Any) -> str:
        self.creating = True
        try:
            return await super().create(request, photo, attempt)
        finally:
            self.creating = False


class Hangs(FakeDeferred):
    """Its first create never ends, and it is too busy for the first question."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = asyncio.Event()
        self.busy = True

    async def check(self, handle: str) -> Waiting | Staged | Failed:
        if self.busy:
            self.busy = False
            raise Busy("Not now.")
        return await super().check(handle)

    async def create(self, request: Any, photo: Any, attempt: Any) -> str:
        if not self.asked.is_set():
            self.asked.set()
            await asyncio.Event().wait()
        return await super().create(request, photo, attempt)


class Moody(Punctual):
    """Answers with an address, draws on a canvas; its first downloads fail."""

    def __init__(self) -> None:
        super().__init__()
        self.card = msgspec.structs.replace(
            self.card, canvas=Canvas(ratios=("1:1",), multiple_of=8), output_hosts=("cdn.example",)
        )
        self.downloads = Flaky(self)
        self.moderates = True

    async def check(self, handle: str) -> Waiting | Staged | Failed:
        outcome = await super().check(handle)
        if isinstance(outcome, Staged):
            output = Output(url=f"https://cdn.example/{handle}.png")
            return msgspec.structs.replace(outcome, outputs=(output,))
        return outcome


class Flaky:
    """Fetches what the provider has drawn, the second time."""

    def __init__(self, provider: FakeDeferred) -> None:
        self.provider = provider
        self.asked = 0

    async def fetch(self, url: str, *, hosts: tuple[str, ...]) -> bytes:
        self.asked += 1
        if self.asked == 1:
            raise OutputUnavailable("Not now.")
        output = self.provider.predictions[url.rpartition("/")[2].removesuffix(".png")].output
        assert output is not None
        return output


def provider_of(house: House) -> Any:
    return next(iter(house.ports.stagers.values()))


async def call_back(house: House, cut: Cut) -> None:
    """The provider reports on its newest prediction."""
    provider = provider_of(house)
    if not provider.predictions:
        return
    made = list(provider.predictions.values())[-1]
    callback = provider.callback(made.handle, at=house.clock())
    await Reception(cut.into(house.ports)).receive(callback, made.attempt_id)


async def a_good_day(house: House, cut: Cut) -> None:
    """Create, callback, result."""
    ports = cut.into(house.ports)
    await house.submit()
    await house.step(ports)
    await call_back(house, cut)
    await house.step(ports)


async def a_lost_answer(house: House, cut: Cut) -> None:
    """The create's answer is lost; the prediction is found, and polled."""
    ports = cut.into(house.ports)
    await house.submit()
    if not provider_of(house).predictions:
        provider_of(house).lose_answer()
    await house.step(ports)
    for _ in range(2):
        house.clock.ahead += 11
        await house.step(ports)


async def a_bad_day(house: House, cut: Cut) -> None:
    """A prediction lands late and is waste, one is moderated, and the last is hard to fetch."""
    ports, provider = cut.into(house.ports), provider_of(house)
    await house.submit()
    provider.land_late()
    for pause in (0, 3, 100, 10):
        house.clock.ahead += pause
        await house.step(ports)
    house.clock.ahead += 20
    for _ in range(2):
        await Recovery(ports).sweep()
        house.clock.ahead += 60
    for made in provider.predictions.values():
        provider.fail(made.handle, moderated=provider.moderates)
    provider.moderates = False  # a second time would rightly end the job
    await call_back(house, cut)
    for _ in range(4):
        await house.step(ports)
        house.clock.ahead += 11
    await Recovery(ports).sweep()


async def check_predictions(house: House) -> None:
    """One prediction an attempt, and every one that the provider knows is known here."""
    provider = provider_of(house)
    assert max(Counter(provider.posts).values(), default=0) <= 1, "an attempt was posted twice"
    attempts = tables.attempts
    async with house.ports.database.read() as tx:
        rows = await tx.rows(sa.select(attempts))
    known = {row["handle"] for row in rows if row["handle"] is not None}
    assert known == set(provider.predictions)
    live = [made for made in provider.predictions.values() if made.status == "running"]
    assert live == [], "a prediction that nobody wants still runs"
    job = (await Images(house.ports, OWNER).page())[0].job
    assert abs(job.cost_usd - sum(row["cost_usd"] for row in rows)) < 1e-9
