"""Tokens, rotations, outages and the clock in any order: no wrong yes, no wrong no."""

from __future__ import annotations

import asyncio
from itertools import pairwise

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from staging_core.backends.jwt_auth.fetching import NotAnswered
from staging_core.backends.jwt_auth.key_set import (
    BESIDE_S,
    COOLDOWN_S,
    FRESH_S,
    Keys,
    KeySet,
)
from staging_core.backends.jwt_auth.published_key import PublishedKey
from staging_core.errors import SignInUnavailable
from staging_core.testing import FakeClock


class AnyOrder(RuleBasedStateMachine):
    """Rotations, outages, floods and time in any order: no wrong yes, and no wrong no.

    A good token is taken, or "later" is said while the issuer is away. One exception: a new key,
    within the cooldown that made-up keys began. A bad token is never taken.
    """

    def __init__(self) -> None:
        super().__init__()
        self.clock = FakeClock()
        self.published = ["k0"]
        self.withdrawn: set[str] = set()
        self.away = False
        self.asked: list[tuple[float, bool]] = []  # when, and whether it was answered
        self.seen: set[str] = set()  # what the last answer held
        self.answered_at = self.flooded_at = -1e9
        self.runner = asyncio.Runner()
        self.keys = KeySet(self._ask, self.clock)

    def teardown(self) -> None:
        self.runner.run(self.keys.aclose())
        self.runner.close()

    async def _ask(self, now: float) -> Keys:
        self.asked.append((now, not self.away))
        if self.away:
            raise NotAnswered("away")
        self.answered_at = now
        self.seen = set(self.published) - self.withdrawn
        return tuple(_key(name) for name in sorted(self.seen))

    def _told(self, kid: str) -> str:
        async def ask() -> str:
            try:
                return "yes" if await self.keys.find(kid, "RS256") else "no"
            except SignInUnavailable:
                return "later"

        return self.runner.run(ask())

    @rule(seconds=st.sampled_from([0.5, 9.0, 10.0, 60.0, 599.0, 1800.0]))
    def time_passes(self, seconds: float) -> None:
        self.clock.advance(seconds)

    @rule()
    def rotate(self) -> None:
        self.published.append(f"k{len(self.published)}")

    @rule()
    def withdraw_the_oldest(self) -> None:
        self.withdrawn |= {min(self.published[:-1], key=_age)} if self.published[:-1] else set()

    @rule(away=st.booleans())
    def go_away_or_come_back(self, away: bool) -> None:
        self.away = away

    @rule(times=st.integers(1, 30))
    def flood(self, times: int) -> None:
        before = len(self.asked)
        said = {self._told(f"made-up-{n}") for n in range(times)}
        assert "yes" not in said
        assert len(self.asked) - before <= 2  # one for the flood, one as the keys were old
        self.flooded_at = self.clock()

    @rule()
    def a_good_token_comes(self) -> None:
        before = len(self.asked)
        said = self._told(self.published[-1])
        if said == "no":
            assert self.clock() - self.flooded_at < COOLDOWN_S
            assert self.published[-1] not in self.seen
            assert len(self.asked) == before
        if said == "later":
            at, answered = self.asked[-1]
            assert not answered
            assert self.clock() - at < COOLDOWN_S

    @rule()
    def a_token_of_a_withdrawn_key_comes(self) -> None:
        for name in sorted(self.withdrawn):
            seen, age = self.seen, self.clock() - self.answered_at
            said = self._told(name)
            if said == "yes":
                assert name in seen  # no answer before has told of it
                assert age <= FRESH_S + BESIDE_S or not self.asked[-1][1]
            if said == "no":
                self.flooded_at = self.clock()

    @invariant()
    def after_a_question_that_failed_none_follows_for_a_while(self) -> None:
        for (at, answered), (then, _) in pairwise(self.asked):
            assert answered or then - at >= COOLDOWN_S


def _age(name: str) -> int:
    return int(name[1:])


def _key(name: str) -> PublishedKey:
    return PublishedKey(kid=name, algorithms=frozenset({"RS256"}), key=name)


TestAnyOrder = AnyOrder.TestCase
TestAnyOrder.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
