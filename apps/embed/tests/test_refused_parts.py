"""What is wrong with a request is told by the name that the request has for it."""

from __future__ import annotations

import asyncio
import gzip
import json
import re
from pathlib import Path
from typing import Any

import pytest

from staging_core.testing.fake_photo import small_photo
from staging_embed.fields import FORMS
from staging_embed.openapi import document
from staging_embed.routes import GROUPS

from .house import API, as_own, house

PHOTO = {"upload_id": "5b8c0c9e-8f0e-4b7a-9d0f-3a1f2f9f6b11"}
ORDERS: list[tuple[dict[str, Any], set[str]]] = [
    ({**PHOTO, "original_url": "https://photos.example/1.jpg"}, {"upload_id", "original_url"}),
    ({}, {"upload_id", "original_url"}),
    ({**PHOTO, "prompt": " " * 12}, {"prompt"}),
    ({**PHOTO, "prompt": "\u3000" * 12}, {"prompt"}),
    ({**PHOTO, "furniture": ["sofa", ""]}, {"furniture[1]"}),
    ({**PHOTO, "furniture": [" \t"]}, {"furniture[0]"}),
]
KEYS: list[tuple[dict[str, Any], set[str]]] = [
    ({"name": "x", "scopes": []}, {"scopes"}),
    ({"name": "x", "scopes": ["nope"]}, {"scopes"}),
    ({"name": "x", "expires_in": 10**12}, {"expires_in"}),
    ({"name": ""}, {"name"}),
]


def refused(home: Path, path: str, body: Any, **headers: str) -> tuple[int, dict[str, Any]]:
    """The status and the problem that this is answered with."""

    async def run() -> tuple[int, dict[str, Any]]:
        async with house(home, app={"include": GROUPS.keys()}) as (_, client):
            content = body if isinstance(body, bytes) else json.dumps(body).encode()
            told = {"Content-Type": "application/json", **as_own(), **headers}
            answer = await client.post(f"/api/v1{path}", content=content, headers=told)
            assert (await client.get("/api/v1/images", headers=as_own())).json()["images"] == []
            return answer.status_code, answer.json()

    return asyncio.run(run())


@pytest.mark.parametrize(
    ("path", "body", "fields"),
    [("/images", *each) for each in ORDERS] + [("/api-keys", *each) for each in KEYS],
)
def test_each_wrong_part_is_named(
    tmp_path: Path, path: str, body: dict[str, Any], fields: set[str]
) -> None:
    status, told = refused(tmp_path, path, body)
    assert (status, told["code"]) == (422, "validation_failed")
    named = {
        each["field"].replace("[...]", f"[{_last(body)}]") for each in told["validation_errors"]
    }
    assert named == fields
    assert "expires_in_s" not in json.dumps(told)


UPLOAD = "5b8c0c9e-8f0e-4b7a-9d0f-3a1f2f9f6b11"


@pytest.mark.parametrize(
    ("path", "body", "code", "field"),
    [
        ("/images", {"upload_id": UPLOAD}, "upload_unknown", "upload_id"),
        ("/images", {"original_url": "a/b.jpg"}, "upload_unknown", "original_url"),
        ("/uploads?filename=a.png", b"", "picture_empty", "file"),
        ("/uploads?filename=a.png", b"hello", "picture_unsupported", "file"),
        ("/uploads/from-url", {"url": "ftp://a/b"}, "source_refused", "url"),
    ],
)
def test_what_is_wrong_with_a_photo_is_told_of_what_named_it(
    tmp_path: Path, path: str, body: Any, code: str, field: str
) -> None:
    kind = "image/png" if isinstance(body, bytes) else "application/json"
    status, told = refused(tmp_path, path, body, **{"Content-Type": kind})
    assert (status, told["code"]) == (422, code)
    assert [each["field"] for each in told["validation_errors"]] == [field]


@pytest.mark.parametrize(
    ("wish", "field"),
    [
        ({"room_type": "kitchen"}, "room_type"),
        ({"prompt": "Leave the fireplace free."}, "prompt"),
        ({"options": {"steps": 4}}, "options"),
    ],
)
def test_what_a_model_does_not_honour_is_named(
    tmp_path: Path, wish: dict[str, Any], field: str
) -> None:
    async def scenario() -> None:
        async with house(tmp_path, stager="render:") as (_, client):
            large = small_photo(width=400, height=300)
            sent = {"params": {"filename": "a.png"}, "content": large}
            headers = as_own(**{"Content-Type": "image/png"})
            upload = (await client.post(f"{API}/uploads", headers=headers, **sent)).json()
            order = {"upload_id": upload["id"], **wish}
            told = await client.post(f"{API}/images", headers=as_own(), json=order)
            assert told.json()["code"] == "not_honoured"
            assert [each["field"] for each in told.json()["validation_errors"]] == [field]

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("path", "body", "words"),
    [
        ("/images", {**PHOTO, "prompt": "short"}, "10 to 2000 characters"),
        ("/images", {**PHOTO, "furniture": [" "]}, "a word"),
    ],
)
def test_a_refusal_is_for_people_and_says_what_would_do(
    tmp_path: Path, path: str, body: dict[str, Any], words: str
) -> None:
    status, told = refused(tmp_path, path, body)
    assert status == 422
    assert words in told["detail"]
    assert "regex" not in told["detail"]


def test_every_pattern_that_is_asked_for_has_words() -> None:
    told = json.dumps(document([route for group in GROUPS.values() for route in group.all]))
    asked = set(re.findall(r'"pattern": ("(?:[^"\\]|\\.)*")', told))
    assert {json.loads(each) for each in asked} - {r"^[\x21-\x7e]{1,255}$"} == FORMS.keys()


def test_a_word_of_a_query_that_is_none_is_told_beside_those_there_are(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with house(tmp_path) as (_, client):
            asked = {"status": "broken", "sort": "sideways"}
            for name, value in asked.items():
                told = await client.get(f"{API}/images", headers=as_own(), params={name: value})
                assert told.status_code == 422
                for choice in {"status": ["queued", "ready"], "sort": ["newest", "oldest"]}[name]:
                    assert choice in told.json()["detail"]

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("path", "kind", "most"),
    [
        ("/projects", "application/json", 1 << 20),
        ("/uploads?filename=a.png", "image/png", 1_000_000),
    ],
)
def test_a_body_that_is_too_long_is_told_how_long_it_may_be(
    tmp_path: Path, path: str, kind: str, most: int
) -> None:
    body = b"x" * ((1 << 20) + (1 << 18))

    async def scenario() -> None:
        async with house(tmp_path, max_bytes=1_000_000) as (_, client):
            headers = as_own(**{"Content-Type": kind})
            told = await client.post(f"{API}{path}", content=body, headers=headers)
            assert (told.status_code, told.json()["code"]) == (413, "request_too_large")
            assert f"{most} bytes" in told.json()["detail"]

    asyncio.run(scenario())


def _last(body: dict[str, Any]) -> int:
    """Where msgspec says only that it is one of a list, it is the last one here."""
    return len(body.get("furniture", ())) - 1


def test_a_photo_of_a_batch_is_refused_with_the_same_code(tmp_path: Path) -> None:
    bodies = [body for body, _ in ORDERS]
    status, told = refused(tmp_path, "/images/batch", {"images": bodies})
    assert status == 207
    assert {each["code"] for each in told["errors"]} == {"validation_failed"}
    assert [each["index"] for each in told["errors"]] == list(range(len(bodies)))


@pytest.mark.parametrize("coding", ["gzip", "GZIP", "br", "deflate, gzip"])
@pytest.mark.parametrize(
    ("path", "kind"), [("/projects", "application/json"), ("/uploads?filename=a.jpg", "image/jpeg")]
)
def test_a_compressed_body_is_refused_and_not_taken_for_what_it_is_not(
    tmp_path: Path, path: str, kind: str, coding: str
) -> None:
    body = gzip.compress(json.dumps({"name": "Elm Street"}).encode())
    headers = {"Content-Encoding": coding, "Content-Type": kind}
    status, told = refused(tmp_path, path, body, **headers)
    assert (status, told["code"]) == (415, "unsupported_media_type")
    assert "Content-Encoding" in told["detail"]


def test_a_body_as_it_is_may_say_so(tmp_path: Path) -> None:
    body = {"name": "Elm Street"}
    assert refused(tmp_path, "/projects", body, **{"Content-Encoding": "identity"})[0] == 201
