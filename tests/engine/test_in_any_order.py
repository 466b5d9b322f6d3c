"""Whatever happens in whatever order, the invariants hold; and each is held by something.

The mutants take away one rule of the engine each. That all are caught says what the machine sees.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from .any_order import AnyOrder
from .crashing import Cut
from .house import open_house
from .mutants import MUTANTS
from .packs import CREDITS
from .scripted_provider import ScriptedProvider, TrustingDecoder
from .world import KEYS, Violated, World

WHOLE = Cut()
PAID: dict[str, Any] = {
    "daily_spend_usd": 1_000,
    "billing": "plans:",
    "plans": {"free": {"images": 5, "overage_images": 1, "overage_cents": 50}},
}
QUICK = settings(
    max_examples=5,
    stateful_step_count=25,
    suppress_health_check=list(HealthCheck),
    derandomize=True,
    deadline=None,
)
LONG = settings(QUICK, max_examples=2000, stateful_step_count=50)
HUNT = settings(QUICK, max_examples=2000, phases=[Phase.generate], report_multiple_bugs=False)


@contextmanager
def at(home: Path, **database: Any) -> Iterator[None]:
    """The machine runs on an installation of its own."""
    with asyncio.Runner() as runner:
        decoder: Any = TrustingDecoder()
        house = open_house(home, ScriptedProvider(), decoder=decoder, **PAID, **database)
        AnyOrder.runner = runner
        AnyOrder.house = runner.run(house.__aenter__())
        try:
            yield
        finally:
            runner.run(house.__aexit__(None, None, None))


both = pytest.mark.parametrize("database", ["sqlite", "postgresql"], indirect=True)


@both
def test_nothing_is_lost_or_doubled_in_any_order(tmp_path: Path, database: dict[str, Any]) -> None:
    with at(tmp_path, **database):
        run_state_machine_as_test(AnyOrder, settings=QUICK)


@pytest.mark.full
@pytest.mark.timeout(7200)
@both
def test_nothing_is_lost_or_doubled_in_two_thousand_orders(
    tmp_path: Path, database: dict[str, Any]
) -> None:
    with at(tmp_path, **database):
        run_state_machine_as_test(AnyOrder, settings=LONG)


@pytest.mark.full
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("name", MUTANTS)
def test_an_engine_without_one_of_its_rules_is_caught_by_chance(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    MUTANTS[name](monkeypatch)
    with at(tmp_path), pytest.raises(Violated) as caught:
        run_state_machine_as_test(AnyOrder, settings=HUNT)
    print(f"{name}: {caught.value}")


# --- stories: the shortest way to see a rule at work ---------------------------------------------


async def frozen_and_overtaken(world: World) -> None:
    """At each of its points, while a rival does the job, and again with what comes of it."""
    for key, account in product(KEYS, ("one", "two")):
        await world.submit(account, key, WHOLE)
    for at in range(1, 24):
        await world.work(Cut(at, freeze=world.overtake))
        await world.check()
        world.provider.end_all()
        world.clock.ahead += 95


async def dying_while_it_delivers(world: World) -> None:
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


async def dying_while_it_accepts(world: World) -> None:
    """Four orders: what is looked up only now and then moves the points of one by a step."""
    for key, account in product(KEYS, ("one", "two")):
        for at in range(12, 32):
            await world.submit(account, key, Cut(at))
            await world.check()


async def curious(world: World) -> None:
    await world.submit("one", "first", WHOLE)
    await world.peep("two", 0)


async def asked_without_answer(world: World) -> None:
    await world.submit("one", "first", WHOLE)
    world.provider.lose_answer()
    await world.work(WHOLE)


async def ordered_again(world: World) -> None:
    await world.submit("one", "first", WHOLE)
    await world.submit("one", "first", WHOLE)


async def deleted_when_ready(world: World) -> None:
    await world.submit("one", "first", WHOLE)
    await world.settle()
    await world.delete("one", 0)


async def cancelled(world: World) -> None:
    await world.submit("one", "first", WHOLE)
    await world.cancel("one", 0)


async def cancelled_at_its_provider(world: World) -> None:
    await world.submit("one", "first", WHOLE)
    await world.work(WHOLE)
    await world.cancel("one", 0)
    await world.cancel("one", 1)
    await world.sweep(WHOLE)


async def told_twice_of_a_purchase(world: World) -> None:
    await world.give("one", 2, "a")
    await world.give("one", 2, "a")


async def refunded_while_it_is_held(world: World) -> None:
    await world.begin(poor=True)
    await world.packs.report("one", "x", refunded=0, disputed=False)
    await world.submit("one", "first", WHOLE)
    await world.packs.report("one", "x", refunded=0, disputed=True)
    await world.cancel("one", 0)
    await world.cancel("one", 1)
    if await world.credits("one"):
        raise Violated("I9: credits whose money went back may be had")
    await world.packs.report("one", "x", refunded=0, disputed=False)
    if await world.credits("one") != CREDITS:
        raise Violated("I9: the money is here again, and the credits are not")


STORIES: dict[str, Callable[[World], Awaitable[None]]] = {
    "no_fence": frozen_and_overtaken,
    "result_outside_the_transaction": dying_while_it_delivers,
    "acknowledged_before_the_commit": dying_while_it_accepts,
    "no_account_filter": curious,
    "posted_again": asked_without_answer,
    "no_unique_key": ordered_again,
    "deleted_and_kept": deleted_when_ready,
    "held_and_never_given_back": cancelled,
    "paid_whatever_comes_of_it": cancelled,
    "settled_outside_the_transaction": dying_while_it_delivers,
    "taken_without_a_guard": ordered_again,
    "spent_and_counted_elsewhere": cancelled_at_its_provider,
    "counted_for_less_than_it_costs": deleted_when_ready,
    "a_purchase_booked_twice": told_twice_of_a_purchase,
    "released_though_its_money_went_back": refunded_while_it_is_held,
}


def tell(story: Callable[[World], Awaitable[None]], home: Path) -> None:
    async def told() -> None:
        world = World(AnyOrder.house, ScriptedProvider())
        await story(world)
        await world.check()
        await world.settle()

    with at(home):
        AnyOrder.runner.run(told())


@pytest.mark.parametrize("story", STORIES.values())
def test_the_engine_passes_every_story(
    story: Callable[[World], Awaitable[None]], tmp_path: Path
) -> None:
    tell(story, tmp_path)


@pytest.mark.parametrize("name", STORIES)
def test_an_engine_without_one_of_its_rules_does_not(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    MUTANTS[name](monkeypatch)
    with pytest.raises(Violated):
        tell(STORIES[name], tmp_path)
