"""Orders, one and several at once, as pages of the original system send them."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from .house import API, as_own, photo
from .old_client import both, old_client
from .old_page import PUT, presigned, project_of, put


@pytest.mark.parametrize(
    "changes",
    [
        {"original_url": None},
        {"original_url": "https://elsewhere.example/a.png"},
        {"original_url": "uploads/../../etc/passwd"},
        {"upload_id": "00000000-0000-4000-8000-000000000000"},
        {"room_type": "garage"},
        {"style": "brutalist"},
        {"seed": 0},
        {"seed": 4_294_967_296},
        {"prompt": "too short"},
        {"prompt": "x" * 2001},
        {"model": "nobodys"},
        {"project_id": None},
        {"options": []},
        {"prompt": "a sofa \0 in the corner"},
        {"model": "a\0"},
        {"upload_id": "a\0"},
        {"original_url": "https://photos.example/\0.jpg"},
        {"options": {"a": ["\0"]}},
        {"options": {"\0": 1}},
        {"options": {"note": "x" * 17_000}},
        {"furniture": ["a sofa", "so\0fa"]},
        {"furniture": ["x" * 201]},
    ],
)
def test_an_order_that_cannot_be_is_refused_whole(tmp_path: Path, changes: dict[str, Any]) -> None:
    async def scenario() -> None:
        async with old_client(tmp_path) as old:
            project = await project_of(old)
            order = {"project_id": project, "original_url": await put(old), **changes}
            told = await old.call("POST", "/images", order, status=422)
            assert told["validation_errors"]
            assert (await old.call("GET", "/images"))["images"] == []

    asyncio.run(scenario())


EMPTY = {"room_type": "", "style": "", "prompt": ""}


def test_an_order_says_as_little_as_old_pages_do(tmp_path: Path) -> None:
    """Optional parts are null, empty, or not there at all."""

    async def scenario() -> None:
        async with old_client(tmp_path) as old:
            project = await project_of(old)
            order = {"project_id": project, "original_url": await put(old)}
            for more in ({}, dict.fromkeys(("room_type", "style", "seed", "prompt")), EMPTY):
                image = await old.call("POST", "/images", {**order, **more}, status=201)
                assert image["status"] == "queued"

    asyncio.run(scenario())


def test_nothing_was_uploaded_yet(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with old_client(tmp_path) as old:
            told = await presigned(old, photo())
            order = {"project_id": await project_of(old), "original_url": told["file_key"]}
            answer = await old.call("POST", "/images", order, status=422)
            assert answer["code"] == "upload_missing"
            path = f"/uploads/{told['upload_id']}"
            assert not (await old.call("GET", path))["complete"]
            await old.call("POST", f"{path}/complete", status=422)
            await old.client.put(told["upload_url"], content=photo(), headers=PUT)
            assert (await old.call("POST", f"{path}/complete"))["complete"]
            await old.call("POST", "/images", order, status=201)

    asyncio.run(scenario())


@both
def test_several_are_accepted_each_by_itself(tmp_path: Path, database: dict[str, Any]) -> None:
    async def scenario() -> None:
        async with old_client(tmp_path, **database) as old:
            order = {"project_id": await project_of(old), "original_url": await put(old)}
            good = await old.call("POST", "/images/batch", {"images": [order] * 3}, status=201)
            assert (good["success"], good["failed"], good["errors"]) == (3, 0, [])
            assert len({image["id"] for image in good["images"]}) == 3
            mixed = [order, {**order, "room_type": "garage"}, order]
            told = await old.call("POST", "/images/batch", {"images": mixed}, status=207)
            assert (told["success"], told["failed"], len(told["images"])) == (2, 1, 2)
            assert told["errors"][0]["index"] == 1
            assert told["errors"][0]["code"] == "unknown_room"
            spoiled = [order, {**order, "seed": 0}, {**order, "prompt": "short"}, 7, order]
            told = await old.call("POST", "/images/batch", {"images": spoiled}, status=207)
            assert (told["success"], told["failed"]) == (2, 3)
            codes = [(each["index"], each["code"]) for each in told["errors"]]
            assert codes == [(place, "validation_failed") for place in (1, 2, 3)]
            assert told["errors"][0]["message"].startswith("seed: ")
            for images in ([], [order] * 51):
                await old.call("POST", "/images/batch", {"images": images}, status=422)

    asyncio.run(scenario())


def test_a_plan_that_is_spent_is_told(tmp_path: Path) -> None:
    from staging_core.errors import UsageLimitExceeded

    class Spent:
        async def quote(self, order: object) -> None:
            raise UsageLimitExceeded("The plan has 10 images a month, and they are used.")

    async def scenario() -> None:
        async with old_client(tmp_path, billing=Spent()) as old:
            order = {"project_id": await project_of(old), "original_url": await put(old)}
            told = await old.call("POST", "/images", order, status=402)
            assert (told["error"], told["code"]) == ("usage_limit_exceeded",) * 2
            assert told["message"].endswith(".")
            several = await old.call("POST", "/images/batch", {"images": [order]}, status=207)
            assert several["errors"][0]["code"] == "usage_limit_exceeded"

    asyncio.run(scenario())


@both
def test_of_fifty_orders_with_room_for_three_the_others_are_named_with_what_would_help(
    tmp_path: Path, database: dict[str, Any]
) -> None:
    async def scenario() -> None:
        plans = {"free": {"images": 3}, "pro": {"images": 100}}
        async with old_client(tmp_path, billing="plans:", plans=plans, **database) as old:
            order = {"project_id": await project_of(old), "original_url": await put(old)}
            told = await old.call("POST", "/images/batch", {"images": [order] * 50}, status=207)
            assert (told["success"], told["failed"], len(told["images"])) == (3, 47, 3)
            assert [each["index"] for each in told["errors"]] == [*range(3, 50)]
            assert {each["code"] for each in told["errors"]} == {"usage_limit_exceeded"}
            usage = await old.call("GET", "/billing/usage")
            lacks = {
                "plan_code": "free",
                "asked": 1,
                "left": 0,
                "missing_credits": 1,
                "period_end": usage["period_end"],
                "larger_plans": ["pro"],
            }
            assert all(each["shortfall"] == lacks for each in told["errors"])
            alone = await old.call("POST", "/images", {**order, "variants": 2}, status=402)
            assert alone["shortfall"] == {**lacks, "asked": 2, "missing_credits": 2}

    asyncio.run(scenario())


@both
def test_sixty_four_orders_at_one_moment_with_room_for_ten_are_ten_over_http(
    tmp_path: Path, database: dict[str, Any]
) -> None:
    async def scenario() -> None:
        plans = {"free": {"images": 10}}
        async with old_client(tmp_path, billing="plans:", plans=plans, **database) as old:
            order = {"project_id": await project_of(old), "original_url": await put(old)}
            headers = as_own()
            answers = await asyncio.gather(
                *(old.client.post(f"{API}/images", json=order, headers=headers) for _ in range(64))
            )
            codes = [answer.status_code for answer in answers]
            assert (codes.count(201), codes.count(402)) == (10, 54)

    asyncio.run(scenario())
