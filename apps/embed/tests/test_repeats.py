"""A call that is repeated under its idempotency key."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import httpx

from .house import API, as_own, photo
from .old_client import old_client


def test_what_is_made_under_a_key_is_made_once(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with old_client(tmp_path) as old:

            async def post(path: str, key: str, json: Any = None) -> httpx.Response:
                headers = as_own(**{"Idempotency-Key": key})
                return await old.client.post(f"{API}{path}", json=json, headers=headers)

            projects = [await post("/projects", "p", {"name": "a"}) for _ in range(2)]
            assert [each.status_code for each in projects] == [201, 201]
            assert projects[0].json() == projects[1].json()
            assert "idempotent-replayed" not in projects[0].headers
            assert projects[1].headers["idempotent-replayed"] == "true"
            other = await post("/projects", "p", {"name": "b"})
            assert (other.status_code, other.json()["code"]) == (409, "idempotency_mismatch")
            await old.call("DELETE", f"/projects/{projects[0].json()['id']}", status=204)
            gone = await post("/projects", "p", {"name": "a"})
            assert (gone.status_code, gone.json()["code"]) == (409, "created_then_deleted")
            assert gone.json()["created_id"] == projects[0].json()["id"]
            keys = [await post("/api-keys", "k", {"name": "a"}) for _ in range(2)]
            assert keys[0].json()["secret"]
            assert (keys[1].status_code, keys[1].json()["code"]) == (409, "already_created")
            assert keys[0].json()["secret"] not in keys[1].text
            group = await old.me.images.submit(photo(), room="bedroom", style="modern")
            path = f"/images/{group.images[0].id}"
            await old.call("POST", f"{path}/cancel", status=202)
            retries = [await post(f"{path}/retry", "r") for _ in range(2)]
            assert [each.status_code for each in retries] == [202, 202]
            assert retries[1].headers["idempotent-replayed"] == "true"
            assert len(await old.me.jobs.page()) == 2
            for key in ("", "a b", "x" * 256):
                refused = await post("/projects", key, {"name": "c"})
                assert refused.json()["code"] == "idempotency_key_invalid"

    asyncio.run(scenario())
