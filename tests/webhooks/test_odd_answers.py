"""Whatever a receiver answers or goes wrong here: each try is written down, and waits."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from staging_core.errors import MissingExtra
from staging_core.testing.webhooks import Answer, WebhookReceiver
from staging_core.webhooks import EndpointKeys, Sender

from .conftest import House, both, told_by_hand
from .test_senders_that_die import Died, Dying

ODD = (
    "Mon, 01 Jan 99999999999999999999 00:00:00 GMT",
    "9" * 400,
    "nan",
    "inf",
    "-5",
    "soon",
)


@pytest.mark.parametrize("told", ODD)
@pytest.mark.parametrize(("status", "state"), [(200, "delivered"), (500, "pending")])
def test_no_retry_after_makes_a_sender_forget_what_it_was_answered(
    house: House, receiver: WebhookReceiver, told: str, status: int, state: str
) -> None:
    async def scenario() -> None:
        async with told_by_hand(house, receiver) as (found, endpoint):
            receiver.will(Answer(status=status, headers={"retry-after": told}))
            await found.end_one()
            assert await found.sender.send_due() == 1
            (delivery,) = await found.me.deliveries(endpoint)
            assert (delivery.state, delivery.attempts[0].status) == (state, status)
            assert await found.sender.send_due() == 0
            assert len(receiver.received) == 1

    asyncio.run(scenario())


@both
@pytest.mark.parametrize("wrong", [MissingExtra("It needs a package."), LookupError("hidden")])
def test_what_cannot_be_signed_is_a_failed_try_and_waits(
    house: House, receiver: WebhookReceiver, monkeypatch: pytest.MonkeyPatch, wrong: Exception
) -> None:
    def signing(*_: Any) -> list[str]:
        raise wrong

    async def scenario() -> None:
        async with told_by_hand(house, receiver) as (found, endpoint):
            await found.end_one()
            with monkeypatch.context() as patched:
                patched.setattr(EndpointKeys, "signing", signing)
                assert await found.sender.send_due() == 1
                assert await found.sender.send_due() == 0, "it waits"
            (delivery,) = await found.me.deliveries(endpoint)
            (attempt,) = delivery.attempts
            assert (delivery.state, attempt.status) == ("pending", None)
            assert "package" in str(attempt.error) or "(LookupError)" in str(attempt.error)
            assert "hidden" not in str(attempt.error)
            await found.until_due()
            receiver.now = found.clock()
            await found.sender.send_due()
            assert (await found.me.delivery(endpoint, delivery.id)).state == "delivered"

    asyncio.run(scenario())


def test_a_try_that_goes_wrong_in_the_sending_is_written_down(
    house: House, receiver: WebhookReceiver
) -> None:
    class Broken:
        time_limit_s = 1.0

        async def post(self, *_: Any) -> Any:
            raise RuntimeError

    async def scenario() -> None:
        async with told_by_hand(house, receiver) as (found, endpoint):
            await found.end_one()
            broken: Any = replace(found.ports, posts=Broken())  # type: ignore[arg-type]
            assert await Sender(broken).send_due() == 1
            (delivery,) = await found.me.deliveries(endpoint)
            assert delivery.attempts[0].error == "It could not be sent (RuntimeError)."
            assert await found.sender.send_due() == 0

    asyncio.run(scenario())


def test_a_try_that_cannot_be_written_down_is_not_made_again_at_once(
    house: House, receiver: WebhookReceiver
) -> None:
    async def scenario() -> None:
        async with told_by_hand(house, receiver) as (found, _):
            await found.end_one()
            dying: Any = replace(found.ports, database=Dying(found.ports.database))
            with pytest.raises(Died):
                await Sender(dying).send_due()
            assert await Sender(dying).send_due() == 0
            assert len(receiver.received) == 1

    asyncio.run(scenario())
