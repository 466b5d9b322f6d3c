"""A client of event streams that forgets nothing it was told."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx


@dataclass(frozen=True)
class Message:
    """One message as it came. ``id``: None where it has none."""

    event: str
    id: str | None
    data: Any


async def messages(response: httpx.Response) -> AsyncIterator[Message]:
    """The stream's messages; those without an event (such as a retry hint) as ``retry``."""
    fields: dict[str, str] = {}
    async for line in response.aiter_lines():
        if line:
            name, _, value = line.partition(": ")
            fields[name] = value
        else:
            data = json.loads(fields["data"]) if "data" in fields else fields.get("retry")
            yield Message(fields.get("event", "retry"), fields.get("id"), data)
            fields = {}


@asynccontextmanager
async def following(
    url: str, headers: dict[str, str], **query: str
) -> AsyncIterator[AsyncIterator[Message]]:
    """An open stream."""
    async with (
        httpx.AsyncClient(base_url=url, timeout=60) as client,
        client.stream("GET", "/api/v1/events", params=query, headers=headers) as response,
    ):
        assert response.status_code == 200, await response.aread()
        assert response.headers["content-type"] == "text/event-stream"
        yield messages(response)
