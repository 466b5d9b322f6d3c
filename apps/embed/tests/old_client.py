"""A client of the original system: what it sends, and what it knows of answers.

It sends a bearer token and ``Content-Type: application/json`` on everything, no cursor and no
idempotency key; it knows the first 8 characters of an image's id, and four words for its state.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from staging_core import Acting, Staging
from staging_embed.routes import GROUPS

from .house import API, OWN, as_own, house, photo

both = pytest.mark.parametrize("database", ["sqlite", "postgresql"], indirect=True)
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
NOBODYS = "00000000-0000-4000-8000-000000000000"


class Old:
    """A client of the original system."""

    def __init__(self, staging: Staging, client: httpx.AsyncClient) -> None:
        self.staging = staging
        self.client = client
        self.me: Acting = staging.acting_as(OWN)

    async def call(self, method: str, path: str, json: Any = None, *, status: int = 200) -> Any:
        """The JSON of the answer, which has to have that status."""
        headers = as_own(**{"Content-Type": "application/json"})
        answer = await self.client.request(method, f"{API}{path}", json=json, headers=headers)
        assert answer.status_code == status, answer.text
        if status == 204:
            assert answer.content == b""
            return None
        kind = "application/json" if status < 400 else "application/problem+json"
        assert answer.headers["content-type"] == kind
        return answer.json()

    async def staged(self, project_id: str | None = None, number: int = 0, **wish: Any) -> str:
        """The id of an image that is ready."""
        wish = {"room": "bedroom", "style": "modern", "seed": 7, **wish}
        group = await self.me.images.submit(photo(number), project_id=project_id, **wish)
        await self.staging.run_worker(until_idle=True)
        return group.images[0].id


@asynccontextmanager
async def old_client(home: Path, **settings: Any) -> AsyncIterator[Old]:
    app = {"include": GROUPS.keys()}
    async with house(home, app=app, **settings) as (staging, client):
        yield Old(staging, client)


def is_time(value: str) -> bool:
    return value.endswith("Z") and datetime.fromisoformat(value).tzinfo is not None
