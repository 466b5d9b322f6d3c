"""What the admin pages of the original system call, as they call it.

They send a bearer token and ``Content-Type: application/json`` on everything, encode a model's id
as one part of the path, and send a whole form back as they were given it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from fastapi import FastAPI
from litestar import Litestar

from staging_core import Credentials, Principal, Staging
from staging_core.testing.fake_stager import FakeStager
from staging_embed import StagingPlugin, staging_app, staging_lifespan

from .house import API, OWN, house, listening, photo

both = pytest.mark.parametrize("database", ["sqlite", "postgresql"], indirect=True)
QWEN, FLUX = "qwen/qwen-image-edit", "black-forest-labs/flux-kontext-max"
QWEN_PATH = "qwen%2Fqwen-image-edit"
OLGA = Principal(account_id="house", user_id="olga", role="operator")
ANNA = msgspec.structs.replace(OWN, role="admin")
TOKENS = {"olga": OLGA, "anna": ANNA}
OPTIONS = {
    "type": "object",
    "properties": {
        "go_fast": {"type": "boolean", "default": True, "description": "Less careful."},
        "steps": {"type": "integer", "minimum": 1, "maximum": 50},
        "resolution": {"type": "string", "enum": ["1K", "2K"], "default": "1K"},
    },
}


def by_token(credentials: Credentials) -> Principal | None:
    return TOKENS.get(credentials.bearer or "")


def model(name: str, **card: Any) -> FakeStager:
    stager = FakeStager()
    stager.card = msgspec.structs.replace(
        stager.card, id=name, name=name.upper(), summary="Furnishes.", **card
    )
    return stager


def models() -> tuple[FakeStager, ...]:
    return (model(QWEN, options=OPTIONS, secrets={"token": "Of the provider."}), model(FLUX))


class Page:
    """An admin page of the original system."""

    def __init__(self, staging: Staging, client: httpx.AsyncClient, who: str = "olga") -> None:
        self.staging = staging
        self.client = client
        self.who = who

    async def call(
        self, method: str, path: str, json: Any = None, *, status: int = 200, **more: str
    ) -> Any:
        """The answer, which has this ``status``; ``more``: headers."""
        headers = {"Authorization": f"Bearer {self.who}", "Content-Type": "application/json"}
        headers |= {name.replace("_", "-"): value for name, value in more.items()}
        answer = await self.client.request(method, f"{API}{path}", json=json, headers=headers)
        assert answer.status_code == status, answer.text
        return answer.json()


@asynccontextmanager
async def admin_page(home: Path, **settings: Any) -> AsyncIterator[Page]:
    app = {"include": {"admin", "images", "me"}, "principal": by_token}
    usual = {"stager": models(), "secrets_key": "A" * 43 + "="}
    async with house(home, app=app, **{**usual, **settings}) as (staging, client):
        yield Page(staging, client)


@both
def test_models_and_which_is_active(tmp_path: Path, database: dict[str, Any]) -> None:
    async def scenario() -> None:
        async with admin_page(tmp_path, **database) as page:
            told = await page.call("GET", "/admin/models")
            assert told["models"][0] == {
                "id": QWEN,
                "name": QWEN.upper(),
                "description": "Furnishes.",
                "version": "1",
                "is_active": True,
            }
            assert [each["is_active"] for each in told["models"]] == [True, False]
            active = await page.call("GET", "/admin/models/active")
            assert (active["key"], active["value"]) == ("active_model", QWEN)
            changed = await page.call("PUT", "/admin/models/active", {"value": FLUX})
            assert (changed["value"], changed["updated_by"]) == (FLUX, "olga")
            assert await page.call("GET", "/admin/models/active") == changed
            told = await page.call("GET", "/admin/models")
            assert [each["is_active"] for each in told["models"]] == [False, True]
            group = await page.staging.acting_as(OWN).images.submit(
                photo(), room="bedroom", style="modern"
            )
            assert group.images[0].job.model == FLUX
            for wrong in ({"value": "none"}, {"value": 1}, {}):
                await page.call("PUT", "/admin/models/active", wrong, status=422)

    asyncio.run(scenario())


@both
def test_a_model_is_configured(tmp_path: Path, database: dict[str, Any]) -> None:
    async def scenario() -> None:
        async with admin_page(tmp_path, **database) as page:
            path = f"/admin/models/{QWEN_PATH}/config"
            schema = await page.call("GET", f"{path}/schema")
            assert (schema["model_id"], schema["display_name"]) == (QWEN, QWEN.upper())
            assert [field["name"] for field in schema["fields"]] == [
                *OPTIONS["properties"],
                "token",
            ]
            assert schema["fields"][1] == {
                "name": "steps",
                "type": "int",
                "default": None,
                "description": "",
                "required": False,
                "min": 1,
                "max": 50,
            }
            config = await page.call("GET", path)
            assert config["model_id"] == QWEN
            form = {"go_fast": True, "steps": None, "resolution": "1K", "token": ""}
            assert config["config"] == form
            config = await page.call("PUT", path, {**form, "steps": 12, "token": "canary"})
            assert config["config"] == {**form, "steps": 12}
            assert config["secrets_set"] == ["token"]
            # The whole form comes back as it was told; the secret stays.
            assert (await page.call("PUT", path, config["config"]))["secrets_set"] == ["token"]
            cleared = await page.call("PUT", path, {**form, "steps": None})
            assert cleared["config"]["steps"] is None
            wrong = await page.call("PUT", path, {"steps": 51, "what": 1}, status=422)
            assert {each["field"] for each in wrong["validation_errors"]} == {"steps", "what"}
            await page.call("PUT", path, [], status=422)

    asyncio.run(scenario())


def test_a_model_without_options_has_an_empty_schema_and_an_unknown_one_is_not_there(
    tmp_path: Path,
) -> None:
    async def scenario() -> None:
        async with admin_page(tmp_path) as page:
            path = "/admin/models/black-forest-labs%2Fflux-kontext-max/config"
            assert (await page.call("GET", f"{path}/schema"))["fields"] == []
            assert (await page.call("GET", path))["config"] == {}
            for wrong in ("none", "qwen", "qwen%252Fqwen-image-edit", "%2F", "a%00b"):
                for end in ("config", "config/schema"):
                    await page.call("GET", f"/admin/models/{wrong}/{end}", status=404)

    asyncio.run(scenario())


def test_a_secret_without_a_key_is_refused_and_the_variable_named(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with admin_page(tmp_path, secrets_key=()) as page:
            path = f"/admin/models/{QWEN_PATH}/config"
            told = await page.call("PUT", path, {"token": "x"}, status=503)
            assert told["code"] == "secrets_unavailable"
            assert "secrets_key" in told["detail"]

    asyncio.run(scenario())


@both
def test_settings(tmp_path: Path, database: dict[str, Any]) -> None:
    async def scenario() -> None:
        async with admin_page(tmp_path, **database) as page:
            told = await page.call("GET", "/admin/settings")
            keys = [each["key"] for each in told["settings"]]
            assert keys == [
                "account_daily_spend_usd",
                "active_model",
                "daily_spend_usd",
                "max_queued",
                "project_daily_spend_usd",
                "rate_limit_creates",
                "rate_limit_requests",
            ]
            for each in told["settings"]:
                assert await page.call("GET", f"/admin/settings/{each['key']}") == each
            changed = await page.call("PUT", "/admin/settings/max_queued", {"value": 1})
            assert (changed["value"], changed["default"]) == (1, 5000)
            for wrong in (0, -1, "x", 1.5, True, 2**60, [1]):
                await page.call("PUT", "/admin/settings/max_queued", {"value": wrong}, status=422)
            assert (await page.call("GET", "/admin/settings/max_queued"))["value"] == 1
            me = page.staging.acting_as(OWN)
            await me.images.submit(photo(), room="bedroom", style="modern")
            with pytest.raises(Exception, match="which is the limit"):
                await me.images.submit(photo(1), room="bedroom", style="modern")
            back = await page.call("PUT", "/admin/settings/max_queued", {"value": None})
            assert (back["value"], back["updated_at"]) == (5000, None)
            for method, body in (("GET", None), ("PUT", {"value": 1})):
                await page.call(method, "/admin/settings/secret_key", body, status=404)

    asyncio.run(scenario())


def test_every_act_is_found_in_the_audit_log_with_its_request(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with admin_page(tmp_path) as page:
            wish, request = {"value": FLUX}, {"X_Request_ID": "from-the-page"}
            await page.call("PUT", "/admin/models/active", wish, **request)
            await page.call("PUT", "/admin/settings/max_queued", {"value": 7})
            told = await page.call("GET", "/admin/audit?limit=1")
            assert [each["target"] for each in told["entries"]] == ["max_queued"]
            older = await page.call("GET", f"/admin/audit?cursor={told['next_cursor']}")
            assert older["next_cursor"] is None
            (entry,) = older["entries"]
            assert entry["request_id"] == "from-the-page"
            assert (entry["actor"], entry["actor_account_id"]) == ("olga", "house")
            only = await page.call("GET", "/admin/audit?action=setting.changed&actor=olga")
            assert [each["after"] for each in only["entries"]] == [{"value": 7}]
            since = entry["created_at"]
            assert len((await page.call("GET", f"/admin/audit?since={since}"))["entries"]) == 2
            assert (await page.call("GET", f"/admin/audit?until={since}"))["entries"] == []
            for wrong in ("action=x", "since=yesterday", "until=2026-13-01T00:00:00Z", "cursor=x"):
                await page.call("GET", f"/admin/audit?{wrong}", status=422)

    asyncio.run(scenario())


def test_an_admin_of_an_account_is_no_operator(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with admin_page(tmp_path) as page:
            page.who = "anna"
            for path in ("/admin/models", "/admin/settings", "/admin/audit"):
                told = await page.call("GET", path, status=403)
                assert told["error"] == "forbidden"

    asyncio.run(scenario())


@both
def test_jobs_of_all_accounts(tmp_path: Path, database: dict[str, Any]) -> None:
    async def scenario() -> None:
        stagers = (model("good"), "fake:bad?script=refused")
        async with admin_page(tmp_path, stager=stagers, **database) as page:
            me = page.staging.acting_as(OWN)
            wish = {"room": "bedroom", "style": "modern"}
            dead = (await me.images.submit(photo(), model="fake:bad", **wish)).images[0]
            await page.staging.run_worker(until_idle=True)
            waits = (await me.images.submit(photo(1), **wish)).images[0]
            told = await page.call("GET", "/admin/jobs")
            assert [each["job"]["id"] for each in told["jobs"]] == [waits.job.id, dead.job.id]
            assert {each["account_id"] for each in told["jobs"]} == {OWN.account_id}
            first = await page.call("GET", "/admin/jobs?limit=1")
            second = await page.call("GET", f"/admin/jobs?limit=1&cursor={first['next_cursor']}")
            assert second["jobs"][0]["job"]["id"] == dead.job.id
            dead_ones = await page.call("GET", "/admin/jobs?state=error&model=fake:bad")
            assert [each["job"]["error_code"] for each in dead_ones["jobs"]] == ["refused"]
            assert (await page.call("GET", "/admin/jobs?stuck=true"))["jobs"] == []
            path = f"/admin/jobs/{dead.job.id}/requeue"
            made = await page.call("POST", path, status=201, idempotency_key="key")
            assert made["job"]["image_id"] == dead.id
            assert await page.call("POST", path, status=201, idempotency_key="key") == made
            await page.call("POST", path, status=409)
            ended = await page.call("POST", f"/admin/jobs/{waits.job.id}/cancel", status=202)
            assert ended["job"]["state"] == "cancelled"
            await page.call("POST", f"/admin/jobs/{waits.job.id}/cancel", status=409)
            for wrong in ("state=lost", "stuck=maybe", "limit=0", "older_than_s=-1"):
                await page.call("GET", f"/admin/jobs?{wrong}", status=422)
            for end in ("requeue", "cancel"):
                await page.call("POST", f"/admin/jobs/{'0' * 32}/{end}", status=404)

    asyncio.run(scenario())


@both
def test_images_are_reconciled_with_the_storage(tmp_path: Path, database: dict[str, Any]) -> None:
    async def scenario() -> None:
        async with admin_page(tmp_path, **database) as page:
            me = page.staging.acting_as(OWN)
            group = await me.images.submit(photo(), room="bedroom", style="modern")
            await page.staging.run_worker(until_idle=True)
            image = await me.images.get(group.images[0].id)
            assert image.staged_key is not None
            await page.staging.ports.storage.delete(image.staged_key)
            asked = {"dry_run": True, "limit": 100, "status": "ready"}
            counts = await page.call("POST", "/admin/reconcile/images", asked)
            assert counts == {
                "dry_run": True,
                "checked": 1,
                "missing_original": 0,
                "missing_staged": 1,
                "cannot_tell": 0,
                "updated": 0,
                "examples": [image.id],
                "next_cursor": None,
            }
            asked["dry_run"] = False
            assert (await page.call("POST", "/admin/reconcile/images", asked))["updated"] == 1
            assert (await me.images.get(image.id)).job.error == "object_missing"
            page.who = "anna"
            await page.call("POST", "/admin/reconcile/images", asked, status=403)

    asyncio.run(scenario())


@both
def test_statistics(tmp_path: Path, database: dict[str, Any]) -> None:
    async def scenario() -> None:
        async with admin_page(tmp_path, **database) as page:
            me = page.staging.acting_as(OWN)
            await me.images.submit(photo(), room="bedroom", style="modern")
            told = await page.call("GET", "/admin/stats")
            assert (told["open"]["queued"], told["ended"], told["storage"]) == (1, {}, None)
            await page.staging.run_worker(until_idle=True)
            await page.staging.sweep(bucket=True)
            told = await page.call("GET", "/admin/stats")
            assert (told["open"]["queued"], told["ended"]) == (0, {"ready": 1})
            assert told["models"][0]["model"] == QWEN
            assert told["storage"]["total_bytes"] > 0

    asyncio.run(scenario())


# --- an id with a slash, wherever the application is ----------------------------------------------

APP: dict[str, Any] = {"principal": by_token, "include": {"admin"}}


def alone(staging: Staging) -> tuple[Any, str]:
    return staging_app(staging, **APP), ""


def in_fastapi(staging: Staging) -> tuple[Any, str]:
    host = FastAPI(lifespan=staging_lifespan(staging))
    host.mount("/studio/a b", staging_app(staging, **APP))
    return host, "/studio/a%20b"


def in_litestar(staging: Staging) -> tuple[Any, str]:
    plugin = StagingPlugin(staging, path="/studio/staging", **APP)
    return Litestar([], plugins=[plugin]), "/studio/staging"


@pytest.mark.parametrize("build", [alone, in_fastapi, in_litestar])
@pytest.mark.parametrize("inside", [True, False])
def test_an_id_with_a_slash_is_one_part_of_the_path(
    tmp_path: Path, build: Any, inside: bool
) -> None:
    async def asked(client: httpx.AsyncClient, root: str) -> None:
        for written in (QWEN_PATH, QWEN_PATH.lower(), QWEN):
            for end in ("config", "config/schema"):
                answer = await client.get(
                    f"{root}{API}/admin/models/{written}/{end}",
                    headers={"Authorization": "Bearer olga"},
                )
                assert answer.status_code == 200, answer.text
                assert answer.json()["model_id"] == QWEN

    async def scenario() -> None:
        staging = Staging(home=tmp_path, stager=models(), plugins=(), worker=False)
        async with staging:
            app, root = build(staging)
            if inside:
                within = httpx.ASGITransport(app)
                async with httpx.AsyncClient(transport=within, base_url="http://x") as client:
                    await asked(client, root)
            else:
                async with listening(app) as url, httpx.AsyncClient(base_url=url) as client:
                    await asked(client, root)

    asyncio.run(scenario())
