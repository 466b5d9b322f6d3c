"""Photos in and pictures out, as the original's own page does it, and as we add."""

from __future__ import annotations

import asyncio
import re
import zipfile
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from PIL import Image

from .house import API, as_other, as_own, photo
from .test_old_clients import Old, old_client

both = pytest.mark.parametrize("database", ["sqlite", "postgresql"], indirect=True)
PAGE = "https://studio.example"
PUT = {"Content-Type": "image/png", "Cache-Control": "public, max-age=31536000, immutable"}


async def presigned(old: Old, data: bytes, **changes: Any) -> dict[str, Any]:
    wish = {"filename": "living room.png", "content_type": "image/png", "file_size": len(data)}
    told: dict[str, Any] = await old.call("POST", "/uploads/presign", {**wish, **changes})
    return told


async def put(old: Old, number: int = 0) -> str:
    """What an old page sends as ``original_url``."""
    data = photo(number)
    told = await presigned(old, data)
    answer = await old.client.put(told["upload_url"], content=data, headers=PUT)
    assert answer.status_code == 200, answer.text
    return str(told["upload_url"].partition("?")[0])


async def project_of(old: Old) -> str:
    return str((await old.call("POST", "/projects", {"name": "a"}, status=201))["id"])


async def bytes_of(url: str, old: Old, **headers: str) -> httpx.Response:
    """Read by whoever has the address: nobody signs in."""
    return await old.client.get(url, headers=headers)


# --- as an old page does it -----------------------------------------------------------------------


@both
def test_from_the_page_to_the_picture(tmp_path: Path, database: dict[str, Any]) -> None:
    async def scenario() -> None:
        async with old_client(tmp_path, **database) as old:
            project, data = await project_of(old), photo()
            told = await presigned(old, data)
            assert set(told) >= {"upload_url", "file_key", "expires_in"}
            assert told["expires_in"] == 900
            assert told["upload_url"].startswith("http://localhost/")
            answer = await old.client.put(told["upload_url"], content=data, headers=PUT)
            assert answer.status_code == 200
            # Origin plus percent-encoded path, and for several images at once.
            origin, _, path = told["upload_url"].partition("?")[0].partition("/api/")
            address = f"{origin}/api/{quote(path, safe='')}".replace("%2F", "/")
            orders = [
                {"project_id": project, "original_url": address, "room_type": "bedroom"},
                {"project_id": project, "original_url": told["file_key"], "style": "industrial"},
                {"project_id": project, "original_url": address, "seed": 4_294_967_295},
            ]
            made = [await old.call("POST", "/images", order, status=201) for order in orders]
            assert [image["status"] for image in made] == ["queued"] * 3
            assert made[0]["original_url"] == address
            assert (made[0]["room_type"], made[0]["project_id"]) == ("bedroom", project)
            assert made[2]["seed"] == 4_294_967_295
            await old.staging.run_worker(until_idle=True)
            grouped = (await old.call("GET", f"/projects/{project}/images/grouped"))["images"]
            assert len(grouped) == 1
            assert [each["status"] for each in grouped[0]["variants"]] == ["ready"] * 3
            shown = await asyncio.gather(
                *(old.call("GET", f"/images/{each['id']}/presign?kind=staged") for each in made)
            )
            picture = await bytes_of(shown[0]["url"], old)
            assert picture.status_code == 200
            assert Image.open(BytesIO(picture.content)).format is not None
            assert picture.headers["content-type"] == "image/png"
            original = await old.call("GET", f"/images/{made[0]['id']}/presign")
            assert (await bytes_of(original["url"], old)).content == data

    asyncio.run(scenario())


def test_a_page_of_any_origin_may_put_and_show(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with old_client(tmp_path, cors_origins=(PAGE,)) as old:
            data = photo()
            told = await presigned(old, data)
            for origin in (PAGE, "https://another.example"):
                asked = {
                    "Origin": origin,
                    "Access-Control-Request-Method": "PUT",
                    "Access-Control-Request-Headers": "cache-control,content-type",
                }
                preflight = await old.client.options(told["upload_url"], headers=asked)
                assert preflight.status_code == 204
                assert preflight.headers["access-control-allow-origin"] == "*"
                assert "PUT" in preflight.headers["access-control-allow-methods"]
            answer = await old.client.put(
                told["upload_url"], content=data, headers={**PUT, "Origin": PAGE}
            )
            assert (answer.status_code, answer.content) == (200, b"")
            assert answer.headers.get_list("access-control-allow-origin") == ["*"]

    asyncio.run(scenario())


def test_an_address_takes_what_was_announced_and_nothing_else(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with old_client(tmp_path) as old:
            data = photo()
            url = (await presigned(old, data))["upload_url"]
            changed = re.sub(r"size=\d+", "size=9999999", url)
            other = re.sub(r"in/[0-9a-f]{4}", "in/0000", url)
            refused: list[tuple[str, dict[str, str], bytes, int, str]] = [
                (url, {**PUT, "Content-Type": "text/html"}, data, 403, "address_refused"),
                (url, {"Content-Type": "image/png"}, data, 403, "address_refused"),
                (changed, PUT, data, 403, "address_refused"),
                (other, PUT, data, 403, "address_refused"),
                (url.partition("?")[0], PUT, data, 403, "address_refused"),
                (url, PUT, data + b"x", 422, "upload_mismatch"),
                (url, PUT, b"x" * len(data), 422, "picture_unsupported"),
            ]
            for address, headers, body, status, code in refused:
                answer = await old.client.put(address, content=body, headers=headers)
                assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
            assert (await old.client.get(url)).status_code == 403
            assert (await old.client.put(url, content=data, headers=PUT)).status_code == 200
            again = await old.client.put(url, content=data, headers=PUT)
            assert (again.status_code, again.json()["code"]) == (409, "object_exists")

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"filename": ""}, "filename"),
        ({"filename": "a.gif"}, "filename"),
        ({"filename": "x" * 252 + ".png"}, "filename"),
        ({"content_type": "text/html"}, "content_type"),
        ({"content_type": "image/webp"}, "content_type"),
        ({"file_size": 0}, "file_size"),
        ({"file_size": 2**40}, "file_size"),
        ({"file_size": "5"}, "file_size"),
    ],
)
def test_what_cannot_be_a_photo_gets_no_address(
    tmp_path: Path, changes: dict[str, Any], field: str
) -> None:
    async def scenario() -> None:
        async with old_client(tmp_path) as old:
            wish = {"filename": "a.png", "content_type": "image/png", "file_size": 5, **changes}
            told = await old.call("POST", "/uploads/presign", wish, status=422)
            assert field in told["validation_errors"][0]["field"]

    asyncio.run(scenario())


def test_a_phones_photo_comes_under_any_type(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with old_client(tmp_path) as old:
            for kind in ("image/heic", "image/heif", "application/octet-stream"):
                wish = {"filename": "IMG_1.HEIC", "content_type": kind, "file_size": 5}
                assert (await old.call("POST", "/uploads/presign", wish))["upload_url"]

    asyncio.run(scenario())


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


EMPTY = {"room_type": "", "style": "", "prompt": ""}


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


# --- several at once ------------------------------------------------------------------------------


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


# --- through us -----------------------------------------------------------------------------------


def test_a_photo_is_sent_through_us_raw_or_as_a_form(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with old_client(tmp_path) as old:
            project = await project_of(old)
            url, data = f"{API}/uploads", photo()
            raw = await old.client.post(
                f"{url}?filename=a.png",
                content=data,
                headers=as_own(**{"Content-Type": "image/png"}),
            )
            form = await old.client.post(
                url,
                data={"note": "before"},
                files={"file": ("Wohnzimmer ü.png", data, "image/png")},
                headers=as_own(),
            )
            for answer in (raw, form):
                assert answer.status_code == 201, answer.text
                told = answer.json()
                assert told["complete"]
                assert told["file_size"] == len(data)
                order = {"project_id": project, "upload_id": told["id"]}
                await old.call("POST", "/images", order, status=201)
            assert form.json()["filename"] == "Wohnzimmer ü.png"

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("kind", "body", "status"),
    [
        ("image/png", b"no picture", 422),
        ("image/png", b"", 422),
        ("multipart/form-data", b"x", 400),
        ("multipart/form-data; boundary=b", b"x", 400),
        ("multipart/form-data; boundary=b", b"", 400),
        ("multipart/form-data; boundary=b", b"--b\r\n\r\nx\r\n--b--\r\n", 400),
        (
            "multipart/form-data; boundary=b",
            b'--b\r\nContent-Disposition: form-data; name="n"\r\n\r\nx\r\n--b--\r\n',
            422,
        ),
        (
            "multipart/form-data; boundary=b",
            b'--b\r\nContent-Disposition: form-data; name="f"; filename="a.png"\r\n\r\nx',
            400,
        ),
    ],
)
def test_what_is_no_photo_is_not_kept(tmp_path: Path, kind: str, body: bytes, status: int) -> None:
    async def scenario() -> None:
        async with old_client(tmp_path) as old:
            headers = as_own(**{"Content-Type": kind})
            answer = await old.client.post(
                f"{API}/uploads?filename=a.png", content=body, headers=headers
            )
            assert answer.status_code == status, answer.text
            assert answer.headers["content-type"] == "application/problem+json"

    asyncio.run(scenario())


def test_a_photo_over_the_limit_is_not_read_to_its_end(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with old_client(tmp_path, max_bytes=200_000) as old:
            for size in (200_001, 2_000_000):
                data = photo() + bytes(size)
                headers = as_own(**{"Content-Type": "image/png"})
                answer = await old.client.post(
                    f"{API}/uploads?filename=a.png", content=data, headers=headers
                )
                assert answer.status_code == 413, answer.text

    asyncio.run(scenario())


def test_a_repeat_under_the_same_key_answers_what_was_made(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with old_client(tmp_path) as old:
            project = await project_of(old)
            headers = as_own(**{"Idempotency-Key": "k1"})
            order = {"project_id": project, "original_url": await put(old)}
            first = await old.client.post(f"{API}/images", json=order, headers=headers)
            again = await old.client.post(f"{API}/images", json=order, headers=headers)
            assert (first.status_code, again.status_code) == (201, 201)
            assert first.json()["id"] == again.json()["id"]
            assert "idempotent-replayed" not in first.headers
            assert again.headers["idempotent-replayed"] == "true"
            other = await old.client.post(
                f"{API}/images", json={**order, "style": "coastal"}, headers=headers
            )
            assert (other.status_code, other.json()["code"]) == (409, "idempotency_mismatch")
            several = {"images": [order, {**order, "style": "coastal"}]}
            batches = [
                await old.client.post(
                    f"{API}/images/batch", json=several, headers=as_own(**{"Idempotency-Key": "k2"})
                )
                for _ in range(2)
            ]
            ids = [[image["id"] for image in batch.json()["images"]] for batch in batches]
            assert ids[0] == ids[1]
            assert batches[1].headers["idempotent-replayed"] == "true"
            assert len((await old.call("GET", "/images"))["images"]) == 3

    asyncio.run(scenario())


# --- pictures -------------------------------------------------------------------------------------


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
