"""Whatever is answered and whenever a sender dies, a message comes or is given up in time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from staging_core import OWNER
from staging_core.database import deliveries
from staging_core.testing.webhooks import Answer, WebhookReceiver
from staging_core.webhooks import Sender
from staging_core.webhooks.schedule import JITTER, PAUSES_S

from .conftest import House, Timed, both, listening, timed

TRIES = len(PAUSES_S) + 1
bad = st.one_of(
    st.integers(300, 599).filter(lambda status: status != 410).map(lambda n: Answer(status=n)),
    st.just(Answer(cuts=True)),
)


@settings(
    max_examples=12,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(failures=st.lists(bad, max_size=TRIES))
def test_a_message_is_tried_in_time_until_it_is_taken_or_there_were_enough(
    house: House, receiver: WebhookReceiver, failures: list[Answer]
) -> None:
    """By a clock that is moved by hand: every pause is as long as the schedule says."""

    async def scenario() -> None:
        async with house() as staging, timed(staging) as found:
            endpoint = await listening(staging.acting_as(OWNER), receiver)
            receiver.will(*failures)
            await found.end_one()
            (delivery,) = await found.me.deliveries(endpoint)
            for number in range(min(len(failures) + 1, TRIES)):
                if number:
                    pause = await found.until_due()
                    told = PAUSES_S[number - 1]
                    assert (1 - JITTER) * told - 5 <= pause <= (1 + JITTER) * told
                receiver.now = found.clock()
                assert await found.sender.send_due() == 1
                assert await found.sender.send_due() == 0, "not before it is due"
            done = await found.me.delivery(endpoint, delivery.id)
            assert done.due_at is None
            assert done.state == ("failed" if len(failures) == TRIES else "delivered")
            assert len(done.attempts) == min(len(failures) + 1, TRIES)
            disabled = (await found.me.get(endpoint)).disabled_reason
            assert disabled == ("failing" if len(failures) == TRIES else None)
            ids = {each.id for each in receiver.received[-len(done.attempts) :]}
            assert ids == {delivery.id}
            await found.me.delete(endpoint)

    asyncio.run(scenario())


class Died(BaseException):
    """The process is gone."""


class Cut:
    """Counts the points around everything that a sender does outside, and dies at one of them."""

    def __init__(self, at: int) -> None:
        self.at = at
        self.passed = 0

    def point(self) -> None:
        self.passed += 1
        if self.passed >= self.at:
            raise Died

    def into(self, found: Timed) -> Sender:
        ports: Any = found.ports
        cut = {"database": _Database(ports.database, self), "posts": _Posts(ports.posts, self)}
        return Sender(replace(ports, **cut))


class _Database:
    def __init__(self, behind: Any, cut: Cut) -> None:
        self._behind, self._cut = behind, cut

    @asynccontextmanager
    async def write(self, account_id: str | None = None) -> AsyncIterator[Any]:
        self._cut.point()
        async with self._behind.write(account_id) as tx:
            yield tx
            self._cut.point()
        self._cut.point()


class _Posts:
    def __init__(self, behind: Any, cut: Cut) -> None:
        self._behind, self._cut = behind, cut
        self.time_limit_s = behind.time_limit_s

    async def post(self, *args: Any) -> Any:
        self._cut.point()
        posted = await self._behind.post(*args)
        self._cut.point()
        return posted


@both
@pytest.mark.parametrize("answer", [Answer(), Answer(status=500)], ids=["taken", "failed"])
def test_a_sender_may_die_at_any_point(
    house: House, receiver: WebhookReceiver, answer: Answer
) -> None:
    async def scenario() -> None:
        async with house() as staging, timed(staging) as found:
            endpoint = await listening(staging.acting_as(OWNER), receiver)
            at = died = 0
            while died == at:
                at += 1
                receiver.will(answer)
                await found.end_one(at)
                cut = Cut(at)
                with suppress(Died):
                    await cut.into(found).send_due()
                died += cut.passed >= at
                delivery = await through(found, endpoint, receiver)
                came = [each for each in receiver.received if each.id == delivery.id]
                assert came, f"lost at point {at}"
                assert len(came) <= 3
            assert at > 8, "points were passed"

    asyncio.run(scenario())


async def through(found: Timed, endpoint: str, receiver: WebhookReceiver) -> Any:
    """The newest delivery, when a sender that lives has brought everything to an end."""
    found.clock.ahead += 60
    while True:
        async with found.ports.database.read() as tx:
            if await deliveries.next_due(tx) is None:
                break
        await found.until_due()
        receiver.now = found.clock()
        await found.sender.send_due()
    newest, *_ = await found.me.deliveries(endpoint)
    assert newest.state == "delivered"
    return newest
