"""Webhook endpoints are looked after over HTTP as they are in the process."""

from __future__ import annotations

import asyncio

import pytest

from staging_core import Staging
from staging_core.errors import AlreadyCreated, Forbidden, NotFound, ValidationFailed
from staging_core.testing.webhooks import receiving

from .conftest import Open


def test_an_endpoint_from_its_making_to_its_end(house: Open) -> None:
    async def scenario() -> None:
        with receiving() as receiver:
            async with (
                house(webhook_hosts=(receiver.host,), worker=False) as at,
                Staging.connect(at.url, token=at.token) as me,
            ):
                with pytest.raises(Forbidden):
                    await me.webhooks.page()
                await at.staging.operating("tests").grant("owner", "admin", account_id="local")
                here = at.me.webhooks
                made = await me.webhooks.create(
                    receiver.url, types=["image.ready"], description="a", idempotency_key="k"
                )
                endpoint_id = made.endpoint.id
                assert made.secret
                assert made.endpoint == await here.get(endpoint_id)
                assert made.endpoint == await me.webhooks.get(endpoint_id)
                with pytest.raises(AlreadyCreated) as caught:
                    await me.webhooks.create(
                        receiver.url, types=["image.ready"], description="a", idempotency_key="k"
                    )
                assert caught.value.id == endpoint_id
                second = await me.webhooks.create(receiver.url)
                assert await me.webhooks.page() == await here.page()
                assert await me.webhooks.page(before=second.endpoint) == [made.endpoint]
                changed = await me.webhooks.change(endpoint_id, types=(), enabled=False)
                assert changed.types == ()
                assert changed.disabled_reason == "by_hand"
                assert changed.description == "a"
                await me.webhooks.change(endpoint_id, enabled=True)
                rotated = await me.webhooks.rotate_secret(endpoint_id, overlap_s=60)
                assert rotated.secret not in ("", made.secret)
                for overlap_s in (float("inf"), 1e9, -1):
                    with pytest.raises(ValidationFailed):
                        await me.webhooks.rotate_secret(endpoint_id, overlap_s=overlap_s)
                trial = await me.webhooks.test(endpoint_id, idempotency_key="t")
                again = await me.webhooks.test(endpoint_id, idempotency_key="t")
                assert (trial.replayed, again.replayed, again.id) == (False, True, trial.id)
                assert await me.webhooks.deliveries(endpoint_id) == [trial]
                assert await here.deliveries(endpoint_id) == [trial]
                assert await me.webhooks.deliveries(endpoint_id, state="failed") == []
                for replayed in (False, True):
                    again = await me.webhooks.redeliver(
                        endpoint_id, trial.id, idempotency_key="again"
                    )
                    assert (again.id, again.replayed) == (trial.id, replayed)
                assert (await me.webhooks.delivery(endpoint_id, trial.id)).state == "pending"
                await me.webhooks.delete(endpoint_id)
                with pytest.raises(NotFound):
                    await me.webhooks.delete(endpoint_id)

    asyncio.run(scenario())
