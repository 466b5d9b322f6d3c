"""Row by row what clients of the original system call, as they call it.

They send a bearer token, ``Content-Type: application/json`` on everything, no cursor and no
idempotency key; they know the first 8 characters of an image's id, and four words for its state.
"""

from __future__ import annotations

import asyncio
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

from .house import API, OTHER, OWN, as_own, house, photo

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


# --- projects -------------------------------------------------------------------------------------


@both
def test_projects(tmp_path: Path, database: dict[str, Any]) -> None:
    async def scenario() -> None:
        async with old_client(tmp_path, **database) as old:
            assert await old.call("GET", "/projects") == {"projects": [], "next_cursor": None}
            first = await old.call("POST", "/projects", {"name": "  12 Elm Street "}, status=201)
            assert set(first) == {"id", "name", "user_id", "created_at"}
            assert UUID.fullmatch(first["id"])
            assert first["name"] == "12 Elm Street"
            assert is_time(first["created_at"])
            second = await old.call("POST", "/projects", {"name": "x" * 100}, status=201)
            listed = await old.call("GET", "/projects")
            assert listed["projects"] == [second, first]
            path = f"/projects/{first['id']}"
            assert await old.call("GET", path) == first
            renamed = await old.call("PUT", path, {"name": "14 Elm Street"})
            assert renamed == {**first, "name": "14 Elm Street"}
            await old.call("DELETE", path, status=204)
            for method, body in (("GET", None), ("PUT", {"name": "a"}), ("DELETE", None)):
                await old.call(method, path, body, status=404)
            assert (await old.call("GET", "/projects"))["projects"] == [second]

    asyncio.run(scenario())


@pytest.mark.parametrize("name", ["", "   ", "x" * 101, 5, None, "a\0b", "a\nb", ["a"]])
def test_a_project_needs_a_name(tmp_path: Path, name: Any) -> None:
    async def scenario() -> None:
        async with old_client(tmp_path) as old:
            told = await old.call("POST", "/projects", {"name": name}, status=422)
            assert told["validation_errors"][0]["message"]
            assert (await old.call("GET", "/projects"))["projects"] == []

    asyncio.run(scenario())


def test_deleting_a_project_deletes_its_pictures_and_what_was_used_stays_counted(
    tmp_path: Path,
) -> None:
    async def scenario() -> None:
        async with old_client(tmp_path) as old:
            project = await old.call("POST", "/projects", {"name": "a"}, status=201)
            image_id = await old.staged(project["id"])
            image = await old.me.images.get(image_id)
            await old.call("DELETE", f"/projects/{project['id']}", status=204)
            await old.call("GET", f"/images/{image_id}", status=404)
            for _ in range(3):
                await old.staging.sweep()
            storage = old.staging.ports.storage
            for key in (image.original_key, image.staged_key):
                assert key is not None
                assert await storage.stat(key) is None

    asyncio.run(scenario())


# --- images ---------------------------------------------------------------------------------------

IMAGE = {
    "id",
    "project_id",
    "original_url",
    "staged_url",
    "room_type",
    "style",
    "seed",
    "prompt",
    "status",
    "cost_usd",
    "model_used",
    "processing_time_ms",
    "created_at",
    "updated_at",
}


@both
def test_an_image(tmp_path: Path, database: dict[str, Any]) -> None:
    async def scenario() -> None:
        async with old_client(tmp_path, **database) as old:
            project = await old.call("POST", "/projects", {"name": "a"}, status=201)
            prompt = "a cosy reading corner"
            image_id = await old.staged(project["id"], prompt=prompt)
            image = await old.call("GET", f"/images/{image_id}")
            assert set(image) >= IMAGE
            assert UUID.fullmatch(image["id"])
            told = {name: image[name] for name in ("project_id", "room_type", "style", "seed")}
            assert told == {
                "project_id": project["id"],
                "room_type": "bedroom",
                "style": "modern",
                "seed": 7,
            }
            assert (image["status"], image["state"], image["progress"]) == ("ready", "ready", 1.0)
            assert image["prompt"] == prompt
            assert isinstance(image["cost_usd"], float)
            assert isinstance(image["processing_time_ms"], int)
            assert image["staged_url"].startswith("http")
            assert "?" not in image["staged_url"] + image["original_url"]
            assert "error" not in image
            assert is_time(image["created_at"])
            assert is_time(image["updated_at"])

    asyncio.run(scenario())


def test_what_failed_or_was_cancelled_is_an_error_with_a_plain_sentence(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with old_client(tmp_path) as old:
            group = await old.me.images.submit(photo(), room="bedroom", style="modern")
            path = f"/images/{group.images[0].id}"
            assert (await old.call("GET", path))["status"] == "queued"
            cancelled = await old.call("POST", f"{path}/cancel", status=202)
            assert (cancelled["status"], cancelled["state"]) == ("error", "cancelled")
            assert cancelled["error"].endswith(".")
            told = await old.call("POST", f"{path}/cancel", status=409)
            assert told["code"] == "already_final"
            again = await old.call("POST", f"{path}/retry", status=202)
            assert (again["status"], again["id"]) == ("queued", group.images[0].id)
            assert "error" not in again

    asyncio.run(scenario())


@both
def test_lists_of_a_projects_images(tmp_path: Path, database: dict[str, Any]) -> None:
    async def scenario() -> None:
        async with old_client(tmp_path, **database) as old:
            project = await old.call("POST", "/projects", {"name": "a"}, status=201)
            path = f"/projects/{project['id']}"
            empty = {"images": [], "next_cursor": None}
            assert await old.call("GET", f"{path}/images") == empty
            assert await old.call("GET", f"{path}/images/grouped") == empty
            first = await old.staged(project["id"])
            second = await old.staged(project["id"], style="industrial")
            other = await old.staged(project["id"], number=1)
            listed = await old.call("GET", f"{path}/images")
            assert [image["id"] for image in listed["images"]] == [other, second, first]
            assert listed["images"][0] == await old.call("GET", f"/images/{other}")
            grouped = (await old.call("GET", f"{path}/images/grouped"))["images"]
            ids = [[variant["id"] for variant in each["variants"]] for each in grouped]
            assert ids == [[other], [first, second]]
            assert set(grouped[1]) >= {"original_image_id", "original_url", "room_type", "seed"}
            variant = grouped[1]["variants"][1]
            assert (variant["style"], variant["status"]) == ("industrial", "ready")
            assert variant["staged_url"].startswith("http")
            for listed_at in ("images", "images/grouped"):
                await old.call("GET", f"/projects/{NOBODYS}/{listed_at}", status=404)

    asyncio.run(scenario())


def test_the_cost_of_a_project(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with old_client(tmp_path) as old:
            project = await old.call("POST", "/projects", {"name": "a"}, status=201)
            path = f"/projects/{project['id']}/cost"
            nothing = {"total_cost_usd": 0.0, "image_count": 0, "avg_cost_usd": 0.0}
            assert await old.call("GET", path) == {"project_id": project["id"], **nothing}
            await old.staged(project["id"])
            assert (await old.call("GET", path))["image_count"] == 1
            await old.call("GET", f"/projects/{NOBODYS}/cost", status=404)

    asyncio.run(scenario())


def test_an_image_is_deleted_at_once(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with old_client(tmp_path) as old:
            project = await old.call("POST", "/projects", {"name": "a"}, status=201)
            image_id = await old.staged(project["id"])
            await old.call("DELETE", f"/images/{image_id}", status=204)
            await old.call("GET", f"/images/{image_id}", status=404)
            await old.call("DELETE", f"/images/{image_id}", status=404)
            listed = await old.call("GET", f"/projects/{project['id']}/images")
            assert listed["images"] == []

    asyncio.run(scenario())


# --- the user -------------------------------------------------------------------------------------


@both
def test_the_profile(tmp_path: Path, database: dict[str, Any]) -> None:
    async def scenario() -> None:
        async with old_client(tmp_path, **database) as old:
            # Four first calls of a new user come at one moment.
            calls = [old.call("GET", "/user/profile") for _ in range(4)]
            first, *rest = await asyncio.gather(*calls)
            assert all(each == first for each in rest)
            assert set(first) == {
                "id",
                "role",
                "email",
                "full_name",
                "company_name",
                "phone",
                "billing_address",
                "profile_photo_url",
                "preferences",
                "stripe_customer_id",
                "created_at",
                "updated_at",
            }
            change = {
                "full_name": "Anna Example",
                "billing_address": {"country": "DE"},
                "preferences": {"default_style": "bohemian"},
            }
            changed = await old.call("PATCH", "/user/profile", change)
            assert {name: changed[name] for name in change} == change
            again = await old.call("PATCH", "/user/profile", {"phone": "+49 1"})
            assert {name: again[name] for name in change} == change
            assert again["phone"] == "+49 1"
            cleared = await old.call("PATCH", "/user/profile", {"phone": None})
            assert cleared["phone"] is None
            assert await old.call("GET", "/user/profile") == cleared

    asyncio.run(scenario())


# --- money ----------------------------------------------------------------------------------------


@both
def test_what_was_used_and_the_free_plan(tmp_path: Path, database: dict[str, Any]) -> None:
    async def scenario() -> None:
        async with old_client(tmp_path, **database) as old:
            usage = await old.call("GET", "/billing/usage")
            assert set(usage) == {
                "images_used",
                "monthly_limit",
                "plan_code",
                "period_start",
                "period_end",
                "has_subscription",
                "remaining_images",
            }
            assert (usage["images_used"], usage["plan_code"]) == (0, "free")
            assert usage["remaining_images"] > 0
            assert is_time(usage["period_start"])
            project = await old.call("POST", "/projects", {"name": "a"}, status=201)
            await old.staged(project["id"])
            await old.call("DELETE", f"/projects/{project['id']}", status=204)
            assert (await old.call("GET", "/billing/usage"))["images_used"] == 1
            listed = await old.call("GET", "/billing/subscriptions")
            assert (listed["limit"], listed["offset"]) == (50, 0)
            (plan,) = listed["items"]
            assert plan["status"] == "active"
            assert set(plan) == {
                "id",
                "status",
                "price_id",
                "current_period_start",
                "current_period_end",
                "cancel_at",
                "canceled_at",
                "cancel_at_period_end",
            }
            assert (await old.call("GET", "/billing/subscriptions?offset=1"))["items"] == []
            await old.call("GET", "/billing/subscriptions?limit=0", status=422)

    asyncio.run(scenario())


def test_what_needs_a_payment_provider_says_so_until_there_is_one(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with old_client(tmp_path) as old:
            empty = {"items": [], "limit": 50, "offset": 0}
            assert await old.call("GET", "/billing/invoices") == empty
            paged = await old.call("GET", "/billing/invoices?limit=10&offset=20")
            assert (paged["limit"], paged["offset"]) == (10, 20)
            price, method = {"price_id": "price_1"}, {"paymentMethodId": "pm_1"}
            calls = [
                ("POST", "/billing/create-checkout", price),
                ("POST", "/billing/portal", None),
                ("POST", "/billing/create-subscription-elements", price),
                ("GET", "/billing/payment-methods", None),
                ("POST", "/billing/set-default-payment-method", method),
                ("POST", "/billing/remove-payment-method", method),
                ("POST", "/billing/upgrade-subscription", price),
                ("POST", "/billing/cancel-subscription", None),
                ("POST", "/stripe/webhook", {"type": "invoice.paid"}),
            ]
            for call in calls:
                told = await old.call(*call, status=503)
                assert told["code"] == "service_unavailable"
                assert "not configured" in told["message"]
            await old.call("POST", "/billing/create-checkout", {}, status=422)

    asyncio.run(scenario())


# --- long lists -----------------------------------------------------------------------------------


def test_a_list_comes_whole_up_to_a_thousand_rows_and_then_in_pages(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("staging_embed.paging.WHOLE", 5)
    monkeypatch.setattr("staging_embed.paging.PAGE", 2)

    async def scenario() -> None:
        async with old_client(tmp_path) as old:
            for number in range(5):
                await old.call("POST", "/projects", {"name": f"{number}"}, status=201)
            whole = await old.call("GET", "/projects")
            assert (len(whole["projects"]), whole["next_cursor"]) == (5, None)
            await old.call("POST", "/projects", {"name": "5"}, status=201)
            assert await names(old, "/projects") == ["5", "4", "3", "2", "1", "0"]
            assert await names(old, "/projects?limit=4") == ["5", "4", "3", "2", "1", "0"]

    asyncio.run(scenario())


def test_a_list_ends_early_where_its_rows_are_large(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("staging_embed.paging.MOST_BYTES", 500)

    async def scenario() -> None:
        async with old_client(tmp_path) as old:
            for number in range(5):
                await old.call("POST", "/projects", {"name": f"{number}"}, status=201)
            assert len((await old.call("GET", "/projects"))["projects"]) < 5
            for query in ("", "?limit=5"):
                assert await names(old, f"/projects{query}") == ["4", "3", "2", "1", "0"]

    asyncio.run(scenario())


async def names(old: Old, path: str) -> list[str]:
    """Of all pages from this one on."""
    page = await old.call("GET", path)
    found = [project["name"] for project in page["projects"]]
    if page["next_cursor"] is None:
        return found
    plain, _, query = path.partition("?")
    limit = "".join(f"{each}&" for each in re.findall(r"limit=\d+", query))
    return found + await names(old, f"{plain}?{limit}cursor={page['next_cursor']}")


@pytest.mark.parametrize("query", ["limit=0", "limit=201", "limit=x", "cursor=abc", "cursor=%00"])
def test_a_page_that_cannot_be_is_told(tmp_path: Path, query: str) -> None:
    async def scenario() -> None:
        async with old_client(tmp_path) as old:
            for path in ("/projects", "/images"):
                told = await old.call("GET", f"{path}?{query}", status=422)
                assert told["validation_errors"][0]["field"] == query.partition("=")[0]

    asyncio.run(scenario())


def test_a_cursor_is_good_for_its_own_list_and_account_only(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with old_client(tmp_path) as old:
            for number in range(3):
                await old.call("POST", "/projects", {"name": f"{number}"}, status=201)
            cursor = (await old.call("GET", "/projects?limit=1"))["next_cursor"]
            await old.call("GET", f"/images?cursor={cursor}", status=422)
            changed = ("A" if cursor[0] != "A" else "B") + cursor[1:]
            await old.call("GET", f"/projects?cursor={changed}", status=422)
            headers = {"Authorization": "Bearer token-of-other"}
            answer = await old.client.get(f"{API}/projects?cursor={cursor}", headers=headers)
            assert answer.status_code == 422
            assert OTHER.account_id not in cursor

    asyncio.run(scenario())


# --- repeats --------------------------------------------------------------------------------------


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
