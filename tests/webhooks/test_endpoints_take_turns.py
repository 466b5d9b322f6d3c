"""No endpoint and no account stands in another's way."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import sqlalchemy as sa

from staging_core import OWNER, Staging
from staging_core.testing.webhooks import Answer, WebhookReceiver, receiving
from staging_core.webhooks import Sender, sender

from .conftest import (
    OTHERS,
    House,
    both,
    came,
    end_one,
    listening,
)


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
