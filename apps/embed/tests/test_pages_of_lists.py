"""Lists come whole to clients that know of no pages, and page by page."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import msgspec
import pytest

from staging_embed.routes import GROUPS

from .house import API, OTHER
from .old_client import Old, old_client


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


def test_every_list_says_where_it_ends() -> None:
    """But for the two that keep `limit` and `offset`, as older clients know them."""
    routes = [route for routes in GROUPS.values() for route in routes.all]
    lists = {route.operation_id: route for route in routes if route.operation_id.startswith("list")}
    silent = {
        name
        for name, route in lists.items()
        if "next_cursor" not in {each.encode_name for each in msgspec.structs.fields(route.result)}
    }
    assert silent == {"list_subscriptions", "list_invoices"}
