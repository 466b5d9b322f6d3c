"""Several orders in one call: each is accepted or refused by itself, and a repeat makes no more."""

from __future__ import annotations

import asyncio

import pytest

from staging_core import OWNER, Group, StagingError
from staging_core.errors import IdempotencyMismatch, InvalidIdempotencyKey, UnknownRoom
from staging_core.models import USUAL_ROOM, USUAL_STYLE

from .conftest import Install
from .pictures import photo

both = pytest.mark.parametrize("database", ["sqlite", "postgresql"], indirect=True)


def ids(outcomes: list[Group | StagingError]) -> list[str]:
    return [each.id for each in outcomes if isinstance(each, Group)]


@both
def test_one_that_is_refused_keeps_no_other_back(install: Install) -> None:
    async def scenario() -> None:
        async with install() as staging:
            me = staging.acting_as(OWNER)
            wishes = [{"photo": photo()}, {"photo": photo(), "room": "garage"}, {"photo": photo(1)}]
            first, refused, last = await me.images.submit_each(wishes)
            assert isinstance(refused, UnknownRoom)
            assert isinstance(first, Group)
            assert isinstance(last, Group)
            request = first.images[0].request
            assert (request.room, request.style) == (USUAL_ROOM, USUAL_STYLE)
            assert len(await me.images.page()) == 2

    asyncio.run(scenario())


@both
def test_under_a_key_what_was_accepted_is_told_again_and_the_rest_is_tried(
    install: Install,
) -> None:
    async def scenario() -> None:
        async with install() as staging:
            me = staging.acting_as(OWNER)
            wishes = [{"photo": photo()}, {"photo": photo(), "room": "garage"}]
            first = await me.images.submit_each(wishes, idempotency_key="k")
            corrected = [wishes[0], {"photo": photo(), "room": "office"}]
            again = await me.images.submit_each(corrected, idempotency_key="k")
            assert ids(again)[0] == ids(first)[0]
            assert len(ids(again)) == 2
            assert ids(await me.images.submit_each(corrected, idempotency_key="k")) == ids(again)
            with pytest.raises(IdempotencyMismatch):
                await me.images.submit_each(corrected[::-1], idempotency_key="k")
            assert len(await me.images.page()) == 2

    asyncio.run(scenario())


def test_a_key_that_is_none_is_refused_before_anything_is_made(install: Install) -> None:
    async def scenario() -> None:
        async with install() as staging:
            me = staging.acting_as(OWNER)
            with pytest.raises(InvalidIdempotencyKey):
                await me.images.submit_each([{"photo": photo()}], idempotency_key="a b")
            assert await me.images.page() == []

    asyncio.run(scenario())
