"""Everything is compared with the provider once a day: beside the sweeps, by one, to its end."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

from staging_core import Staging
from staging_core.errors import PaymentsUnavailable
from staging_core.payments.comparison import Comparison
from staging_core.testing import FakeProvider, paying
from staging_core.testing.fake_payments import FakePayments

from .counter import Counter, open_counter


def at_the_counter(scenario: Callable[[Counter], Awaitable[None]]) -> None:
    async def run() -> None:
        async with open_counter() as at:
            at.shop.subscription(at.shop.customer("local"))
            at.shop.purchase("cus_0")
            await scenario(at)

    asyncio.run(run())


class Listed:
    """Notes what is listed of the shop; ``at``: what happens when that kind is."""

    def __init__(self, at: Counter, **then: BaseException) -> None:
        self.kinds: list[str] = []
        self._all_of, self._then = at.shop.all_of, then
        at.shop.all_of = self.all_of  # type: ignore[method-assign]

    async def all_of(self, kind: Any, *, since: float) -> AsyncIterator[Any]:
        self.kinds.append(kind)
        if error := self._then.pop(kind, None):
            raise error
        async for one in self._all_of(kind, since=since):
            yield one


def test_who_goes_on_after_another_that_died_begins_where_that_one_was() -> None:
    async def scenario(at: Counter) -> None:
        listed = Listed(at, purchase=asyncio.CancelledError())
        with contextlib.suppress(asyncio.CancelledError):
            await Comparison(at.house.ports).when_due()
        assert listed.kinds == ["customer", "subscription", "purchase"]
        other = Comparison(at.house.ports)
        assert await other.when_due() == 0  # the first may still be at it
        assert len(listed.kinds) == 3
        at.house.clock.ahead += 700
        assert await other.when_due() == 1
        assert listed.kinds[3:] == ["purchase"]
        assert await other.when_due() == 0
        at.house.clock.ahead += 86_400
        await other.when_due()
        assert listed.kinds[4:] == ["customer", "subscription", "purchase"]

    at_the_counter(scenario)


def test_what_fails_comes_again_in_a_quarter_of_an_hour_and_not_from_its_beginning() -> None:
    async def scenario(at: Counter) -> None:
        listed = Listed(at, subscription=PaymentsUnavailable())
        comparison = Comparison(at.house.ports)
        await comparison.when_due()
        for each in (comparison, Comparison(at.house.ports)):
            await each.when_due()
        assert listed.kinds == ["customer", "subscription"]
        at.house.clock.ahead += 1000
        await comparison.when_due()
        assert listed.kinds == ["customer", "subscription", "subscription", "purchase"]

    at_the_counter(scenario)


def test_one_that_takes_for_ever_keeps_no_sweep_from_its_turn(tmp_path: Path) -> None:
    async def scenario() -> None:
        provider, began = FakeProvider(), asyncio.Event()

        async def for_ever(self: Any, kind: Any, *, since: float) -> AsyncIterator[Any]:
            began.set()
            await asyncio.sleep(3600)
            yield

        async def swept(staging: Staging) -> None:
            sweeps = asyncio.Event()
            nudge = staging.ports.telemetry.measure

            def measure(name: str, *args: Any, **labels: Any) -> None:
                if name == "staging.sweep.duration":
                    sweeps.set()
                nudge(name, *args, **labels)

            staging.ports.telemetry.measure = measure  # type: ignore[method-assign]
            for _ in range(3):
                sweeps.clear()
                await sweeps.wait()

        given: dict[str, Any] = {
            "billing": paying(provider),
            "stager": "fake:",
            "plugins": (),
            "sweep_s": 0.1,
            "public_url": "https://staging.example",
        }
        all_of = FakePayments.all_of
        FakePayments.all_of = for_ever  # type: ignore[method-assign]
        try:
            async with asyncio.timeout(60), Staging(home=tmp_path / "home", **given) as staging:
                await began.wait()
                await swept(staging)
        finally:
            FakePayments.all_of = all_of  # type: ignore[method-assign]

    asyncio.run(scenario())
