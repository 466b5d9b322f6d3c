"""Keys that an issuer rotates are noticed, and those that it withdraws are forgotten."""

from __future__ import annotations

import asyncio

from staging_core.backends.jwt_auth.key_set import (
    FRESH_S,
)

from .asking import settled, without_kid
from .conftest import World, told


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
