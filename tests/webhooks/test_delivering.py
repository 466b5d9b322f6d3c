"""Deliveries come through, at least once, and no endpoint stands in another's way."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa

from staging_core import OWNER, Staging
from staging_core.levels import tell_levels
from staging_core.recovery import Recovery
from staging_core.testing.telemetry import Heard
from staging_core.testing.webhooks import Answer, WebhookReceiver, receiving
from staging_core.webhooks import Sender, sender
from staging_core.webhooks.schedule import PAUSES_S

from .conftest import (
    OTHERS,
    House,
    Timed,
    both,
    came,
    end_one,
    listening,
    timed,
)

DAY_S = 86_400.0


@asynccontextmanager
async def told_by_hand(
    house: House, receiver: WebhookReceiver, **posts: Any
) -> AsyncIterator[tuple[Timed, str]]:
    """An endpoint in an installation whose time is moved by hand."""
    async with house() as staging, timed(staging, **posts) as found:
        yield found, await listening(staging.acting_as(OWNER), receiver)


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


# --- processes that die ---------------------------------------------------------------------------


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


# --- nobody in another's way ----------------------------------------------------------------------


@asynccontextmanager
async def sending(staging: Staging) -> AsyncIterator[None]:
    """A sender at work."""
    worker = Sender(staging.ports)
    task = asyncio.create_task(worker.run())
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        await worker.end()


@both
def test_an_endpoint_that_hangs_delays_nobody(house: House, receiver: WebhookReceiver) -> None:
    async def scenario() -> None:
        with receiving() as bad:
            bad.usual = Answer(hangs=True)
            async with house(webhook_hosts=(receiver.host, bad.host)) as staging:
                me = staging.acting_as(OWNER)
                slow = await listening(me, bad)
                for number in range(2 * sender.AT_ONCE):
                    await end_one(me, number)
                async with sending(staging):
                    await came(bad, sender.AT_ONCE)
                    sound = await listening(me, receiver)
                    for number in range(5):
                        await end_one(me, 100 + number)
                    await came(receiver, 5)
                    assert len(bad.received) == sender.AT_ONCE, "no more at one time"
                    waiting = await me.webhooks.deliveries(slow, state="pending")
                    assert len(waiting) == 2 * sender.AT_ONCE + 5
                    bad.release()
                assert await me.webhooks.deliveries(sound, state="pending") == []

    asyncio.run(scenario())


def test_a_host_that_sweeps_itself_sends_and_is_not_held_up_by_one_that_hangs(
    house: House, receiver: WebhookReceiver
) -> None:
    async def scenario() -> None:
        with receiving() as bad:
            bad.usual = Answer(hangs=True)
            async with house(webhook_hosts=(receiver.host, bad.host)) as staging:
                me = staging.acting_as(OWNER)
                await listening(me, bad)
                await listening(me, receiver)
                await end_one(me)
                sweeping = asyncio.create_task(staging.sweep())
                await came(bad, 1)
                await came(receiver, 1)
                bad.release()
                assert (await sweeping)["webhooks"] == 2

    asyncio.run(scenario())


def test_nothing_is_begun_when_the_time_is_over(house: House, receiver: WebhookReceiver) -> None:
    async def scenario() -> None:
        async with house() as staging:
            me = staging.acting_as(OWNER)
            await listening(me, receiver)
            await end_one(me)
            assert await Sender(staging.ports).send_due(within_s=0) == 0
            assert await Sender(staging.ports).send_due() == 1

    asyncio.run(scenario())


def test_endpoints_that_fail_have_half_of_the_places_at_most(
    house: House, receiver: WebhookReceiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sender, "LANES", 4)

    async def scenario() -> None:
        with receiving() as bad:
            async with house(webhook_hosts=(receiver.host, bad.host)) as staging:
                me = staging.acting_as(OWNER)
                for _ in range(8):
                    await listening(me, bad)
                bad.usual = Answer(status=500)
                await end_one(me)
                await Sender(staging.ports).send_due()
                bad.usual = Answer(hangs=True)
                async with staging.ports.database.write() as tx:
                    await tx.execute(sa.text("UPDATE staging_webhook_deliveries SET due_at = 0"))
                async with sending(staging):
                    await came(bad, 8 + 2)
                    await listening(me, receiver)
                    await end_one(me, 1)
                    await came(receiver, 1)
                    assert len(bad.received) == 8 + 2
                    bad.release()

    asyncio.run(scenario())


def test_slow_endpoints_of_one_account_leave_places_for_the_others(
    house: House, receiver: WebhookReceiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sender, "LANES", 4)
    monkeypatch.setattr(sender, "SHARE", 2)

    async def scenario() -> None:
        with receiving() as slow:
            slow.usual = Answer(hangs=True)
            async with house(webhook_hosts=(receiver.host, slow.host)) as staging:
                me, them = staging.acting_as(OWNER), staging.acting_as(OTHERS)
                for _ in range(8):
                    await listening(me, slow)
                await end_one(me)
                async with sending(staging):
                    await came(slow, 2)
                    await listening(them, receiver)
                    await end_one(them, 1)
                    await came(receiver, 1)
                    assert len(slow.received) == 2
                    slow.release()

    asyncio.run(scenario())


def test_an_endpoint_with_much_to_hear_takes_turns_with_the_others(
    house: House, receiver: WebhookReceiver
) -> None:
    async def scenario() -> None:
        async with house() as staging:
            me = staging.acting_as(OWNER)
            await listening(me, receiver)
            for number in range(3 * sender.AT_ONCE):
                await end_one(me, number)
            late = (await me.webhooks.create(f"{receiver.url}/late")).secret
            receiver.secrets.append(late)
            await end_one(me, 1000)
            await Sender(staging.ports).send_due()
            paths = [told.path for told in receiver.received]
            assert paths.index("/webhooks/late") <= sender.AT_ONCE

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
