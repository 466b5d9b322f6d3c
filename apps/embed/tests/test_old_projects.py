"""Projects, as clients of the original system call them."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from .old_client import NOBODYS, UUID, both, is_time, old_client


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
