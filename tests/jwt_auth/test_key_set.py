"""The issuer is asked seldom, its rotations are noticed, and its outages hurt nobody."""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from staging_core.backends.jwt_auth.authenticator import JwtAuth
from staging_core.backends.jwt_auth.fetching import NotAnswered
from staging_core.backends.jwt_auth.key_set import (
    BESIDE_S,
    COOLDOWN_S,
    FRESH_S,
    OUTAGE_S,
    Keys,
    KeySet,
)
from staging_core.backends.jwt_auth.published_key import PublishedKey
from staging_core.errors import SignInUnavailable
from staging_core.models import Credentials
from staging_core.testing import FakeClock
from staging_core.testing.issuer import MODES
from staging_core.testing.issuer.signing_key import compact

from .conftest import World, told

AWAY = ("outage", "hangs_up", "garbage", "huge", "packed", "redirect", "no_keys")


def unknown(world: World) -> str:
    """A token with a random ``kid``, which no key has signed."""
    return world.issuer.signed(world.issuer.claims(), kid=secrets.token_hex(8))


# --- how often the issuer is asked ----------------------------------------------------------------


def test_nothing_is_asked_before_a_token_comes_and_little_afterwards(world: World) -> None:
    async def scenario() -> None:
        async with world.open() as auth:
            assert world.fetched() == 0
            assert await told(auth, "a.b.c") == "not mine"
            assert await told(auth, world.issuer.token(fault="other_issuer")) == "not mine"
            assert world.fetched() == 0
            for _ in range(50):
                assert await told(auth, world.issuer.token()) == "yes"
                world.clock.advance(FRESH_S / 51)
            assert (world.fetched(), world.fetched("configuration")) == (1, 1)

    asyncio.run(scenario())


def test_many_who_come_at_one_moment_ask_once(world: World) -> None:
    async def scenario() -> None:
        world.issuer.set_mode("slow", slow_s=0.1)
        async with world.open() as auth:
            tokens = [world.issuer.token(f"user-{n}") for n in range(60)]
            said = await asyncio.gather(*(told(auth, token) for token in tokens))
            assert said == ["yes"] * 60
            assert world.fetched() == 1

    asyncio.run(scenario())


def test_one_who_goes_away_while_asking_takes_nobody_with_him(world: World) -> None:
    async def scenario() -> None:
        world.issuer.set_mode("slow", slow_s=0.2)
        async with world.open() as auth:
            token = world.issuer.token()
            first = asyncio.create_task(told(auth, token))
            await asyncio.sleep(0.05)
            second = asyncio.create_task(told(auth, token))
            await asyncio.sleep(0)
            first.cancel()
            assert await second == "yes"
            assert world.fetched() == 1

    asyncio.run(scenario())


@pytest.mark.parametrize("at_once", [True, False])
def test_a_flood_of_made_up_keys_costs_one_question_in_a_cooldown(
    world: World, at_once: bool
) -> None:
    async def scenario() -> None:
        async with world.open() as auth:
            for questions in range(1, 4):
                flood = [told(auth, unknown(world)) for _ in range(200)]
                if at_once:
                    said = await asyncio.gather(*flood)
                else:
                    said = [await each for each in flood]
                assert set(said) == {"no"}
                assert world.fetched() == questions
                assert await told(auth, world.issuer.token()) == "yes"
                world.clock.advance(COOLDOWN_S)

    asyncio.run(scenario())


def test_a_flood_while_the_issuer_is_away_costs_one_question_in_a_cooldown(world: World) -> None:
    async def scenario() -> None:
        async with world.open() as auth:
            assert await told(auth, world.issuer.token()) == "yes"
            world.issuer.set_mode("outage")
            before = world.fetched()
            for questions in range(1, 4):
                said = await asyncio.gather(*(told(auth, unknown(world)) for _ in range(100)))
                assert set(said) == {"later"}
                assert world.fetched("jwks.json") + world.fetched("configuration") <= (
                    before + 1 + 2 * questions
                )
                world.clock.advance(COOLDOWN_S)

    asyncio.run(scenario())


# --- rotation -------------------------------------------------------------------------------------


def test_a_rotation_is_noticed_with_its_first_token(world: World) -> None:
    async def scenario() -> None:
        async with world.open() as auth:
            old = world.issuer.token()
            assert await told(auth, old) == "yes"
            for rotations in range(1, 4):  # also one right after another
                world.issuer.rotate()
                assert await told(auth, world.issuer.token()) == "yes"
                assert world.fetched() == 1 + rotations
            assert await told(auth, old) == "yes"

    asyncio.run(scenario())


def test_a_withdrawn_key_is_believed_for_ten_minutes_at_most(world: World) -> None:
    async def scenario() -> None:
        async with world.open() as auth:
            stolen = world.issuer.token(exp=world.clock() + 86_400)
            assert await told(auth, stolen) == "yes"
            world.issuer.rotate(drop_old=True)
            assert await told(auth, stolen) == "yes"
            world.clock.advance(FRESH_S + 1)
            await told(auth, stolen)
            await settled(auth)
            assert await told(auth, stolen) == "no"
            assert await told(auth, world.issuer.token()) == "yes"

    asyncio.run(scenario())


def test_issuers_that_name_no_key_may_rotate_too(world: World) -> None:
    async def scenario() -> None:
        async with world.open() as auth:
            assert await told(auth, without_kid(world)) == "yes"
            world.issuer.rotate()
            assert await told(auth, without_kid(world)) == "yes"
            before = world.fetched()
            said = [await told(auth, world.issuer.token(fault="no_kid")) for _ in range(30)]
            assert set(said) == {"no"}
            assert world.fetched() == before + 1

    asyncio.run(scenario())


def without_kid(world: World) -> str:
    """A good token whose header names no key."""
    key = world.issuer.keys[0]
    return compact({"alg": key.algorithm}, world.issuer.claims(), key)


async def settled(auth: JwtAuth) -> None:
    """Wait until nothing is being asked."""
    await auth._keys._answered()


# --- outages --------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", AWAY)
def test_an_outage_of_an_hour_makes_no_wrong_yes_and_no_wrong_no(world: World, mode: str) -> None:
    async def scenario() -> None:
        async with world.open() as auth:
            assert await told(auth, world.issuer.token()) == "yes"
            world.clock.advance(FRESH_S - 1)
            world.issuer.set_mode(mode)
            before = len(world.issuer.fetches)
            for _ in range(120):
                world.clock.advance(30)
                assert await told(auth, world.issuer.token()) == "yes"
                for fault in ("other_key", "tampered", "expired", "alg_none", "hs256_pem"):
                    assert await told(auth, world.issuer.token(fault=fault)) == "no"
                assert await told(auth, world.issuer.token(fault="unknown_kid")) == "later"
                await settled(auth)
            assert 0 < len(world.issuer.fetches) - before <= 2 * 3600 / COOLDOWN_S
            world.issuer.rotate()
            world.issuer.set_mode("well")
            assert await told(auth, world.issuer.token(sub="bob")) in ("later", "yes")
            world.clock.advance(COOLDOWN_S)
            assert await told(auth, world.issuer.token()) == "yes"
            assert await told(auth, world.issuer.token(fault="unknown_kid")) == "no"

    asyncio.run(scenario())


def test_after_an_outage_of_more_than_an_hour_nothing_can_be_told(world: World) -> None:
    async def scenario() -> None:
        async with world.open() as auth:
            assert await told(auth, world.issuer.token()) == "yes"
            world.issuer.set_mode("outage")
            world.clock.advance(FRESH_S + 1)
            assert await told(auth, world.issuer.token()) == "yes"
            await settled(auth)
            world.clock.advance(OUTAGE_S + 1)
            assert await told(auth, world.issuer.token()) == "later"
            assert await told(auth, world.issuer.token(fault="tampered")) == "later"
            world.issuer.set_mode("well")
            world.clock.advance(COOLDOWN_S)
            assert await told(auth, world.issuer.token()) == "yes"

    asyncio.run(scenario())


def test_keys_of_a_quiet_night_serve_in_an_outage_that_begins_then_but_not_those_of_yesterday(
    world: World,
) -> None:
    async def scenario() -> None:
        async with world.open() as auth:
            for quiet_h, said in ((8, "yes"), (25, "later")):
                world.issuer.set_mode("well")
                world.clock.advance(COOLDOWN_S)
                assert await told(auth, world.issuer.token()) == "yes"
                world.clock.advance(quiet_h * 3600)
                world.issuer.set_mode("outage")
                assert await told(auth, world.issuer.token()) == said
                await settled(auth)

    asyncio.run(scenario())


@pytest.mark.parametrize("mode", [*AWAY, "other_issuer", "keys_elsewhere"])
def test_an_issuer_that_was_never_reached_lets_nobody_in_and_turns_nobody_away(
    world: World, mode: str
) -> None:
    async def scenario() -> None:
        world.issuer.set_mode(mode)
        async with world.open() as auth:
            with pytest.raises(SignInUnavailable) as caught:
                await auth.authenticate(Credentials(bearer=world.issuer.token()))
            assert caught.value.retry_after_s == COOLDOWN_S
            assert await told(auth, world.issuer.token(fault="tampered")) == "later"
            assert await told(auth, world.issuer.token(fault="alg_none")) == "no"
            world.issuer.set_mode("well")
            assert await told(auth, world.issuer.token()) == "later"
            world.clock.advance(COOLDOWN_S)
            assert await told(auth, world.issuer.token()) == "yes"

    asyncio.run(scenario())


def test_every_mode_of_the_issuer_is_tested_here() -> None:
    others = {"well", "slow", "other_issuer", "keys_elsewhere", "no_discovery", "odd_keys"}
    assert set(MODES) == {*AWAY, *others}


@pytest.mark.parametrize("mode", ["no_discovery", "odd_keys"])
def test_an_issuer_without_discovery_or_with_odd_keys_beside_its_own_is_understood(
    world: World, mode: str
) -> None:
    async def scenario() -> None:
        world.issuer.set_mode(mode)
        async with world.open() as auth:
            assert await told(auth, world.issuer.token()) == "yes"
            for fault in ("unknown_kid", "hs256_pem", "other_key"):
                assert await told(auth, world.issuer.token(fault=fault)) == "no"

    asyncio.run(scenario())


# --- time -----------------------------------------------------------------------------------------


@asynccontextmanager
async def keys_of(ask: Any, clock: FakeClock, timeout_s: float) -> AsyncIterator[KeySet]:
    keys = KeySet(ask, clock, timeout_s=timeout_s)
    try:
        yield keys
    finally:
        await keys.aclose()


def test_a_question_that_is_not_answered_in_time_has_failed() -> None:
    async def never(now: float) -> Keys:
        await asyncio.Event().wait()
        raise AssertionError

    async def scenario() -> None:
        async with keys_of(never, FakeClock(), 0.05) as keys:
            began = time.monotonic()
            with pytest.raises(SignInUnavailable):
                await keys.find("a", "RS256")
            with pytest.raises(SignInUnavailable):
                await keys.find("a", "RS256")  # at once: it is quiet
            assert time.monotonic() - began < 2

    asyncio.run(scenario())


def test_who_has_a_known_key_never_waits_for_an_issuer_that_is_slow() -> None:
    clock, slow = FakeClock(), asyncio.Event()
    key = PublishedKey(kid="a", algorithms=frozenset({"RS256"}), key="the key")
    asked: list[float] = []

    async def ask(now: float) -> Keys:
        asked.append(now)
        if len(asked) > 1:
            await slow.wait()
        return (key,)

    async def scenario() -> None:
        async with keys_of(ask, clock, 5.0) as keys:
            assert await keys.find("a", "RS256") == (key,)
            clock.advance(FRESH_S + 1)
            for _ in range(10):
                async with asyncio.timeout(1):
                    assert await keys.find("a", "RS256") == (key,)
            await asyncio.sleep(0)
            assert len(asked) == 2

    asyncio.run(scenario())


def test_a_clock_that_is_set_back_stops_nothing() -> None:
    class Moved:
        now = 1e9

        def __call__(self) -> float:
            return self.now

    clock = Moved()
    key = PublishedKey(kid="a", algorithms=frozenset({"RS256"}), key="the key")
    new = PublishedKey(kid="b", algorithms=frozenset({"RS256"}), key="another")
    answers: list[Keys] = [(key,), (key,), (key, new), (key, new)]

    async def ask(now: float) -> Keys:
        return answers.pop(0)

    async def scenario() -> None:
        keys = KeySet(ask, clock)
        assert await keys.find("a", "RS256") == (key,)
        assert await keys.find("b", "RS256") == ()
        clock.now -= 86_400
        assert await keys.find("a", "RS256") == (key,)
        assert await keys.find("b", "RS256") == (new,)
        await keys.aclose()

    asyncio.run(scenario())


def test_what_failed_is_in_the_log_once_in_a_cooldown(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    async def scenario() -> None:
        world.issuer.set_mode("outage")
        async with world.open() as auth:
            for _ in range(20):
                assert await told(auth, world.issuer.token()) == "later"

    with caplog.at_level(logging.WARNING, "staging_core"):
        asyncio.run(scenario())
    (record,) = [each for each in caplog.records if each.name.startswith("staging_core")]
    assert "answers 503" in record.getMessage()


def test_a_fault_of_our_own_is_an_outage_and_not_a_verdict() -> None:
    async def ask(now: float) -> Keys:
        raise NotAnswered("away") if now < 0 else RuntimeError("a bug")

    async def scenario() -> None:
        async with keys_of(ask, FakeClock(), 1.0) as keys:
            with pytest.raises(SignInUnavailable):
                await keys.find("a", "RS256")

    asyncio.run(scenario())


# --- the law --------------------------------------------------------------------------------------


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
