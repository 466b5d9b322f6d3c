"""A sender dies, stops or is overtaken at any moment, and nothing is lost or written twice."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest

from staging_core import OWNER
from staging_core.testing.webhooks import Answer, WebhookReceiver
from staging_core.webhooks import Sender

from .conftest import (
    House,
    both,
    came,
    end_one,
    listening,
    told_by_hand,
)


class Dying:
    """A database in which nothing of an account is written down any more."""

    def __init__(self, behind: Any) -> None:
        self._behind = behind

    def __getattr__(self, name: str) -> Any:
        return getattr(self._behind, name)

    @asynccontextmanager
    async def write(self, account_id: str | None = None) -> AsyncIterator[Any]:
        if account_id is not None:
            raise Died
        async with self._behind.write(None) as tx:
            yield tx


class Died(Exception):
    """The process is gone."""


@both
def test_a_sender_that_dies_between_sending_and_writing_it_down_loses_nothing(
    house: House, receiver: WebhookReceiver
) -> None:
    async def scenario() -> None:
        async with told_by_hand(house, receiver) as (found, endpoint):
            await found.end_one()
            dying: Any = replace(found.ports, database=Dying(found.ports.database))
            with pytest.raises(Died):
                await Sender(dying).send_due()
            assert len(await came(receiver, 1)) == 1
            (delivery,) = await found.me.deliveries(endpoint)
            assert (delivery.state, delivery.attempts) == ("pending", ())
            found.clock.ahead += 60
            await found.sender.send_due()
            first, second = await came(receiver, 2)
            assert first.id == second.id == delivery.id
            assert (await found.me.delivery(endpoint, delivery.id)).state == "delivered"

    asyncio.run(scenario())


@both
def test_a_sender_that_dies_before_sending_holds_the_lane_until_its_lease_is_over(
    house: House, receiver: WebhookReceiver
) -> None:
    async def scenario() -> None:
        async with told_by_hand(house, receiver) as (found, _):
            await found.end_one()
            assert await found.sender._claim(only_sound=False) is not None
            assert await found.sender.send_due() == 0
            found.clock.ahead += 60
            assert await found.sender.send_due() == 1

    asyncio.run(scenario())


@both
def test_a_sender_that_was_overtaken_writes_down_nothing(
    house: House, receiver: WebhookReceiver
) -> None:
    async def scenario() -> None:
        async with told_by_hand(house, receiver) as (found, endpoint):
            await found.end_one()
            slow = found.sender
            lane = await slow._claim(only_sound=False)
            assert lane is not None
            found.clock.ahead += 60
            receiver.will(Answer(status=500))
            await found.sender.send_due()
            await slow._serve(lane)  # it went on, as a process does that was stopped
            (delivery,) = await found.me.deliveries(endpoint)
            assert [each.status for each in delivery.attempts] == [500]
            assert delivery.state == "pending"

    asyncio.run(scenario())


@both
def test_several_senders_at_once_send_everything_once(
    house: House, receiver: WebhookReceiver
) -> None:
    async def scenario() -> None:
        async with house() as staging:
            me = staging.acting_as(OWNER)
            for _ in range(3):
                await listening(me, receiver)
            for number in range(8):
                await end_one(me, number)
            senders = [Sender(staging.ports) for _ in range(4)]
            sent = await asyncio.gather(*(each.send_due() for each in senders))
            assert sum(sent) == 24
            assert len({told.id for told in receiver.received}) == len(receiver.received) == 24

    asyncio.run(scenario())


@both
def test_a_worker_that_stops_waits_for_the_answer_to_what_it_has_sent(
    house: House, receiver: WebhookReceiver
) -> None:
    async def scenario() -> None:
        async with house() as staging:
            me = staging.acting_as(OWNER)
            endpoint = await listening(me, receiver)
            receiver.will(Answer(hangs=True))
            working = asyncio.create_task(staging.run_worker())
            await end_one(me)
            await came(receiver, 1)
            working.cancel()
            await asyncio.sleep(0.1)
            assert not working.done()
            receiver.release()
            with contextlib.suppress(asyncio.CancelledError):
                await working
            (delivery,) = await me.webhooks.deliveries(endpoint)
            assert delivery.state == "delivered"

    asyncio.run(scenario())
