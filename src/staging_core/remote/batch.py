"""Several orders in one call, over HTTP: as in the process each is accepted whole, or refused."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from uuid import uuid4

from staging_core.acting.batch import checked_wishes, is_wish
from staging_core.creation import check_key
from staging_core.errors import AnswerNotUnderstood, BadInput, StagingError
from staging_core.models import Group, Principal

from .order import BatchTold
from .problem import item_error
from .wire import Wire

Outcome = Group | StagingError
Prepare = Callable[..., Awaitable[dict[str, Any]]]

_AT_ONCE = 4


async def submit_many(
    wire: Wire, who: Principal, wishes: object, *, key: str | None, prepare: Prepare
) -> list[Outcome]:
    """Submit each; ``prepare``: sends the photo of a wish, and gives its order."""
    checked = checked_wishes(wishes)
    base = check_key(key) or uuid4().hex
    room = asyncio.Semaphore(_AT_ONCE)

    async def order(place: int, wish: object) -> dict[str, Any] | StagingError:
        if isinstance(wish, StagingError):
            return wish
        if not is_wish(wish):
            return BadInput("A wish names what `submit` takes and nothing else.")
        assert isinstance(wish, Mapping)
        async with room:
            try:
                return await prepare(f"{place} {base}", **wish)
            except StagingError as error:
                return error

    orders = await asyncio.gather(*(order(place, wish) for place, wish in enumerate(checked)))
    outcomes: list[Outcome | None] = [
        each if isinstance(each, StagingError) else None for each in orders
    ]
    places = [place for place, each in enumerate(outcomes) if each is None]
    if places:
        body = {"images": [orders[place] for place in places]}
        told = await wire.create(BatchTold, "/images/batch", body, key=key)
        for index, outcome in _outcomes(told.value, who, repeated=key is not None).items():
            if 0 <= index < len(places):
                outcomes[places[index]] = outcome
    whole = [each for each in outcomes if each is not None]
    if len(whole) < len(outcomes):
        raise AnswerNotUnderstood("The server does not say what became of every order.")
    return whole


def _outcomes(told: BatchTold, who: Principal, *, repeated: bool) -> dict[int, Outcome]:
    found: dict[int, Outcome] = {
        each.index: item_error(each.code, each.message, each.remedy, each.shortfall)
        for each in told.errors
    }
    for each in told.groups:
        replayed = each.replayed and repeated
        images = told.images_of(each.id, who)
        found[each.index] = Group(
            id=each.id, account_id=who.account_id, images=images, replayed=replayed
        )
    return found
