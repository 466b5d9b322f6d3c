"""Endpoints' secrets: shown once, sealed at rest, changed without a gap, and told to nobody."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from pathlib import Path

import pytest

from staging_core import OWNER
from staging_core.errors import AlreadyCreated, ValidationFailed
from staging_core.testing.webhooks import Answer, NotVerified, WebhookReceiver, verified

from .conftest import House, both, listening, timed


@both
def test_after_a_rotation_both_secrets_sign_until_the_overlap_is_over(
    house: House, receiver: WebhookReceiver
) -> None:
    async def scenario() -> None:
        async with house() as staging, timed(staging) as found:
            made = await found.me.create(receiver.url)
            rotated = await found.me.rotate_secret(made.endpoint.id, overlap_s=1000)
            assert rotated.secret != made.secret
            until = rotated.endpoint.previous_secret_until
            assert until == pytest.approx(found.clock() + 1000, abs=10)
            receiver.secrets = [rotated.secret]
            for number, known in enumerate(([rotated.secret, made.secret], [rotated.secret])):
                await found.end_one(number)
                await found.sender.send_due()
                told = receiver.received[-1]
                assert len(told.headers["webhook-signature"].split(" ")) == len(known)
                for secret in (rotated.secret, made.secret):
                    if secret in known:
                        verified([secret], told.headers, told.body, now=found.clock())
                        continue
                    with pytest.raises(NotVerified):
                        verified([secret], told.headers, told.body, now=found.clock())
                found.clock.ahead += 1001
                receiver.now = found.clock()

    asyncio.run(scenario())


def test_without_an_overlap_the_old_secret_is_gone_at_once(
    house: House, receiver: WebhookReceiver
) -> None:
    async def scenario() -> None:
        async with house() as staging:
            webhooks = staging.acting_as(OWNER).webhooks
            made = await webhooks.create(receiver.url)
            rotated = await webhooks.rotate_secret(made.endpoint.id, overlap_s=0)
            assert rotated.endpoint.previous_secret_until is None
            for wrong in (-1, 31 * 86_400, float("nan")):
                with pytest.raises(ValidationFailed):
                    await webhooks.rotate_secret(made.endpoint.id, overlap_s=wrong)

    asyncio.run(scenario())


@both
def test_a_repeat_under_the_same_key_makes_nothing_and_tells_no_secret(
    house: House, receiver: WebhookReceiver
) -> None:
    async def scenario() -> None:
        async with house() as staging:
            webhooks = staging.acting_as(OWNER).webhooks
            made = await webhooks.create(receiver.url, idempotency_key="k")
            with pytest.raises(AlreadyCreated) as caught:
                await webhooks.create(receiver.url, idempotency_key="k")
            assert caught.value.id == made.endpoint.id
            assert await webhooks.page() == [made.endpoint]
            rotated = await webhooks.rotate_secret(made.endpoint.id, idempotency_key="r")
            with pytest.raises(AlreadyCreated):
                await webhooks.rotate_secret(made.endpoint.id, idempotency_key="r")
            assert await webhooks.get(made.endpoint.id) == rotated.endpoint

    asyncio.run(scenario())


def test_a_secret_stands_in_no_row_no_log_no_error_and_no_answer(
    house: House, receiver: WebhookReceiver, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Also the address's path and query, which some receivers take for a secret, are not told."""
    caplog.set_level(logging.DEBUG)

    async def scenario() -> None:
        async with house() as staging, timed(staging, time_limit_s=0.2) as found:
            made = await found.me.create(f"{receiver.url}/p4th?token=t0ken")
            rotated = await found.me.rotate_secret(made.endpoint.id)
            secrets = [made.secret, rotated.secret]
            receiver.secrets = [rotated.secret]
            receiver.will(Answer(status=500), Answer(cuts=True), Answer(hangs=True))
            await found.end_one()
            for _ in range(4):
                await found.sender.send_due()
                await found.until_due() if len(receiver.received) < 4 else None
                receiver.now = found.clock()
            (delivery,) = await found.me.deliveries(made.endpoint.id)
            assert len(delivery.attempts) == 4
            # The driver of SQLite logs, for whoever debugs it, every value that is written.
            logs = [each.getMessage() for each in caplog.records if each.name != "aiosqlite"]
            told = repr([made, rotated, await found.me.page(), delivery, logs])
            encoded = [secret.removeprefix("whsec_") for secret in secrets]
            for hidden in [*secrets, *encoded, "p4th", "t0ken"]:
                assert hidden not in told
            with sqlite3.connect(tmp_path / "home" / "staging.db") as database:
                rows = "\n".join(database.iterdump())
            assert not [secret for secret in encoded if secret in rows]

    asyncio.run(scenario())


def test_under_another_key_nothing_is_sent_and_the_log_says_why(
    house: House, receiver: WebhookReceiver
) -> None:
    async def scenario() -> None:
        async with house(secret_key="a first key of 16") as staging:  # noqa: S106
            endpoint = await listening(staging.acting_as(OWNER), receiver)
        async with house(secret_key="a second key of 16") as staging, timed(staging) as found:  # noqa: S106
            await found.end_one()
            await found.sender.send_due()
            (delivery,) = await found.me.deliveries(endpoint)
            assert delivery.state == "pending"
            assert "No key opens the secret" in (delivery.attempts[0].error or "")
            assert receiver.connections == 0
            receiver.secrets = [(await found.me.rotate_secret(endpoint, overlap_s=0)).secret]
            await found.until_due()
            receiver.now = found.clock()
            await found.sender.send_due()
            assert [told.id for told in receiver.received] == [delivery.id]

    asyncio.run(scenario())
