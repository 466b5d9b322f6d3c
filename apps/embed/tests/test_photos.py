"""Photos in, past us, as a page of the original system puts them at an address of ours."""

from __future__ import annotations

import asyncio
import re
import sys
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from PIL import Image

from staging_core.testing.hostile import unusual_files

from .house import photo
from .old_client import both, old_client
from .old_page import PUT, bytes_of, presigned, project_of

PAGE = "https://studio.example"


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
            assert "doctor" not in again.text  # that is for operators

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


def test_a_phones_photo_that_cannot_be_read_here_is_refused_with_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = next(file for file in unusual_files() if file.name == "photo.heic").build()
    monkeypatch.setitem(sys.modules, "pillow_heif", None)  # as if it were not installed
    sent = {**PUT, "Content-Type": "image/heic"}

    async def scenario() -> None:
        async with old_client(tmp_path) as old:
            wish = {"filename": "IMG_1.HEIC", "content_type": "image/heic"}
            url = (await presigned(old, data, **wish))["upload_url"]
            answer = await old.client.put(url, content=data, headers=sent)
            told = answer.json()
            assert (answer.status_code, told["code"]) == (422, "picture_unsupported")
            assert told["remedy"].startswith("Send the photo as JPEG")
            await old.staging.sweep()
            storage = old.staging.ports.storage
            assert [entry.key async for entry in storage.entries("")] == []

    asyncio.run(scenario())


def test_a_phones_photo_comes_under_any_type(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with old_client(tmp_path) as old:
            for kind in ("image/heic", "image/heif", "application/octet-stream"):
                wish = {"filename": "IMG_1.HEIC", "content_type": kind, "file_size": 5}
                assert (await old.call("POST", "/uploads/presign", wish))["upload_url"]

    asyncio.run(scenario())
