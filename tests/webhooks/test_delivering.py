"""Deliveries come through, at least once."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from staging_core.levels import tell_levels
from staging_core.recovery import Recovery
from staging_core.testing.telemetry import Heard
from staging_core.testing.webhooks import Answer, WebhookReceiver, receiving
from staging_core.webhooks import Sender
from staging_core.webhooks.schedule import PAUSES_S

from .conftest import (
    House,
    both,
    told_by_hand,
)

DAY_S = 86_400.0


@both
def test_what_fails_is_sent_again_as_it_was_until_it_is_taken(
    house: House, receiver: WebhookReceiver
) -> None:
    async def scenario() -> None:
        async with told_by_hand(house, receiver) as (found, endpoint):
            receiver.will(Answer(status=500, body=b"oh \x00no"), Answer(cuts=True))
            await found.end_one()
            assert await found.sender.send_due() == 1
            assert await found.sender.send_due() == 0, "it waits"
            pauses = []
            while len(receiver.received) < 3:
                receiver.now = found.clock()
                pauses.append(await found.until_due())
                receiver.now = found.clock()
                await found.sender.send_due()
            assert pauses[0] < 10 < pauses[1]
            assert len({told.id for told in receiver.received}) == 1
            assert len({told.body for told in receiver.received}) == 1
            stamps = [int(told.headers["webhook-timestamp"]) for told in receiver.received]
            assert stamps[0] < stamps[1] < stamps[2]
            (delivery,) = await found.me.deliveries(endpoint)
            assert delivery.state == "delivered"
            assert [each.status for each in delivery.attempts] == [500, None, 200]
            assert delivery.attempts[0].excerpt == "oh  no"
            assert "could not be reached" in (delivery.attempts[1].error or "")
            assert (await found.me.get(endpoint)).failing_since is None

    asyncio.run(scenario())


@both
def test_what_takes_nothing_for_days_is_disabled_and_says_why(
    house: House, receiver: WebhookReceiver
) -> None:
    async def scenario() -> None:
        async with told_by_hand(house, receiver) as (found, endpoint):
            receiver.usual = Answer(status=503)
            await found.end_one()
            began = found.clock()
            await found.sender.send_due()
            for _ in PAUSES_S:
                assert (await found.me.get(endpoint)).disabled_at is None
                await found.until_due()
                receiver.now = found.clock()
                await found.sender.send_due()
            failing = await found.me.get(endpoint)
            assert failing.disabled_reason == "failing"
            assert failing.failing_since == pytest.approx(began, abs=10)
            assert 2 * DAY_S < found.clock() - began < 4 * DAY_S
            (delivery,) = await found.me.deliveries(endpoint)
            assert (delivery.state, len(delivery.attempts)) == ("failed", len(PAUSES_S) + 1)
            await found.end_one(1)
            assert await found.sender.send_due() == 0

    asyncio.run(scenario())


@both
def test_one_message_that_never_goes_through_does_not_disable_what_takes_others(
    house: House, receiver: WebhookReceiver
) -> None:
    async def scenario() -> None:
        async with told_by_hand(house, receiver) as (found, endpoint):
            await found.end_one()
            poison = (await found.me.deliveries(endpoint))[0].id
            for number in range(1, len(PAUSES_S) + 2):
                receiver.will(Answer(status=500))
                await found.sender.send_due()
                await found.end_one(number)  # and this one is taken
                await found.sender.send_due()
                if number <= len(PAUSES_S):
                    await found.until_due()
                    receiver.now = found.clock()
            failed = await found.me.delivery(endpoint, poison)
            assert (failed.state, len(failed.attempts)) == ("failed", len(PAUSES_S) + 1)
            endpoint_now = await found.me.get(endpoint)
            assert (endpoint_now.disabled_at, endpoint_now.failing_since) == (None, None)

    asyncio.run(scenario())


@both
def test_an_endpoint_that_is_gone_is_disabled_at_once(
    house: House, receiver: WebhookReceiver
) -> None:
    async def scenario() -> None:
        async with told_by_hand(house, receiver) as (found, endpoint):
            await found.end_one()
            receiver.usual = Answer(status=410)
            await found.sender.send_due()
            assert (await found.me.get(endpoint)).disabled_reason == "gone"
            (delivery,) = await found.me.deliveries(endpoint)
            assert (delivery.state, delivery.due_at) == ("failed", None)

    asyncio.run(scenario())


def test_a_receiver_that_asks_for_time_gets_it(house: House, receiver: WebhookReceiver) -> None:
    async def scenario() -> None:
        async with told_by_hand(house, receiver) as (found, _):
            receiver.will(Answer(status=429, headers={"retry-after": "3600"}))
            await found.end_one()
            await found.sender.send_due()
            assert await found.until_due() == pytest.approx(3600, abs=10)

    asyncio.run(scenario())


def test_no_redirect_is_followed(house: House, receiver: WebhookReceiver) -> None:
    async def scenario() -> None:
        with receiving() as elsewhere:
            async with told_by_hand(house, receiver) as (found, endpoint):
                for status in (301, 302, 303, 307, 308):
                    receiver.will(Answer(status=status, headers={"location": elsewhere.url}))
                    await found.end_one(status)
                    await found.sender.send_due()
                    delivery = (await found.me.deliveries(endpoint))[0]
                    assert (delivery.state, delivery.attempts[0].status) == ("pending", status)
                    await found.me.change(endpoint, enabled=False)
                    await found.me.change(endpoint, enabled=True)
                assert elsewhere.connections == 0

    asyncio.run(scenario())


def test_a_receiver_that_does_not_answer_is_left_after_a_while(
    house: House, receiver: WebhookReceiver
) -> None:
    async def scenario() -> None:
        async with told_by_hand(house, receiver, time_limit_s=0.2) as (found, endpoint):
            receiver.will(Answer(hangs=True))
            await found.end_one()
            await found.sender.send_due()
            (delivery,) = await found.me.deliveries(endpoint)
            (attempt,) = delivery.attempts
            assert attempt.error == "No answer within 0.2 s."
            assert attempt.latency_ms >= 200

    asyncio.run(scenario())


def test_of_an_answer_only_the_beginning_is_kept(house: House, receiver: WebhookReceiver) -> None:
    async def scenario() -> None:
        async with told_by_hand(house, receiver) as (found, endpoint):
            receiver.will(Answer(body=b"a" * 5_000_000))
            await found.end_one()
            await found.sender.send_due()
            (delivery,) = await found.me.deliveries(endpoint)
            assert (delivery.state, delivery.attempts[0].excerpt) == ("delivered", "a" * 500)

    asyncio.run(scenario())


# --- the log --------------------------------------------------------------------------------------


@both
def test_the_log_is_kept_for_thirty_days_and_what_waits_stays(
    house: House, receiver: WebhookReceiver
) -> None:
    async def scenario() -> None:
        async with told_by_hand(house, receiver) as (found, endpoint):
            await found.end_one()
            await found.sender.send_due()
            receiver.usual = Answer(status=500)
            await found.end_one(1)
            await found.sender.send_due()
            recovery = Recovery(found.ports)
            found.clock.ahead += 29 * DAY_S
            assert (await recovery.sweep(bucket=True))["webhooks_forgotten"] == 0
            found.clock.ahead += 2 * DAY_S
            assert (await recovery.sweep(bucket=True))["webhooks_forgotten"] == 1
            (left,) = await found.me.deliveries(endpoint)
            assert left.state == "pending"
            assert left.attempts

    asyncio.run(scenario())


def test_tries_and_the_age_of_what_waits_are_told(house: House, receiver: WebhookReceiver) -> None:
    async def scenario() -> None:
        async with told_by_hand(house, receiver) as (found, _):
            heard = Heard()
            told: Any = replace(found.ports, telemetry=heard)
            await found.end_one()
            found.clock.ahead += 100
            receiver.now = found.clock()
            await tell_levels(told)
            assert heard.levels[("staging.webhooks.age",)] == pytest.approx(100, abs=10)
            receiver.will(Answer(status=500))
            await Sender(told).send_due()
            await found.until_due()
            await Sender(told).send_due()
            for outcome in ("retried", "delivered"):
                assert heard.counted["staging.webhooks.attempts", outcome] == 1
                (seconds,) = heard.measured["staging.webhooks.duration", outcome]
                assert 0 < seconds < 15

    asyncio.run(scenario())
