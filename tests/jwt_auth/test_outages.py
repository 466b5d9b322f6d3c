"""Outages of the issuer hurt nobody."""

from __future__ import annotations

import asyncio
import logging
import time

import pytest

from staging_core.backends.jwt_auth.fetching import NotAnswered
from staging_core.backends.jwt_auth.key_set import (
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

from .asking import keys_of, settled
from .conftest import World, told

AWAY = ("outage", "hangs_up", "garbage", "huge", "packed", "redirect", "no_keys")


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
