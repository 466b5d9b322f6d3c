"""Forms for pages that put files with one: what a bucket takes, an address of ours takes too."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Any

import httpx

from .house import photo
from .old_client import Old, both, old_client
from .old_page import project_of

PAGE = "https://studio.example"


async def announced(old: Old, data: bytes) -> dict[str, Any]:
    """How the page may send it."""
    wish = {"filename": "a.png", "content_type": "image/png", "file_size": len(data), "form": True}
    told: dict[str, Any] = await old.call("POST", "/uploads/presign", wish)
    return told


async def post(
    old: Old, url: str, fields: dict[str, str], data: bytes, **headers: str
) -> httpx.Response:
    """Send the form as a page does: the fields, then the file, and nothing of who is signed in."""
    file = {"file": ("a.png", data, "image/png")}
    return await old.client.post(url, data=fields, files=file, headers=headers)


@both
def test_from_the_form_to_the_picture(tmp_path: Path, database: dict[str, Any]) -> None:
    async def scenario() -> None:
        async with old_client(tmp_path, **database) as old:
            data = photo()
            told = await announced(old, data)
            assert (told["method"], told["headers"]) == ("POST", {})
            assert told["fields"].keys() == {"Content-Type", "Cache-Control"}
            answer = await post(old, told["upload_url"], told["fields"], data, Origin=PAGE)
            assert (answer.status_code, answer.content) == (204, b"")
            assert answer.headers["access-control-allow-origin"] == "*"
            order = {"project_id": await project_of(old), "original_url": told["file_key"]}
            image = await old.call("POST", "/images", order, status=201)
            await old.staging.run_worker(until_idle=True)
            assert (await old.call("GET", f"/images/{image['id']}"))["status"] == "ready"
            again = await post(old, told["upload_url"], told["fields"], data)
            assert (again.status_code, again.json()["code"]) == (409, "object_exists")

    asyncio.run(scenario())


def test_an_address_takes_the_form_that_was_announced_and_nothing_else(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with old_client(tmp_path) as old:
            data = photo()
            told = await announced(old, data)
            url, fields = told["upload_url"], told["fields"]
            changed = re.sub(r"size=\d+", "size=9999999", url)
            refused: list[tuple[str, dict[str, str], bytes, int, str]] = [
                (url, {}, data, 403, "address_refused"),
                (url, {**fields, "Content-Type": "text/html"}, data, 403, "address_refused"),
                (url, {**fields, "Cache-Control": "no-store"}, data, 403, "address_refused"),
                (changed, fields, data, 403, "address_refused"),
                (url.partition("?")[0], fields, data, 403, "address_refused"),
                (url, fields, data + b"x", 422, "upload_mismatch"),
                (url, fields, b"x" * len(data), 422, "picture_unsupported"),
                (url, {**fields, "long": "x" * 100_000}, data, 413, "request_too_large"),
            ]
            for address, said, body, status, code in refused:
                answer = await post(old, address, said, body)
                assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
            nobodys = await old.client.post(url.partition("?")[0], content=b"no form")
            assert nobodys.status_code == 403, "nothing of it is read"
            put = {"content": data, "headers": {**fields}}
            assert (await old.client.put(url, **put)).status_code == 403
            raw = {**put, "headers": {"Content-Type": "image/png"}}
            assert (await old.client.post(url, **raw)).status_code == 400
            assert (await post(old, url, fields, data)).status_code == 204

    asyncio.run(scenario())


def test_a_form_without_a_file_is_told_so(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with old_client(tmp_path) as old:
            told = await announced(old, photo())
            field = b'Content-Disposition: form-data; name="Content-Type"\r\n\r\na'
            answer = await old.client.post(
                told["upload_url"],
                content=b"--x\r\n" + field + b"\r\n--x--\r\n",
                headers={"Content-Type": "multipart/form-data; boundary=x"},
            )
            assert answer.status_code == 422
            assert answer.json()["validation_errors"][0]["field"] == "file"

    asyncio.run(scenario())
