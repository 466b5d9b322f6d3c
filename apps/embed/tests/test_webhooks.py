"""Webhook endpoints over HTTP: made, changed, tried, and their log read."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from staging_core import Principal, Staging
from staging_core.testing.webhooks import Answer, WebhookReceiver, receiving

from .house import API, as_own, house

both = pytest.mark.parametrize("database", ["sqlite", "postgresql"], indirect=True)
ENDPOINTS = f"{API}/webhook-endpoints"
ADMIN = Principal(account_id="own", user_id="anna", role="admin")


class Client:
    """Calls as an admin."""

    def __init__(self, behind: httpx.AsyncClient) -> None:
        self._behind = behind

    async def __call__(
        self, method: str, path: str, status: int, json: Any = None, **headers: str
    ) -> Any:
        """The answer's body; it has that status."""
        sent = {} if json is None else {"json": json}
        answer = await self._behind.request(method, path, headers=as_own(**headers), **sent)
        assert answer.status_code == status, answer.text
        return answer.json() if answer.content else None


@asynccontextmanager
async def admins(
    home: Path, **settings: Any
) -> AsyncIterator[tuple[Staging, Client, WebhookReceiver]]:
    with receiving() as receiver:
        app = {"principal": lambda _: ADMIN}
        hosts = (receiver.host,)
        async with house(home, app=app, webhook_hosts=hosts, **settings) as (staging, client):
            yield staging, Client(client), receiver


@both
def test_from_the_endpoint_to_the_log(tmp_path: Path, database: dict[str, Any]) -> None:
    async def scenario() -> None:
        async with admins(tmp_path, worker=True, **database) as (_, call, receiver):
            wanted = {"url": receiver.url, "types": ["image.failed"], "description": "CRM"}
            made = await call("POST", ENDPOINTS, 201, wanted)
            secret, one = made.pop("secret"), f"{ENDPOINTS}/{made['id']}"
            receiver.secrets.append(secret)
            assert secret.startswith("whsec_")
            assert made["enabled"]
            assert made | wanted == made
            assert await call("GET", one, 200) == made
            listed = await call("GET", ENDPOINTS, 200)
            assert listed == {"endpoints": [made], "next_cursor": None}

            receiver.will(Answer(status=503, body=b"closed for lunch"))
            sent = await call("POST", f"{one}/test", 202)
            (told,) = await asyncio.to_thread(receiver.wait_for, 1)
            assert (told.id, told.event["type"]) == (sent["id"], "webhook.test")
            delivery = f"{one}/deliveries/{sent['id']}"
            done = await until(call, delivery, "failed")
            (attempt,) = done["attempts"]
            assert (attempt["number"], attempt["status"]) == (1, 503)
            assert attempt["excerpt"] == "closed for lunch"
            assert attempt["latency_ms"] > 0

            again = await call("POST", f"{delivery}/redeliver", 202)
            assert (again["id"], again["state"]) == (sent["id"], "pending")
            done = await until(call, delivery, "delivered")
            assert [each["status"] for each in done["attempts"]] == [503, 200]
            page = await call("GET", f"{one}/deliveries?state=delivered", 200)
            assert page == {"deliveries": [done], "next_cursor": None}

            rotated = await call("POST", f"{one}/rotate-secret", 200, {"overlap": 60})
            assert rotated.pop("secret") != secret
            assert rotated["previous_secret_until"]
            changed = await call("PATCH", one, 200, {"types": [], "enabled": False})
            assert (changed["types"], changed["description"]) == ([], "CRM")
            assert (changed["enabled"], changed["disabled_reason"]) == (False, "by_hand")
            refused = await call("POST", f"{one}/test", 409)
            assert refused["code"] == "endpoint_disabled"
            await call("DELETE", one, 204)
            await call("GET", one, 404)

    asyncio.run(scenario())


async def until(call: Client, path: str, state: str) -> Any:
    """The delivery when it is in that state."""
    async with asyncio.timeout(20):
        while True:
            found = await call("GET", path, 200)
            if found["state"] == state:
                return found
            await asyncio.sleep(0.02)


@both
def test_what_is_made_under_a_key_is_made_once(tmp_path: Path, database: dict[str, Any]) -> None:
    async def scenario() -> None:
        async with admins(tmp_path, **database) as (_, call, receiver):
            key = {"Idempotency-Key": "k1"}
            made = await call("POST", ENDPOINTS, 201, {"url": receiver.url}, **key)
            refused = await call("POST", ENDPOINTS, 409, {"url": receiver.url}, **key)
            assert (refused["code"], refused["created_id"]) == ("already_created", made["id"])
            assert "whsec_" not in str(refused)
            one = f"{ENDPOINTS}/{made['id']}"
            key = {"Idempotency-Key": "k2"}
            await call("POST", f"{one}/rotate-secret", 200, **key)
            await call("POST", f"{one}/rotate-secret", 409, **key)
            key = {"Idempotency-Key": "k3"}
            sent = await call("POST", f"{one}/test", 202, **key)
            assert await call("POST", f"{one}/test", 202, **key) == sent
            assert len((await call("GET", f"{one}/deliveries", 200))["deliveries"]) == 1

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "url"),
        ({"url": "http://169.254.169.254/"}, "url"),
        ({"url": "https://127.0.0.1/"}, "url"),
        ({"url": "https://me:secret@files.example/"}, "url"),
        ({"url": ""}, "url"),
        ({"url": "https://%31%32%37.0.0.1/"}, "url"),
        ({"url": "https://[fe80::1%25lo]/"}, "url"),
        ({"url": "https://.../"}, "url"),
        ({"url": "https://a..b/"}, "url"),
        ({"url": "https://files.example/", "types": ["image.made"]}, "types[0]"),
        ({"url": "https://files.example/", "description": "x" * 300}, "description"),
        ({"url": "https://files.example/", "secret": "mine"}, "secret"),
    ],
)
def test_what_cannot_be_an_endpoint_is_told(
    tmp_path: Path, body: dict[str, Any], field: str
) -> None:
    async def scenario() -> None:
        async with admins(tmp_path) as (_, call, _receiver):
            refused = await call("POST", ENDPOINTS, 422, body)
            assert field in str(refused["validation_errors"])
            assert "secret@" not in str(refused)
            assert (await call("GET", ENDPOINTS, 200))["endpoints"] == []

    asyncio.run(scenario())


def test_lists_come_in_pages(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with admins(tmp_path) as (_, call, receiver):
            made = [
                (await call("POST", ENDPOINTS, 201, {"url": receiver.url}))["id"] for _ in range(3)
            ]
            first = await call("GET", f"{ENDPOINTS}?limit=2", 200)
            cursor = first["next_cursor"]
            rest = await call("GET", f"{ENDPOINTS}?limit=2&cursor={cursor}", 200)
            seen = [each["id"] for each in first["endpoints"] + rest["endpoints"]]
            assert (seen, rest["next_cursor"]) == (made[::-1], None)
            one = f"{ENDPOINTS}/{made[0]}"
            sent = [(await call("POST", f"{one}/test", 202))["id"] for _ in range(3)]
            first = await call("GET", f"{one}/deliveries?limit=2", 200)
            cursor = first["next_cursor"]
            rest = await call("GET", f"{one}/deliveries?limit=2&cursor={cursor}", 200)
            seen = [each["id"] for each in first["deliveries"] + rest["deliveries"]]
            assert (seen, rest["next_cursor"]) == (sent[::-1], None)
            other = f"{ENDPOINTS}/{made[1]}/deliveries?cursor={cursor}"
            assert (await call("GET", other, 422))["code"]

    asyncio.run(scenario())
