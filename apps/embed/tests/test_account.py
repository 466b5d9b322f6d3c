"""An account over HTTP: taken along as one file, and deleted."""

from __future__ import annotations

import asyncio
import io
import zipfile
from pathlib import Path
from typing import Any

import pytest

from staging_core import Principal
from staging_core.models import SCOPES

from .house import API, house, photo

both = pytest.mark.parametrize("database", ["sqlite", "postgresql"], indirect=True)
ADMIN = Principal(account_id="acme", user_id="ada", role="admin")
MEMBER = Principal(account_id="acme", user_id="max")
APP = {"include": {"account", "me", "projects"}, "principal": None}


@both
def test_it_is_exported_and_deleted_by_an_admin_only(
    tmp_path: Path, database: dict[str, Any]
) -> None:
    async def scenario() -> None:
        settings = {"auth": "keys:", "secret_key": "0" * 16, **database}
        async with house(tmp_path, app=APP, **settings) as (staging, client):
            headers = {}
            for who in (ADMIN, MEMBER):
                made = await staging.acting_as(who).keys.create("k", scopes=SCOPES)
                headers[who.user_id] = {"Authorization": f"Bearer {made.secret}"}
            await staging.operating("root").grant("ada", "admin")
            await staging.acting_as(ADMIN).images.submit(photo(), room="bedroom", style="modern")
            for method, path in (("POST", "/account/export"), ("DELETE", "/account?confirm=acme")):
                answer = await client.request(method, API + path, headers=headers["max"])
                assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
            ada = headers["ada"]
            exported = await client.post(f"{API}/account/export", headers=ada)
            assert exported.headers["content-type"] == "application/zip"
            assert "account.zip" in exported.headers["content-disposition"]
            names = zipfile.ZipFile(io.BytesIO(exported.content)).namelist()
            assert {"account.json", "rows/images.jsonl"} <= set(names)
            assert any(name.startswith("pictures/") for name in names)
            for query in ({}, {"confirm": "other"}):
                refused = await client.delete(f"{API}/account", params=query, headers=ada)
                assert refused.status_code == 422
                assert refused.json()["validation_errors"][0]["field"] == "confirm"
            done = await client.delete(f"{API}/account", params={"confirm": "acme"}, headers=ada)
            assert done.status_code == 202
            assert done.json()["account_id"] == "acme"
            for each in headers.values():
                answer = await client.get(f"{API}/me", headers=each)
                assert answer.status_code == 401

    asyncio.run(scenario())
