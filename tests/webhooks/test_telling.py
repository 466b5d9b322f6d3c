"""An account is told how its jobs end, of exactly what happened, where it wants to be told."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import msgspec
import pytest
import sqlalchemy as sa

from staging_core import OWNER, Staging
from staging_core.audit import Audit, Evidence
from staging_core.errors import (
    EndpointDisabled,
    Forbidden,
    IdempotencyMismatch,
    TooManyEndpoints,
    ValidationFailed,
)
from staging_core.models import EVENT_TYPES, Principal
from staging_core.settlement import cancel_job
from staging_core.testing.webhooks import Answer, WebhookReceiver
from staging_core.webhooks import Sender

from .conftest import House, both, came, end_one, listening, photo, stage_one


async def send(staging: Staging) -> int:
    return await Sender(staging.ports).send_due()


@both
def test_a_staged_image_is_told_by_the_worker_that_staged_it(
    house: House, receiver: WebhookReceiver
) -> None:
    async def scenario() -> None:
        async with house(worker=True) as staging:
            me = staging.acting_as(OWNER)
            endpoint = await listening(me, receiver)
            project = await me.projects.create("12 Elm Street")
            wish: dict[str, Any] = {"room": "bedroom", "style": "modern"}
            group = await me.images.submit(photo(), project_id=project.id, **wish)
            (told,) = await came(receiver, 1)
            image = group.images[0]
            assert told.path == "/webhooks"
            assert told.headers["content-type"] == "application/json"
            assert told.event["type"] == "image.ready"
            assert told.event["timestamp"].endswith("Z")
            assert told.event["data"] == {
                "image_id": image.id,
                "project_id": project.id,
                "group_id": group.id,
                "job_id": image.job.id,
                "state": "ready",
                "status": "ready",
                "error": None,
                "message": None,
            }
            assert len(told.body) < 1000
        async with house() as staging:
            (delivery,) = await staging.acting_as(OWNER).webhooks.deliveries(endpoint)
            assert (delivery.id, delivery.state, delivery.due_at) == (told.id, "delivered", None)
            assert (delivery.image_id, delivery.payload) == (image.id, told.body.decode())
            assert [(each.number, each.status) for each in delivery.attempts] == [(1, 200)]
            assert receiver.refused == []

    asyncio.run(scenario())


@both
def test_each_end_has_a_type_and_an_endpoint_hears_of_those_it_wants(
    house: House, receiver: WebhookReceiver
) -> None:
    async def scenario() -> None:
        async with house() as staging:
            me = staging.acting_as(OWNER)
            everything = await listening(me, receiver)
            wanted = {each: await listening(me, receiver, types=[each]) for each in EVENT_TYPES}
            await stage_one(staging)
            await end_one(me, 1)
        async with house(stager="fake:?script=refused") as staging:
            me = staging.acting_as(OWNER)
            await stage_one(staging, number=2)
            kinds = ["image.failed", "image.cancelled", "image.ready"]
            assert await told_types(me, everything) == kinds
            for kind, endpoint in wanted.items():
                assert await told_types(me, endpoint) == [kind]
            failed = (await me.webhooks.deliveries(wanted["image.failed"]))[0]
            told = msgspec.json.decode(failed.payload)["data"]
            assert (told["state"], told["status"], told["error"]) == ("error", "error", "refused")
            assert told["message"] == "The fake stager refuses this photo."

    asyncio.run(scenario())


async def told_types(me: Any, endpoint_id: str) -> list[str]:
    return [delivery.type for delivery in await me.webhooks.deliveries(endpoint_id)]


@both
def test_what_did_not_happen_is_not_told(house: House, receiver: WebhookReceiver) -> None:
    """The delivery is written in the transaction that ends the job, or not at all."""

    async def scenario() -> None:
        async with house() as staging:
            me = staging.acting_as(OWNER)
            endpoint = await listening(me, receiver)
            group = await me.images.submit(photo(), room="bedroom", style="modern")
            job_id = group.images[0].job.id
            database = staging.ports.database
            with contextlib.suppress(RuntimeError):
                async with database.write("local") as tx:
                    await cancel_job(tx, "local", job_id)
                    await tx.write_events(notify=False)
                    raise RuntimeError
            assert await me.webhooks.deliveries(endpoint) == []
            async with database.write("local") as tx:
                await cancel_job(tx, "local", job_id)
            (delivery,) = await me.webhooks.deliveries(endpoint)
            assert (delivery.type, delivery.state) == ("image.cancelled", "pending")

    asyncio.run(scenario())


@contextmanager
def statements(staging: Staging) -> Iterator[list[str]]:
    """What the database is asked within the block."""
    asked: list[str] = []

    def note(*args: Any) -> None:
        asked.append(args[2])

    engine = staging.ports.database.engine.sync_engine
    sa.event.listen(engine, "before_cursor_execute", note)
    try:
        yield asked
    finally:
        sa.event.remove(engine, "before_cursor_execute", note)


@both
def test_an_account_without_endpoints_asks_the_database_nothing_more(
    house: House, receiver: WebhookReceiver
) -> None:
    async def scenario() -> None:
        async with house() as staging:
            me = staging.acting_as(OWNER)
            groups = [
                await me.images.submit(photo(n), room="bedroom", style="modern") for n in range(2)
            ]
            asked: list[list[str]] = []
            for group in groups:
                with statements(staging) as found:
                    async with staging.ports.database.write("local") as tx:
                        await cancel_job(tx, "local", group.images[0].job.id)
                asked.append(found)
                await listening(me, receiver)
            without, with_one = asked
            assert not [each for each in without if "staging_webhook_" in each]
            assert len(with_one) == len(without) + 2

    asyncio.run(scenario())


@both
def test_a_disabled_endpoint_is_told_nothing_and_says_why(
    house: House, receiver: WebhookReceiver
) -> None:
    async def scenario() -> None:
        async with house() as staging:
            me = staging.acting_as(OWNER)
            endpoint = await listening(me, receiver)
            await end_one(me)
            disabled = await me.webhooks.change(endpoint, enabled=False)
            assert disabled.disabled_reason == "by_hand"
            (unsent,) = await me.webhooks.deliveries(endpoint)
            assert (unsent.state, unsent.attempts) == ("failed", ())
            await end_one(me, 1)
            assert await send(staging) == 0
            for call in (me.webhooks.test(endpoint), me.webhooks.redeliver(endpoint, unsent.id)):
                with pytest.raises(EndpointDisabled):
                    await call
            enabled = await me.webhooks.change(endpoint, enabled=True)
            assert (enabled.disabled_at, enabled.disabled_reason) == (None, None)
            assert (await me.webhooks.redeliver(endpoint, unsent.id)).state == "pending"
            await end_one(me, 2)
            assert await send(staging) == 2
            assert unsent.id in {told.id for told in await came(receiver, 2)}

    asyncio.run(scenario())


@both
def test_a_delivery_is_made_again_under_its_id(house: House, receiver: WebhookReceiver) -> None:
    async def scenario() -> None:
        async with house() as staging:
            me = staging.acting_as(OWNER)
            endpoint = await listening(me, receiver)
            await end_one(me)
            await send(staging)
            (delivery,) = await me.webhooks.deliveries(endpoint)
            again = await me.webhooks.redeliver(endpoint, delivery.id, idempotency_key="k")
            assert (again.id, again.state, again.replayed) == (delivery.id, "pending", False)
            await send(staging)
            repeat = await me.webhooks.redeliver(endpoint, delivery.id, idempotency_key="k")
            assert (repeat.state, repeat.replayed) == ("delivered", True)
            with pytest.raises(IdempotencyMismatch):
                await me.webhooks.test(endpoint, idempotency_key="k")
            assert await send(staging) == 0
            first, second = await came(receiver, 2)
            assert (first.id, first.body) == (second.id, second.body) == (delivery.id, second.body)
            done = await me.webhooks.delivery(endpoint, delivery.id)
            assert [each.number for each in done.attempts] == [1, 2]
            assert await me.webhooks.deliveries(endpoint, state="delivered") == [done]
            assert await me.webhooks.deliveries(endpoint, state="failed") == []

    asyncio.run(scenario())


@both
def test_a_test_is_sent_whatever_the_filter_and_only_once(
    house: House, receiver: WebhookReceiver
) -> None:
    async def scenario() -> None:
        async with house() as staging:
            me = staging.acting_as(OWNER)
            endpoint = await listening(me, receiver, types=["image.ready"])
            receiver.will(Answer(status=500))
            trial = await me.webhooks.test(endpoint, idempotency_key="k")
            assert (await me.webhooks.test(endpoint, idempotency_key="k")).replayed
            assert await send(staging) == 1
            (told,) = await came(receiver, 1)
            assert (told.id, told.event["type"]) == (trial.id, "webhook.test")
            assert told.event["data"] == {"endpoint_id": endpoint}
            done = await me.webhooks.delivery(endpoint, trial.id)
            assert (done.state, done.due_at) == ("failed", None)
            assert (await me.webhooks.get(endpoint)).failing_since is None

    asyncio.run(scenario())


def test_what_is_sent_is_the_same_json_every_time(house: House, receiver: WebhookReceiver) -> None:
    async def scenario() -> None:
        async with house() as staging:
            me = staging.acting_as(OWNER)
            await listening(me, receiver)
            await listening(me, receiver)
            await end_one(me)
            await send(staging)
            one, other = await came(receiver, 2)
            assert one.id != other.id
            assert one.body == other.body == msgspec.json.encode(one.event)
            assert list(one.event) == ["type", "timestamp", "data"]

    asyncio.run(scenario())


def test_a_change_changes_what_it_names(house: House, receiver: WebhookReceiver) -> None:
    async def scenario() -> None:
        async with house() as staging:
            me = staging.acting_as(OWNER)
            endpoint = await listening(me, receiver, types=["image.failed"], description="CRM")
            changed = await me.webhooks.change(endpoint, types=[])
            assert (changed.types, changed.description) == ((), "CRM")
            changed = await me.webhooks.change(endpoint, url=f"{receiver.url}?x=1", description="")
            assert (changed.url, changed.description) == (f"{receiver.url}?x=1", "")
            assert await me.webhooks.get(endpoint) == changed
            assert await me.webhooks.page() == [changed]
            await me.webhooks.delete(endpoint)
            assert await me.webhooks.page() == []

    asyncio.run(scenario())


@both
def test_a_deleted_endpoint_takes_its_log_with_it(house: House, receiver: WebhookReceiver) -> None:
    async def scenario() -> None:
        async with house() as staging:
            me = staging.acting_as(OWNER)
            endpoint = await listening(me, receiver)
            await end_one(me)
            await send(staging)
            await end_one(me, 1)
            await me.webhooks.delete(endpoint)
            assert await send(staging) == 0
            await end_one(me, 2)  # and a job still ends
            async with staging.ports.database.read() as tx:
                for table in ("endpoints", "deliveries", "attempts"):
                    found = await tx.rows(sa.text(f"SELECT * FROM staging_webhook_{table}"))  # noqa: S608
                    assert found == []

    asyncio.run(scenario())


@both
def test_the_audit_finds_nothing_and_would_find_a_wrong_count(
    house: House, receiver: WebhookReceiver
) -> None:
    async def scenario() -> None:
        async with house() as staging:
            me = staging.acting_as(OWNER)
            await listening(me, receiver)
            await me.webhooks.delete(await listening(me, receiver))
            await stage_one(staging)
            await send(staging)
            assert await Audit(staging.ports).violations(Evidence(settled=True)) == []
            async with staging.ports.database.write() as tx:
                await tx.execute(sa.text("UPDATE staging_accounts SET webhook_endpoints = 0"))
            (found,) = await Audit(staging.ports).violations(Evidence(settled=True))
            assert "webhook endpoints" in found.what

    asyncio.run(scenario())


def test_an_account_has_a_limit_of_endpoints(house: House, receiver: WebhookReceiver) -> None:
    async def scenario() -> None:
        async with house() as staging:
            me = staging.acting_as(OWNER)
            made = [await me.webhooks.create(receiver.url) for _ in range(20)]
            with pytest.raises(TooManyEndpoints):
                await me.webhooks.create(receiver.url)
            await me.webhooks.delete(made[0].endpoint.id)
            await me.webhooks.create(receiver.url)

    asyncio.run(scenario())


@pytest.mark.parametrize(
    "wrong",
    [
        {"url": ""},
        {"url": "https://" + "a" * 2048},
        {"url": "https://a.example/\n"},
        {"types": ["image.made"]},
        {"types": ["webhook.test"]},
        {"description": "x" * 256},
        {"description": "\0"},
    ],
)
def test_what_cannot_be_is_named(
    house: House, receiver: WebhookReceiver, wrong: dict[str, Any]
) -> None:
    async def scenario() -> None:
        async with house() as staging:
            webhooks = staging.acting_as(OWNER).webhooks
            endpoint = (await webhooks.create(receiver.url)).endpoint
            with pytest.raises(ValidationFailed) as caught:
                await webhooks.create(**{"url": receiver.url, **wrong})
            assert caught.value.fields.keys() == wrong.keys()
            with pytest.raises(ValidationFailed):
                await webhooks.change(endpoint.id, **wrong)
            assert await webhooks.page() == [endpoint]

    asyncio.run(scenario())


def test_only_admins_look_after_endpoints(house: House, receiver: WebhookReceiver) -> None:
    async def scenario() -> None:
        async with house() as staging:
            admin = Principal(account_id="local", user_id="a", role="admin")
            made = await staging.acting_as(admin).webhooks.create(receiver.url)
            member = Principal(account_id="local", user_id="m")
            held = Principal(account_id="local", role="admin", scopes=frozenset({"images:write"}))
            for who in (member, held):
                webhooks = staging.acting_as(who).webhooks
                for call in (
                    lambda webhooks=webhooks: webhooks.create(receiver.url),
                    lambda webhooks=webhooks: webhooks.page(),
                    lambda webhooks=webhooks: webhooks.get(made.endpoint.id),
                    lambda webhooks=webhooks: webhooks.change(made.endpoint.id, enabled=False),
                    lambda webhooks=webhooks: webhooks.rotate_secret(made.endpoint.id),
                    lambda webhooks=webhooks: webhooks.deliveries(made.endpoint.id),
                    lambda webhooks=webhooks: webhooks.test(made.endpoint.id),
                    lambda webhooks=webhooks: webhooks.delete(made.endpoint.id),
                ):
                    with pytest.raises(Forbidden):
                        await call()
            assert await staging.acting_as(admin).webhooks.page() == [made.endpoint]

    asyncio.run(scenario())
