"""A photo is put at a signed address of ours, once and as announced; then it is staged."""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest

from staging_core import OWNER
from staging_core.errors import (
    AddressRefused,
    ObjectExists,
    PictureUnsupported,
    StagingError,
    UploadMismatch,
    UploadMissing,
    ValidationFailed,
)
from staging_core.models import UploadTicket

from .conftest import Install, in_the_process
from .pictures import photo, put
from .sending import WISH, objects, original, presigned

pytestmark = pytest.mark.parametrize("database", ["sqlite", "postgresql"], indirect=True)


def test_what_is_put_at_a_signed_address_of_ours_is_staged_without_another_word(
    install: Install,
) -> None:
    async def scenario() -> None:
        async with install(public_url="http://127.0.0.1:8080/staging") as staging:
            me = staging.acting_as(OWNER)
            upload, ticket = await presigned(me, photo(1))
            assert ticket.method == "PUT"
            assert ticket.url.startswith("http://127.0.0.1:8080/staging/api/v1/objects/uploads/")
            assert ticket.headers == {
                "Content-Type": "image/jpeg",
                "Cache-Control": "public, max-age=31536000, immutable",
            }
            assert not upload.complete
            assert upload.url == ticket.url.partition("?")[0]
            await put(staging, ticket, photo(1))
            address = ticket.url.partition("?")[0]
            for named in (address, address.replace("/uploads/", "/uploads%2F"), upload.key):
                group = await me.images.submit(original_url=named, **WISH)
                assert group.images[0].original_url == named
                assert (await me.uploads.find(named)).id == upload.id
            await staging.run_worker(until_idle=True)
            assert {image.job.state for image in await me.images.page()} == {"ready"}
            assert (await me.uploads.complete(upload.id)).complete

    asyncio.run(scenario())


@in_the_process
def test_where_we_are_reached_can_be_told_with_each_call(install: Install) -> None:
    async def scenario() -> None:
        async with install() as staging:
            me = staging.acting_as(OWNER)
            _, ticket = await presigned(me, photo(1), base="https://here.example/m")
            assert ticket.url.startswith("https://here.example/m/api/v1/objects/")
            _, relative = await presigned(me, photo(1))
            assert relative.url.startswith("/api/v1/objects/")

    asyncio.run(scenario())


def test_a_signed_address_takes_what_was_announced_once_and_nothing_else(install: Install) -> None:
    async def scenario() -> None:
        async with install() as staging:
            me = staging.acting_as(OWNER)
            data = photo(1)
            upload, ticket = await presigned(me, data)
            _, other = await presigned(me, data)
            wrong: list[tuple[bytes, dict[str, Any], type[StagingError]]] = [
                (data, {"content_type": "image/png"}, AddressRefused),
                (data, {"content_type": None}, AddressRefused),
                (data, {"cache_control": "no-store"}, AddressRefused),
                (data, {"key": upload.key[:-5] + "x.jpg"}, AddressRefused),
                (data, {"key": (await me.uploads.find(other_key(other))).key}, AddressRefused),
                (data, {"query": {"size": "5"}}, AddressRefused),
                (
                    data,
                    {"query": {"type": "image/png"}, "content_type": "image/png"},
                    AddressRefused,
                ),
                (data, {"query": {"expires": "9999999999"}}, AddressRefused),
                (data, {"query": {"signature": ""}}, AddressRefused),
                (data, {"size": len(data) + 1}, UploadMismatch),
                (data + b"x", {}, UploadMismatch),
                (data[:-1], {}, UploadMismatch),
                (b"x" * len(data), {}, PictureUnsupported),
            ]
            for sending, changed, error in wrong:
                with pytest.raises(error):
                    await put(staging, ticket, sending, **changed)
            await staging.sweep()
            assert await objects(staging) == set()
            with pytest.raises(UploadMissing):
                await me.uploads.complete(upload.id)
            await put(staging, ticket, data)
            for again in (data, photo(2)):
                with pytest.raises((ObjectExists, UploadMismatch)):
                    await put(staging, ticket, again)
            assert await original(me, upload_id=upload.id) == data

    asyncio.run(scenario())


def other_key(ticket: UploadTicket) -> str:
    return unquote(urlsplit(ticket.url).path).partition("/api/v1/objects/")[2]


def test_of_several_that_put_at_once_one_is_kept(install: Install) -> None:
    async def scenario() -> None:
        async with install() as staging:
            me = staging.acting_as(OWNER)
            upload, ticket = await presigned(me, photo(1))
            told = await asyncio.gather(
                *(put(staging, ticket, photo(1)) for _ in range(4)), return_exceptions=True
            )
            assert told.count(None) == 1
            assert sum(isinstance(each, ObjectExists) for each in told) == 3
            await staging.sweep()
            await staging.sweep()
            assert len(await objects(staging)) == 1
            assert (await me.uploads.get(upload.id)).complete

    asyncio.run(scenario())


def test_an_upload_that_was_not_put_yet_is_not_accepted(install: Install) -> None:
    async def scenario() -> None:
        async with install() as staging:
            me = staging.acting_as(OWNER)
            upload, _ = await presigned(me, photo(1))
            with pytest.raises(UploadMissing):
                await me.images.submit(upload_id=upload.id, **WISH)
            assert await me.images.page() == []

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"filename": ""}, "filename"),
        ({"filename": "room.gif"}, "filename"),
        ({"filename": ".jpg"}, "filename"),
        ({"filename": None}, "filename"),
        ({"content_type": "image/png"}, "content_type"),
        ({"content_type": "image/jpeg; q=1"}, "content_type"),
        ({"content_type": None}, "content_type"),
        ({"size": 0}, "file_size"),
        ({"size": -1}, "file_size"),
        ({"size": 26_214_401}, "file_size"),
        ({"size": "100"}, "file_size"),
        ({"size": True}, "file_size"),
        ({"size": 1.5}, "file_size"),
    ],
)
def test_what_cannot_be_announced_is_named_by_its_field(
    install: Install, changed: dict[str, Any], field: str
) -> None:
    async def scenario() -> None:
        async with install() as staging:
            with pytest.raises(ValidationFailed) as caught:
                await presigned(staging.acting_as(OWNER), photo(1), **changed)
            assert list(caught.value.fields) == [field]

    asyncio.run(scenario())
