"""Whatever happens in whatever order, each reservation is settled once, and paid if it is ready.

The mutants take away one rule each. That all are caught says what the machine sees.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis.stateful import run_state_machine_as_test
from tests.engine.crashing import Cut
from tests.engine.house import open_house
from tests.engine.scripted_provider import ScriptedProvider, TrustingDecoder
from tests.engine.test_in_any_order import HUNT, LONG, QUICK
from tests.engine.world import Violated

from staging_core.models import Reservation

from .any_order import AnyOrderOutside, OutsideWorld
from .conftest import both
from .mutants import MUTANTS
from .service import Service

WHOLE = Cut()


@contextmanager
def at(home: Path, **database: Any) -> Iterator[None]:
    """The machine runs on an installation of its own."""
    with asyncio.Runner() as runner:
        decoder: Any = TrustingDecoder()
        choices: dict[str, Any] = {"billing": Service(), "daily_spend_usd": 1_000, **database}
        house = open_house(home, ScriptedProvider(), decoder=decoder, **choices)
        AnyOrderOutside.runner = runner
        AnyOrderOutside.house = runner.run(house.__aenter__())
        try:
            yield
        finally:
            runner.run(house.__aexit__(None, None, None))


@both
def test_nothing_stays_held_and_nothing_unpaid_in_any_order(
    tmp_path: Path, database: dict[str, Any]
) -> None:
    with at(tmp_path, **database):
        run_state_machine_as_test(AnyOrderOutside, settings=QUICK)


@pytest.mark.full
@pytest.mark.timeout(7200)
@both
def test_nothing_stays_held_and_nothing_unpaid_in_two_thousand_orders(
    tmp_path: Path, database: dict[str, Any]
) -> None:
    with at(tmp_path, **database):
        run_state_machine_as_test(AnyOrderOutside, settings=LONG)


@pytest.mark.full
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("name", MUTANTS)
def test_an_engine_without_one_of_its_rules_is_caught_by_chance(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    MUTANTS[name](monkeypatch)
    with at(tmp_path), pytest.raises(Violated) as caught:
        run_state_machine_as_test(AnyOrderOutside, settings=HUNT)
    print(f"{name}: {caught.value}")


# --- stories: the shortest way to see a rule at work ---------------------------------------------


async def unanswered(world: OutsideWorld) -> None:
    world.service.then(("reserve", "answer lost"))
    await world.submit("one", "first", WHOLE)


async def unreached(world: OutsideWorld) -> None:
    world.service.then(("reserve", "away"))
    await world.submit("one", "first", WHOLE)


async def too_slow(world: OutsideWorld) -> None:
    """A sweep has released what is reserved before the order can be accepted."""
    reserve = world.service.reserve

    async def slow(reservation: Reservation) -> None:
        await reserve(reservation)
        if world.service.book.held("one") == 2:
            world.clock.ahead += 350
            await world.sweep(WHOLE)

    world.service.reserve = slow  # type: ignore[method-assign]
    await world.submit("one", "first", WHOLE)


async def cancelled(world: OutsideWorld) -> None:
    await world.submit("one", "first", WHOLE)
    await world.cancel("one", 0)


async def told_in_vain(world: OutsideWorld) -> None:
    await cancelled(world)
    world.service.then(("settle", "away"))
    await world.sweep(WHOLE)


async def tried_again(world: OutsideWorld) -> None:
    await cancelled(world)
    await world.sweep(WHOLE)
    await world.retry("one", 0)


async def dying_while_it_delivers(world: OutsideWorld) -> None:
    """At each of its last points, counted on a job that is left in peace."""
    await world.submit("one", "first", WHOLE)
    await world.submit("two", "first", WHOLE)
    await world.overtake()
    world.provider.end_all()
    world.clock.ahead += 95
    peaceful = Cut()
    await world.work(peaceful)
    for before_the_end in range(6):
        await world.work(Cut(peaceful.passed - before_the_end))
        await world.check()
        world.clock.ahead += 20


STORIES: dict[str, Callable[[OutsideWorld], Awaitable[None]]] = {
    "noted_only_when_it_is_held": unanswered,
    "accepted_whatever_the_service_says": unreached,
    "an_unknown_outcome_taken_for_a_refusal": unanswered,
    "kept_though_it_was_released": too_slow,
    "paid_whatever_comes_of_it": cancelled,
    "settled_only_when_it_is_ready": cancelled,
    "told_once_whether_it_arrives_or_not": told_in_vain,
    "told_before_the_commit": dying_while_it_delivers,
    "a_retry_on_what_was_released": tried_again,
    "a_retry_for_nothing": tried_again,
}


def tell(story: Callable[[OutsideWorld], Awaitable[None]], home: Path) -> None:
    async def told() -> None:
        world = OutsideWorld(AnyOrderOutside.house, ScriptedProvider())
        await story(world)
        await world.check()
        await world.settle()

    with at(home):
        AnyOrderOutside.runner.run(told())


@pytest.mark.parametrize("story", STORIES.values())
def test_the_engine_passes_every_story(
    story: Callable[[OutsideWorld], Awaitable[None]], tmp_path: Path
) -> None:
    tell(story, tmp_path)


@pytest.mark.parametrize("name", STORIES)
def test_an_engine_without_one_of_its_rules_does_not(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    MUTANTS[name](monkeypatch)
    with pytest.raises(Violated):
        tell(STORIES[name], tmp_path)


def test_every_rule_has_its_story() -> None:
    assert STORIES.keys() == MUTANTS.keys()
