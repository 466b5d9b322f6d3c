"""What the library says of a thing, its answer over HTTP says too, and as exactly."""

from __future__ import annotations

import asyncio
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from staging_core.errors import DatabaseFailed
from staging_core.models import Place
from staging_core.testing import FakeStager
from staging_core.testing.fake_script import Script
from staging_embed.times import rfc3339

from .house import API, as_own, photo
from .old_client import both, old_client
from .old_page import project_of, put


def place(at: Place) -> str:
    return f"{at.at!r},{at.id}"


# --- variants -------------------------------------------------------------------------------------


@both
def test_variants_are_made_together_and_all_of_them_told(
    tmp_path: Path, database: dict[str, Any]
) -> None:
    async def scenario() -> None:
        async with old_client(tmp_path, **database) as old:
            address = await put(old)
            order = {"original_url": address, "seed": 7, "variants": 3}
            made = await old.call("POST", "/images", order, status=201)
            assert [each["seed"] for each in made["variants"]] == [7, 8, 9]
            assert [each["variant"] for each in made["variants"]] == [0, 1, 2]
            assert {each["group_id"] for each in made["variants"]} == {made["group_id"]}
            assert {**made, "variants": None} == {**made["variants"][0], "variants": None}
            group = await old.call("GET", f"/groups/{made['group_id']}")
            assert group["images"] == made["variants"]
            one = await old.call("POST", "/images", {"original_url": address}, status=201)
            assert [each["id"] for each in one["variants"]] == [one["id"]]
            assert one["project_id"] is None

    asyncio.run(scenario())


@pytest.mark.parametrize("variants", [0, 21, -1, 1.5, "2", None])
def test_a_number_of_variants_that_cannot_be_is_refused(tmp_path: Path, variants: Any) -> None:
    async def scenario() -> None:
        async with old_client(tmp_path) as old:
            order = {"original_url": await put(old), "variants": variants}
            told = await old.call("POST", "/images", order, status=422)
            assert told["validation_errors"][0]["field"] == "variants"
            assert (await old.call("GET", "/images"))["images"] == []

    asyncio.run(scenario())


def test_a_batch_tells_of_each_photo_what_became_of_it(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with old_client(tmp_path) as old:
            order = {"original_url": await put(old)}
            orders = [{**order, "variants": 2}, {**order, "style": "brutalist"}, order]
            told = await old.call("POST", "/images/batch", {"images": orders}, status=207)
            assert (told["success"], told["failed"], len(told["images"])) == (2, 1, 3)
            groups = [(each["index"], each["id"], each["replayed"]) for each in told["groups"]]
            first, _, last = (image["group_id"] for image in told["images"])
            assert groups == [(0, first, False), (2, last, False)]
            assert "Choose one of" in told["errors"][0]["remedy"]

    asyncio.run(scenario())


# --- jobs -----------------------------------------------------------------------------------------


@both
def test_a_job_with_its_tries_and_its_events(tmp_path: Path, database: dict[str, Any]) -> None:
    async def scenario() -> None:
        stager = FakeStager(Script.parse("refused,ok"))
        async with old_client(tmp_path, stager=stager, **database) as old:
            image_id = await old.staged()
            (job,) = (await old.call("GET", "/jobs?state=error"))["jobs"]
            assert (job["image_id"], job["error_code"]) == (image_id, "refused")
            assert job["message"]
            (tried,) = (await old.call("GET", f"/jobs/{job['id']}/attempts"))["attempts"]
            assert (tried["number"], tried["error_code"]) == (1, "refused")
            events = (await old.call("GET", f"/jobs/{job['id']}/events"))["events"]
            assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
            assert events[-1]["state"] == "error"
            again = await old.call("POST", f"/images/{image_id}/retry", status=202)
            cancelled = await old.call("POST", f"/jobs/{again['job']['id']}/cancel", status=202)
            assert cancelled["state"] == "cancelled"
            told = await old.call("POST", f"/jobs/{job['id']}/cancel", status=409)
            assert told["code"] == "already_final"
            page = await old.call("GET", "/jobs?limit=1")
            assert page["jobs"] == [cancelled]
            rest = await old.call("GET", f"/jobs?limit=1&cursor={page['next_cursor']}")
            assert [each["id"] for each in rest["jobs"]] == [job["id"]]

    asyncio.run(scenario())


# --- lists ----------------------------------------------------------------------------------------


@both
def test_a_page_begins_after_the_place_of_any_row(tmp_path: Path, database: dict[str, Any]) -> None:
    async def scenario() -> None:
        async with old_client(tmp_path, **database) as old:
            project = await project_of(old)
            for number in range(4):
                await old.staged(project, number)
                await old.call("POST", "/projects", {"name": str(number)}, status=201)
            images, jobs = await old.me.images.page(), await old.me.jobs.page()
            projects = await old.me.projects.page()
            for path, name, rows in (
                ("/images", "images", images),
                (f"/projects/{project}/images", "images", images),
                ("/jobs", "jobs", jobs),
                ("/projects", "projects", projects),
            ):
                told = await old.call("GET", f"{path}?before={place(rows[1].place)}")
                assert [row["id"] for row in told[name]] == [row.id for row in rows[2:]], path
            told = await old.call("GET", f"/images?state=ready,error&before={place(jobs[0].place)}")
            assert [row["id"] for row in told["images"]] == [row.id for row in images[1:]]
            path = f"/projects/{project}/originals"
            told = await old.call("GET", f"{path}?limit=1&before={place(images[0].place)}")
            (found,) = told["originals"]
            assert found["original_id"] == images[1].original_id
            assert found["images"] == [await old.call("GET", f"/images/{images[1].id}")]
            assert told["next_cursor"]

    asyncio.run(scenario())


@pytest.mark.parametrize("before", ["", "x", "1", "1,", ",a", "1,a,b", "-1,a", "nan,a", "1e9,a"])
def test_a_place_that_is_none_is_refused(tmp_path: Path, before: str) -> None:
    async def scenario() -> None:
        async with old_client(tmp_path) as old:
            for path in ("/images", "/jobs", "/projects", "/api-keys"):
                await old.call("GET", f"{path}?before={before}", status=422)
            both_ = "before=1,a&cursor=abc"
            await old.call("GET", f"/images?{both_}", status=422)

    asyncio.run(scenario())


@given(st.floats(min_value=2**30, max_value=2**32))
def test_a_time_that_is_told_is_the_very_one(seconds: float) -> None:
    """From the year 2004 on seven digits behind the point tell all floats apart."""
    told = rfc3339(seconds)
    whole, fraction = told.removesuffix("Z").split(".")
    back = float(f"{int(datetime.fromisoformat(f'{whole}+00:00').timestamp())}.{fraction}")
    assert back == seconds


# --- pictures, uploads, events --------------------------------------------------------------------


def test_what_can_be_said_of_a_picture_is_said_without_its_bytes(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with old_client(tmp_path) as old:
            image_id = await old.staged()
            file = await old.me.images.look(image_id)
            told = await old.call("GET", f"/images/{image_id}/pictures/staged/about")
            assert told == {
                "key": file.key,
                "size": file.size,
                "etag": file.etag,
                "content_type": file.content_type,
                "filename": file.filename,
                "modified_at": rfc3339(file.modified),
            }
            await old.call("GET", f"/images/{image_id}/pictures/overlay/about", status=404)
            await old.call("GET", f"/images/{image_id}/pictures/nothing/about", status=404)

    asyncio.run(scenario())


def test_an_upload_is_found_by_its_address_and_its_key(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with old_client(tmp_path) as old:
            address = await put(old)
            found = await old.call("GET", f"/uploads/find?address={quote(address, safe='')}")
            assert found["url"] == address
            assert await old.call("GET", f"/uploads/find?address={found['file_key']}") == found
            assert await old.call("GET", f"/uploads/{found['id']}") == found
            told = await old.call("GET", "/uploads/find?address=elsewhere", status=422)
            assert told["code"] == "upload_unknown"
            await old.call("GET", "/uploads/find", status=422)

    asyncio.run(scenario())


@both
def test_events_are_read_from_any_position_on(tmp_path: Path, database: dict[str, Any]) -> None:
    async def scenario() -> None:
        async with old_client(tmp_path, **database) as old:
            image_id = await old.staged()
            other = await old.me.images.submit(photo(1))
            group_id = (await old.me.images.get(image_id)).group_id
            told = await old.call("GET", f"/events/log?group_id={group_id}")
            assert told["settled"]
            history = (await old.call("GET", f"/images/{image_id}/events"))["events"]
            assert told["events"] == history
            after = history[1]["id"]
            told = await old.call("GET", f"/events/log?group_id={group_id}&after={after}")
            assert told["events"] == history[2:]
            told = await old.call("GET", f"/events/log?group_id={other.id}")
            assert not told["settled"]
            whole = await old.call("GET", "/events/log")
            assert len(whole["events"]) == len(history) + 1
            assert whole["next_cursor"] is None
            seen, cursor = [], ""
            while cursor is not None:
                query = f"?limit=2{cursor and '&cursor='}{cursor}"
                page = await old.call("GET", f"/events/log{query}")
                seen, cursor = [*seen, *page["events"]], page["next_cursor"]
                assert len(page["events"]) == 2 or cursor is None
            assert seen == whole["events"]
            first = await old.call("GET", "/events/log?limit=1")
            cursor = first["next_cursor"]
            await old.call("GET", f"/events/log?group_id={group_id}&cursor={cursor}", status=422)
            await old.call("GET", "/events/log?group_id=nobodys", status=404)
            await old.call("GET", "/events/log?after=-1", status=422)

    asyncio.run(scenario())


# --- what is refused ------------------------------------------------------------------------------


def test_a_refusal_says_what_can_be_done_and_a_fault_says_nothing_of_the_house(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario() -> None:
        async with old_client(tmp_path) as old:
            order = {"original_url": await put(old), "style": "moderne"}
            told = await old.call("POST", "/images", order, status=422)
            assert "modern" in told["remedy"]
            headers = as_own(**{"Idempotency-Key": "k"})
            made = [
                await old.client.post(f"{API}/api-keys", json={"name": "a"}, headers=headers)
                for _ in range(2)
            ]
            assert made[1].json()["created_id"] == made[0].json()["id"]

            async def full(*_args: Any, **_more: Any) -> None:
                raise DatabaseFailed("/home/x.db is full.", remedy="Move /home/x.db.")

            monkeypatch.setattr("staging_core.database.projects.page", full)
            told = await old.call("GET", "/projects", status=503)
            assert "remedy" not in told
            assert "/home" not in str(told)

    asyncio.run(scenario())
