"""An upload is of use to its own account only, under its own name."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from staging_core import OWNER
from staging_core.errors import (
    BadInput,
    NotFound,
    UnknownUpload,
)

from .conftest import Install
from .pictures import photo, put, sent
from .sending import ADA, WISH, presigned

pytestmark = pytest.mark.parametrize("database", ["sqlite", "postgresql"], indirect=True)


def test_another_accounts_upload_is_of_no_use_however_it_is_named(install: Install) -> None:
    async def scenario() -> None:
        async with install(public_url="https://here.example") as staging:
            me, ada = staging.acting_as(OWNER), staging.acting_as(ADA)
            upload, ticket = await presigned(ada, photo(1))
            await put(staging, ticket, photo(1))
            hers = await ada.images.submit(upload_id=upload.id, **WISH)
            address = ticket.url.partition("?")[0]
            named: list[dict[str, Any]] = [
                {"upload_id": upload.id},
                {"original_url": address},
                {"original_url": upload.key},
                {"original_url": hers.images[0].original_key},
            ]
            for each in named:
                with pytest.raises(UnknownUpload) as caught:
                    await me.images.submit(**each, **WISH)
                assert caught.value.status == 422
            for call in (me.uploads.get, me.uploads.complete):
                with pytest.raises(NotFound):
                    await call(upload.id)
            assert await me.images.page() == []

    asyncio.run(scenario())


@pytest.mark.parametrize(
    "change",
    [
        lambda url: url + "x",
        lambda url: url + "?query=1",
        lambda url: url + "#part",
        lambda url: url.replace("https", "http"),
        lambda url: url.replace("here.example", "there.example"),
        lambda url: url.replace("here.example", "me@here.example"),
        lambda url: url.replace("/api/", "/other/"),
        lambda url: "x" + url.partition("/objects/")[2],
        lambda url: "/" + url.partition("/objects/")[2],
        lambda url: "//[",
        lambda url: "",
        lambda url: "x" * 5000,
        lambda url: "https://here.example/\0",
        lambda url: None,
        lambda url: 7,
    ],
)
def test_an_address_that_is_not_quite_the_uploads_is_unknown(install: Install, change: Any) -> None:
    async def scenario() -> None:
        async with install(public_url="https://here.example") as staging:
            me = staging.acting_as(OWNER)
            _, ticket = await presigned(me, photo(1))
            await put(staging, ticket, photo(1))
            address = change(ticket.url.partition("?")[0])
            with pytest.raises(UnknownUpload):
                await me.uploads.find(address)
            with pytest.raises(BadInput):
                await me.images.submit(original_url=address, **WISH)

    asyncio.run(scenario())


def test_an_order_names_exactly_one_photo(install: Install) -> None:
    async def scenario() -> None:
        async with install() as staging:
            me = staging.acting_as(OWNER)
            upload = await me.uploads.receive(sent(photo(1)), "room.jpg")
            named: list[dict[str, Any]] = [
                {},
                {"photo": photo(1), "upload_id": upload.id},
                {"upload_id": upload.id, "original_url": upload.key},
            ]
            for each in named:
                with pytest.raises(BadInput, match="one photo"):
                    await me.images.submit(**each, **WISH)

    asyncio.run(scenario())
