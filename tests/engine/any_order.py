"""The state machine that Hypothesis drives: any deeds of ``world``, in any order."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from .crashing import Cut
from .house import House
from .scripted_provider import ScriptedProvider
from .world import ACCOUNTS, KEYS, WORKERS, World

accounts = st.sampled_from(ACCOUNTS)
workers = st.sampled_from(WORKERS)
places = st.integers(0, 3)
crashes = st.none() | st.integers(1, 40)
"""The point at which the process dies, if it does."""


class AnyOrder(RuleBasedStateMachine):
    """Runs in ``runner`` on an open ``house``, which each example finds empty."""

    house: ClassVar[House]
    runner: ClassVar[asyncio.Runner]

    def __init__(self) -> None:
        super().__init__()
        self.world = World(self.house, ScriptedProvider())
        self.anything_new = False

    def run(self, deed: Coroutine[Any, Any, None]) -> None:
        """Do it."""
        self.runner.run(deed)
        self.anything_new = True

    @initialize(poor=st.booleans())
    def begin(self, *, poor: bool) -> None:
        self.run(self.world.begin(poor=poor))

    @rule(account=accounts, key=st.sampled_from(KEYS), at=crashes)
    def submit(self, account: str, key: str, at: int | None) -> None:
        self.run(self.world.submit(account, key, Cut(at)))

    @rule(account=accounts, place=places)
    def cancel(self, account: str, place: int) -> None:
        self.run(self.world.cancel(account, place))

    @rule(account=accounts, place=places)
    def retry(self, account: str, place: int) -> None:
        self.run(self.world.retry(account, place))

    @rule(account=accounts, place=places)
    def delete(self, account: str, place: int) -> None:
        self.run(self.world.delete(account, place))

    @rule(account=accounts, images=st.integers(1, 3), purchase=st.sampled_from("ab"))
    def give(self, account: str, images: int, purchase: str) -> None:
        self.run(self.world.give(account, images, purchase))

    @rule(account=accounts, images=st.integers(1, 3), purchase=st.sampled_from("ab"))
    def take_back(self, account: str, images: int, purchase: str) -> None:
        self.run(self.world.take_back(account, images, purchase))

    @rule(
        account=accounts,
        name=st.sampled_from("xy"),
        refunded=st.sampled_from((0, 0, 200, 300)),
        disputed=st.booleans(),
    )
    def report_a_pack(self, account: str, name: str, refunded: int, *, disputed: bool) -> None:
        self.run(self.world.packs.report(account, name, refunded=refunded, disputed=disputed))

    @rule(account=accounts, place=places)
    def peep(self, account: str, place: int) -> None:
        self.run(self.world.peep(account, place))

    @rule(at=crashes)
    def work(self, at: int | None) -> None:
        self.run(self.world.work(Cut(at)))

    @rule(at=st.integers(1, 40))
    def work_while_overtaken(self, at: int) -> None:
        self.run(self.world.work(Cut(at, freeze=self.world.overtake)))

    @rule(worker=workers)
    def freeze(self, worker: str) -> None:
        self.run(self.world.freeze(worker))

    @rule(worker=workers, at=crashes)
    def thaw(self, worker: str, at: int | None) -> None:
        self.run(self.world.thaw(worker, Cut(at)))

    @rule(at=crashes)
    def sweep(self, at: int | None) -> None:
        self.run(self.world.sweep(Cut(at)))

    @rule(seconds=st.sampled_from((0.5, 4.0, 16.0, 95.0)))
    def wait(self, seconds: float) -> None:
        self.world.clock.ahead += seconds

    @rule()
    def wait_for_the_next_month(self) -> None:
        self.world.clock.ahead += 32 * 86_400.0

    @rule(
        what=st.sampled_from(("finish", "finish", "fail", "moderate", "expire", "puzzle")),
        place=places,
    )
    def happen(self, what: str, place: int) -> None:
        self.world.happen(what, place)

    @rule(place=places, at=crashes)
    def call_back(self, place: int, at: int | None) -> None:
        self.run(self.world.call_back(place, Cut(at)))

    @rule(how=st.sampled_from(("be_busy", "lose_answer", "land_late")))
    def next_create(self, how: str) -> None:
        getattr(self.world.provider, how)()

    @rule(silent=st.booleans())
    def be_silent(self, silent: bool) -> None:
        self.world.provider.silent = silent

    @invariant()
    def nothing_is_violated(self) -> None:
        """Asked where something was done: time and what the provider keeps to itself do nothing."""
        if self.anything_new:
            self.runner.run(self.world.check())
            self.anything_new = False

    def teardown(self) -> None:
        self.run(self.world.settle())
