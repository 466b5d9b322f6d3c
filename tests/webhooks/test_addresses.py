"""No form of an address of ours is sent to, neither when an endpoint is made nor afterwards."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace

import httpx
import pytest

from staging_core import OWNER, Staging
from staging_core.acting import Webhooks
from staging_core.download import Posts
from staging_core.errors import EndpointRefused, ValidationFailed
from staging_core.testing.inner_addresses import (
    CROOKED,
    LOOPBACK,
    METADATA,
    NAMES,
    PRIVATE,
    PUBLIC,
    Listener,
    resolve,
)
from staging_core.testing.webhooks import WebhookReceiver
from staging_core.webhooks import Sender

from .conftest import House, end_one

HOSTS = (*LOOPBACK, *PRIVATE, *METADATA, *NAMES)


def test_there_are_enough_forms() -> None:
    assert len({*HOSTS, *CROOKED}) >= 150


def test_no_form_of_an_address_of_ours_is_connected(
    house: House, receiver: WebhookReceiver
) -> None:
    """By httpx's own transport, with a listener on this machine that nobody may reach."""

    async def scenario() -> None:
        listener = Listener()
        async with Posts(resolve=resolve, time_limit_s=5) as posts, listener.waiting() as port:
            for host in HOSTS:
                url = f"https://{host}:{port}/webhooks"
                posted = await posts.post(url, b"{}", {})
                assert posted.status is None, host
                assert posted.error, host
            for url in CROOKED:
                assert (await posts.post(url, b"{}", {})).status is None, url
            assert listener.came == 0
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.close()
            await asyncio.sleep(0)
        async with house() as staging, Posts(resolve=resolve) as posts:
            webhooks = Webhooks(replace(staging.ports, posts=posts), OWNER)
            for host in HOSTS:
                try:
                    await webhooks.create(f"https://{host}/webhooks")
                except (EndpointRefused, ValidationFailed):
                    continue
                assert not await resolvable(host), host

    asyncio.run(scenario())


async def resolvable(host: str) -> bool:
    try:
        return bool(await resolve(host, 443))
    except (OSError, UnicodeError):
        return False


@pytest.mark.parametrize("url", CROOKED)
def test_what_is_no_https_address_makes_no_endpoint(
    house: House, receiver: WebhookReceiver, url: str
) -> None:
    async def scenario() -> None:
        async with house() as staging, Posts(resolve=resolve) as posts:
            webhooks = Webhooks(replace(staging.ports, posts=posts), OWNER)
            # A name that cannot be resolved may be one some day; it is checked again then.
            with contextlib.suppress(EndpointRefused, ValidationFailed):
                await webhooks.create(url)
                assert (await posts.post(url, b"{}", {})).error
                return
            assert await webhooks.page() == []

    asyncio.run(scenario())


class Web(httpx.AsyncBaseTransport):
    """What is sent where."""

    def __init__(self) -> None:
        self.sent: list[httpx.Request] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.sent.append(request)
        return httpx.Response(204, content=nothing())


async def nothing() -> AsyncIterator[bytes]:
    for chunk in ():
        yield chunk


def test_a_name_that_turns_inside_later_is_not_sent_to(
    house: House, receiver: WebhookReceiver
) -> None:
    """Rebinding: it is resolved once a POST, checked, and the checked address is connected."""
    answers = [[PUBLIC], [PUBLIC], ["127.0.0.1"], [PUBLIC, "10.0.0.1"]]

    async def turning(host: str, port: int) -> Sequence[str]:
        return answers.pop(0)

    async def scenario() -> None:
        web = Web()
        async with house() as staging, Posts(resolve=turning, transport=web) as posts:
            ports = replace(staging.ports, posts=posts)
            webhooks = Webhooks(ports, OWNER)
            made = await webhooks.create("https://turning.example/webhooks")
            await end_one(staging.acting_as(OWNER))
            await Sender(ports).send_due()
            (request,) = web.sent
            assert (request.method, request.url.host) == ("POST", PUBLIC)
            assert request.extensions["sni_hostname"] == "turning.example"
            assert request.headers["host"] == "turning.example"
            for number in range(1, 3):
                await end_one(staging.acting_as(OWNER), number)
                await Sender(ports).send_due()
                (newest, *_) = await webhooks.deliveries(made.endpoint.id)
                assert "not public" in (newest.attempts[0].error or "")
            assert len(web.sent) == 1
            assert answers == []

    asyncio.run(scenario())


def test_only_hosts_that_the_operator_names_may_be_private(
    house: House, receiver: WebhookReceiver
) -> None:
    async def scenario() -> None:
        async with house(webhook_hosts=()) as staging:
            await refused(staging, receiver.url)
        async with house() as staging:
            webhooks = staging.acting_as(OWNER).webhooks
            await webhooks.create(receiver.url)
            port = receiver.host.rpartition(":")[2]
            await refused(staging, f"http://127.0.0.1:{int(port) - 1}/webhooks")
            await refused(staging, f"http://127.0.0.2:{port}/webhooks")
            await refused(staging, f"http://me:pw@{receiver.host}/webhooks")

    asyncio.run(scenario())


async def refused(staging: Staging, url: str) -> None:
    with pytest.raises(EndpointRefused) as caught:
        await staging.acting_as(OWNER).webhooks.create(url)
    assert "pw" not in str(caught.value)
