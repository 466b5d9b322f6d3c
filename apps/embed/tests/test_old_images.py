"""Images, as clients of the original system call them."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from .house import photo
from .old_client import NOBODYS, UUID, both, is_time, old_client

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
