"""What is wrong with a request is told by the name that the request has for it."""

from __future__ import annotations

import asyncio
import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from staging_embed.routes import GROUPS

from .house import as_own, house

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
