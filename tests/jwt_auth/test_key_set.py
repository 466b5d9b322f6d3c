"""The issuer is asked seldom."""

from __future__ import annotations

import asyncio

import pytest

from staging_core.backends.jwt_auth.key_set import (
    COOLDOWN_S,
    FRESH_S,
)

from .asking import unknown
from .conftest import World, told


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
