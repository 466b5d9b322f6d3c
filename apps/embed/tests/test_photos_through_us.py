"""Photos that are sent through us."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from .house import API, as_own, photo
from .old_client import old_client
from .old_page import project_of, put


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
