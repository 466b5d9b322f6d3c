"""Pictures out: whole, in part, saved, at addresses, and all of a project."""

from __future__ import annotations

import asyncio
import re
import zipfile
from io import BytesIO
from pathlib import Path
from urllib.parse import quote

import httpx

from .house import API, as_other, as_own, photo
from .old_client import Old, old_client
from .old_page import bytes_of, project_of


async def picture(old: Old, path: str, **headers: str) -> httpx.Response:
    return await old.client.get(f"{API}{path}", headers=as_own(**headers))


def test_a_picture_is_sent_whole_in_part_or_not_again(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with old_client(tmp_path) as old:
            path = f"/images/{await old.staged()}/pictures/original"
            whole = await picture(old, path)
            data, size = photo(), len(photo())
            assert (whole.status_code, whole.content) == (200, data)
            assert whole.headers["content-length"] == str(size)
            assert whole.headers["accept-ranges"] == "bytes"
            etag = whole.headers["etag"]
            assert re.fullmatch(r'"[^"]+"', etag)
            ranges = {
                "bytes=0-9": (data[:10], f"bytes 0-9/{size}"),
                "bytes=10-": (data[10:], f"bytes 10-{size - 1}/{size}"),
                "bytes=-10": (data[-10:], f"bytes {size - 10}-{size - 1}/{size}"),
                f"bytes=0-{size * 2}": (data, f"bytes 0-{size - 1}/{size}"),
            }
            for asked, (part, told) in ranges.items():
                answer = await picture(old, path, Range=asked)
                assert (answer.status_code, answer.content) == (206, part)
                assert answer.headers["content-range"] == told
                assert answer.headers["etag"] == etag
            for asked in (f"bytes={size}-", "bytes=-0"):
                answer = await picture(old, path, Range=asked)
                assert (answer.status_code, answer.json()["code"]) == (416, "range_not_satisfiable")
                assert answer.headers["content-range"] == f"bytes */{size}"
            for asked in ("bytes=0-1,3-4", "lines=1-2", "bytes=5-2", "bytes=-", "x"):
                assert (await picture(old, path, Range=asked)).status_code == 200
            for known in (etag, f'"x", W/{etag}', "*"):
                answer = await picture(old, path, **{"If-None-Match": known})
                assert (answer.status_code, answer.content) == (304, b"")
                assert answer.headers["etag"] == etag
            for if_range, status in ((etag, 206), ('"x"', 200)):
                headers = {"Range": "bytes=0-9", "If-Range": if_range}
                assert (await picture(old, path, **headers)).status_code == status
            head = await old.client.head(f"{API}{path}", headers=as_own())
            assert (head.status_code, head.content) == (200, b"")
            assert head.headers["content-length"] == str(size)

    asyncio.run(scenario())


def test_a_picture_is_saved_under_a_fitting_name(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with old_client(tmp_path) as old:
            data = photo()
            files = {"file": ("Küche vorn.png", data, "image/png")}
            upload = await old.client.post(f"{API}/uploads", files=files, headers=as_own())
            order = {"project_id": await project_of(old), "upload_id": upload.json()["id"]}
            image = await old.call("POST", "/images", order, status=201)
            await old.staging.run_worker(until_idle=True)
            path = f"/images/{image['id']}"
            told = await old.call("GET", f"{path}/presign?kind=staged&download=1")
            saved = (await bytes_of(told["url"], old)).headers["content-disposition"]
            assert saved.startswith("attachment;")
            assert quote("Küche vorn") in saved
            assert saved.endswith(".png")
            shown = await picture(old, f"{path}/pictures/staged")
            assert shown.headers["content-disposition"].startswith("inline;")
            thumbnail = await picture(old, f"{path}/pictures/thumbnail")
            assert thumbnail.headers["content-type"] == "image/jpeg"

    asyncio.run(scenario())


def test_an_original_is_there_from_the_beginning_and_a_result_when_it_is_ready(
    tmp_path: Path,
) -> None:
    async def scenario() -> None:
        async with old_client(tmp_path) as old:
            group = await old.me.images.submit(photo(), room="bedroom", style="modern")
            path = f"/images/{group.images[0].id}"
            assert (await old.call("GET", f"{path}/presign"))["url"]
            told = await old.call("GET", f"{path}/presign?kind=staged", status=409)
            assert told["code"] == "not_ready"
            await old.call("POST", f"{path}/cancel", status=202)
            await old.call("GET", f"{path}/presign?kind=staged", status=404)
            assert (await old.call("GET", f"{path}/presign"))["url"]
            for query in ("kind=nothing", "expires_in=0", "expires_in=3601", "download=maybe"):
                await old.call("GET", f"{path}/presign?{query}", status=422)
            await old.call("GET", f"{path}/pictures/nothing", status=404)

    asyncio.run(scenario())


def test_an_address_of_a_picture_ends_and_cannot_be_changed(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with old_client(tmp_path) as old:
            image_id = await old.staged()
            told = await old.call("GET", f"/images/{image_id}/presign?expires_in=1")
            url = told["url"]
            assert (await bytes_of(url, old)).status_code == 200
            later = re.sub(r"expires=(\d+)", lambda found: f"expires={int(found[1]) + 9}", url)
            assert (await bytes_of(later, old)).json()["code"] == "address_refused"
            await asyncio.sleep(2)
            assert (await bytes_of(url, old)).json()["code"] == "address_refused"
            answer = await old.client.get(f"{API}/images/{image_id}/presign", headers=as_other())
            assert answer.status_code == 404

    asyncio.run(scenario())


def test_a_project_is_taken_home_as_one_file(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with old_client(tmp_path) as old:
            named = {"name": "12 Elm Street / Küche"}
            project = (await old.call("POST", "/projects", named, status=201))["id"]
            await old.staged(project)
            answer = await picture(old, f"/projects/{project}/archive")
            assert answer.headers["content-type"] == "application/zip"
            assert answer.headers["content-disposition"].startswith("attachment;")
            with zipfile.ZipFile(BytesIO(answer.content)) as found:
                assert len(found.namelist()) == 2

    asyncio.run(scenario())
