"""Events on their way: signed, sent again, held back, lost, and found in the list afterwards."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
import stripe as vendor

from staging_core.testing.stripe import Chaos, RunningStripe

from ..testing.receiver import Receiver, receiving  # noqa: TID252 - one receiver for all doubles
from .conftest import Play, Start, played


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A server that takes events."""
    with receiving() as receiver:
        yield receiver


async def endpoint(v1: Any, receiver: Receiver, *kinds: str) -> Any:
    """An endpoint at the receiver, of all events or of these."""
    url = f"{receiver.url}/stripe/webhook"
    params = {"url": url, "enabled_events": list(kinds) or ["*"]}
    return await v1.webhook_endpoints.create_async(params)


def read(one: Any, secret: str) -> Any:
    """The event, when the vendor's client takes its signature for good."""
    return vendor.Webhook.construct_event(one.body, one.headers["stripe-signature"], secret)


def kind(one: Any) -> str:
    """What an event is about, unverified."""
    return str(msgspec.json.decode(one.body)["type"])


def test_an_event_is_signed_as_the_vendors_client_wants_it(
    stripe: RunningStripe, play: Play, receiver: Receiver
) -> None:
    async def scenario(v1: Any) -> tuple[str, str]:
        secret = (await endpoint(v1, receiver, "customer.created")).secret
        made = await v1.customers.create_async({}, {"idempotency_key": "k1"})
        await v1.products.create_async({"name": "nobody wants to know"})
        return secret, made.id

    secret, customer = play(scenario)
    (one,) = receiver.wait_for(1)
    event = read(one, secret)
    assert (event.type, event.data.object.id) == ("customer.created", customer)
    assert (event.api_version, event.request.idempotency_key) == (vendor.api_version, "k1")
    with pytest.raises(vendor.SignatureVerificationError):
        read(one, "whsec_somebody_else")
    with pytest.raises(vendor.SignatureVerificationError):
        vendor.Webhook.construct_event(
            one.body.replace(b"customer.created", b"customer.deleted"),
            one.headers["stripe-signature"],
            secret,
        )


def test_during_a_rotation_both_secrets_sign(
    stripe: RunningStripe, play: Play, receiver: Receiver
) -> None:
    async def scenario(v1: Any) -> None:
        made = await endpoint(v1, receiver)
        assert "secret" not in await v1.webhook_endpoints.retrieve_async(made.id)
        new = stripe.rotate(made.id)
        await v1.customers.create_async({})
        (first,) = receiver.wait_for(1)
        assert read(first, made.secret).id == read(first, new).id
        assert stripe.rotate(made.id, drop_old=True) not in (made.secret, new)
        await v1.customers.create_async({})
        (_, second) = receiver.wait_for(2)
        with pytest.raises(vendor.SignatureVerificationError):
            read(second, made.secret)

    play(scenario)


def test_what_is_not_taken_is_sent_again_and_meanwhile_in_the_list(
    stripe: RunningStripe, play: Play, receiver: Receiver
) -> None:
    async def scenario(v1: Any) -> None:
        await endpoint(v1, receiver)
        receiver.answers += [500, 302]
        await v1.customers.create_async({})
        receiver.wait_for(1)
        until_told(stripe, "delivery", 1)
        (missed,) = (await v1.events.list_async({"delivery_success": False})).data
        assert (missed.type, missed.pending_webhooks) == ("customer.created", 1)
        stripe.advance(6)
        receiver.wait_for(2)
        until_told(stripe, "delivery", 2)
        stripe.advance(301)
        sendings = receiver.wait_for(3)
        until_told(stripe, "delivery", 3)
        assert len({one.body for one in sendings}) == 1
        assert (await v1.events.list_async({"delivery_success": False})).data == []
        (taken,) = (await v1.events.list_async({"delivery_success": True})).data
        assert taken.id == missed.id

    play(scenario)
    assert [one["answer"] for one in stripe.truth("delivery")] == [500, 302, 200]


def until_told(stripe: RunningStripe, event: str, number: int) -> None:
    """Wait until the truth has so many lines of a kind."""
    until = time.monotonic() + 10
    while len(stripe.truth(event)) < number:
        assert time.monotonic() < until
        time.sleep(0.005)


def test_a_test_delivers_in_the_order_and_as_often_as_it_likes(
    stripe: RunningStripe, play: Play, receiver: Receiver
) -> None:
    async def scenario(v1: Any) -> None:
        await endpoint(v1, receiver)
        stripe.hold_events()
        ada = await v1.customers.create_async({})
        await v1.customers.update_async(ada.id, {"name": "Ada"})
        await v1.customers.delete_async(ada.id)
        created, updated, deleted = [one["id"] for one in stripe.truth("event")]
        for event in (deleted, created, deleted):
            assert stripe.deliver(event) == [200]
        kinds = [kind(one) for one in receiver.wait_for(3)]
        assert kinds == ["customer.deleted", "customer.created", "customer.deleted"]
        (missed,) = (await v1.events.list_async({"delivery_success": False})).data
        assert missed.id == updated
        stripe.hold_events(held=False)
        await v1.customers.create_async({})
        receiver.wait_for(4)

    play(scenario)


def test_events_may_be_lost_doubled_and_late(start: Start, receiver: Receiver) -> None:
    stripe = start(Chaos(events_lost=1.0))

    async def scenario(v1: Any) -> None:
        await endpoint(v1, receiver)
        await v1.customers.create_async({"name": "lost"})
        stripe.chaos(events_lost=0.0, events_doubled=1.0)
        await v1.customers.create_async({"name": "doubled"})
        receiver.wait_for(2)
        stripe.chaos(events_doubled=0.0, events_late=1.0)
        await v1.customers.create_async({"name": "late"})
        assert len(receiver.received) == 2
        stripe.advance(5.1)
        receiver.wait_for(3)
        missed = (await v1.events.list_async({"delivery_success": False})).data
        assert [one.data.object.name for one in missed] == ["lost"]

    played(stripe, scenario)
    until_told(stripe, "delivery", 4)
    assert [one["answer"] for one in stripe.truth("delivery")] == ["lost", 200, 200, 200]


def test_an_endpoint_is_changed_switched_off_and_removed(
    stripe: RunningStripe, play: Play, receiver: Receiver
) -> None:
    async def scenario(v1: Any) -> None:
        made = await endpoint(v1, receiver, "product.created")
        await v1.webhook_endpoints.update_async(made.id, {"enabled_events": ["price.created"]})
        await v1.products.create_async({"name": "unheard"})
        off = await v1.webhook_endpoints.update_async(made.id, {"disabled": True})
        assert off.status == "disabled"
        assert (await v1.webhook_endpoints.delete_async(made.id)).deleted
        assert (await v1.webhook_endpoints.list_async()).data == []
        for wrong in ({"url": "shop.example/hook"}, {"enabled_events": ["gadget.created"]}):
            usual = {"url": receiver.url, "enabled_events": ["*"]}
            with pytest.raises(vendor.InvalidRequestError):
                await v1.webhook_endpoints.create_async({**usual, **wrong})

    play(scenario)
    assert receiver.received == []


def test_events_are_listed_by_kind_for_thirty_days(stripe: RunningStripe, play: Play) -> None:
    async def scenario(v1: Any) -> None:
        await v1.products.create_async({"name": "Pro"})
        ada = await v1.customers.create_async({})
        await v1.customers.update_async(ada.id, {"name": "Ada"})
        found = await v1.events.list_async({"types": ["customer.created", "product.created"]})
        assert [one.type for one in found.data] == ["customer.created", "product.created"]
        found = await v1.events.list_async({"type": "customer.*"})
        assert [one.type for one in found.data] == ["customer.updated", "customer.created"]
        stripe.advance(31 * 86_400)
        assert (await v1.events.list_async()).data == []

    play(scenario)
