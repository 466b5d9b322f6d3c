"""One request to a fresh installation."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import httpx

from .house import API, house

UNKNOWN = f"{API}/images/00000000-0000-4000-8000-000000000000"


def get(home: Path, path: str, *, app: dict[str, Any] | None = None, **more: Any) -> httpx.Response:
    """The answer to one request of a fresh installation."""
    settings = more.pop("settings", {})

    async def scenario() -> httpx.Response:
        async with house(home, app=app, **settings) as (_, client):
            return await client.request(more.pop("method", "GET"), path, **more)

    return asyncio.run(scenario())
