"""Photos that clients put into an S3 bucket themselves: believed only after a look."""

from __future__ import annotations

import asyncio
import sys
import uuid
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import httpx
import pytest

from staging_core import OWNER, Acting, Staging
from staging_core.acting import Images, Uploads
from staging_core.audit import SOUND, Audit
from staging_core.errors import (
    PictureTruncated,
    PictureUnsupported,
    StagingError,
    UploadMismatch,
    UploadMissing,
)
from staging_core.models import Upload, UploadTicket
from staging_core.testing.s3 import S3Process

from .conftest import Install
from .pictures import photo

WISH: dict[str, Any] = {"room": "bedroom", "style": "modern"}


@pytest.fixture(scope="module")
def server() -> Iterator[S3Process]:
    with S3Process() as running:
        yield running


@pytest.fixture
def on_s3(install: Install, server: S3Process, monkeypatch: pytest.MonkeyPatch) -> Staging:
    """An installation whose photos lie in a bucket of its own."""
    for name, value in server.secrets.items():
        monkeypatch.setenv(name, value)
    return install(storage=server.url(f"photos-{uuid.uuid4().hex[:12]}", "staging"))


pytestmark = pytest.mark.parametrize("database", ["sqlite", "postgresql"], indirect=True)


async def put(ticket: UploadTicket, data: bytes, **headers: str) -> int:
    """As an old page does it: the two headers, the bytes, nothing more."""
    async with httpx.AsyncClient() as client:
        if ticket.method == "POST":
            files = {"file": data}
            return (
                await client.post(ticket.url, data=dict(ticket.fields), files=files)
            ).status_code
        sent = {**ticket.headers, **headers}
        return (await client.put(ticket.url, content=data, headers=sent)).status_code


async def presigned(me: Acting, data: bytes, **other: Any) -> tuple[Upload, UploadTicket]:
    given = {"filename": "room.jpg", "content_type": "image/jpeg", "size": len(data), **other}
    return await me.uploads.presign(**given)


async def keys(staging: Staging) -> set[str]:
    return {entry.key async for entry in staging.ports.storage.entries("")}


def test_an_old_page_presigns_puts_and_creates_several_images_by_the_address(
    on_s3: Staging,
) -> None:
    async def scenario() -> None:
        async with on_s3 as staging:
            me = staging.acting_as(OWNER)
            upload, ticket = await presigned(me, photo(1))
            assert ticket.headers["Cache-Control"] == "public, max-age=31536000, immutable"
            assert await put(ticket, photo(1)) == 200
            address = ticket.url.partition("?")[0]
            groups = await asyncio.gather(
                *(
                    me.images.submit(original_url=address, room="bedroom", style=style)
                    for style in ("modern", "japandi", "luxury")
                )
            )
            assert len({group.images[0].original_id for group in groups}) == 1
            await staging.run_worker(until_idle=True)
            for image in await me.images.page():
                assert image.job.state == "ready"
                assert image.original_url == address
                assert await me.images.read(image.id, "original") == photo(1)
            await staging.sweep()
            await staging.sweep()
            uploaded = {key for key in await keys(staging) if key.startswith("uploads/")}
            assert len(uploaded - {upload.key}) == 1
            assert await Audit(staging.ports).count() == SOUND

    asyncio.run(scenario())


def test_what_is_staged_lies_where_no_address_was_ever_signed_for(on_s3: Staging) -> None:
    """Whoever still has the address may put something else there; nobody reads that."""

    async def scenario() -> None:
        async with on_s3 as staging:
            me = staging.acting_as(OWNER)
            upload, ticket = await presigned(me, photo(1))
            await put(ticket, photo(1))
            assert not upload.complete
            assert (await me.uploads.complete(upload.id)).complete
            assert await put(ticket, photo(2)[: len(photo(1))]) == 200
            group = await me.images.submit(upload_id=upload.id, **WISH)
            image = group.images[0]
            assert image.original_key != upload.key
            assert await me.images.read(image.id, "original") == photo(1)
            stored = await staging.ports.storage.stat(image.original_key)
            assert stored is not None
            assert stored.content_type == image.original_type == "image/jpeg"

    asyncio.run(scenario())


def test_a_photo_that_is_replaced_while_it_is_looked_at_is_not_taken(on_s3: Staging) -> None:
    class Slow:
        """Between the look and the copy, somebody puts another photo."""

        def __init__(self, behind: Any, ticket: UploadTicket) -> None:
            self._behind = behind
            self._ticket = ticket

        def __getattr__(self, name: str) -> Any:
            return getattr(self._behind, name)

        async def copy(self, source: str, target: str, *, etag: str) -> Any:
            await put(self._ticket, photo(2))
            return await self._behind.copy(source, target, etag=etag)

    async def scenario() -> None:
        async with on_s3 as staging:
            me = staging.acting_as(OWNER)
            upload, ticket = await presigned(me, photo(1))
            await put(ticket, photo(1))
            slow: Any = Slow(staging.ports.storage, ticket)
            uploads = Uploads(replace(staging.ports, storage=slow), OWNER)
            with pytest.raises(UploadMismatch, match="replaced"):
                await uploads.complete(upload.id)
            await staging.sweep()
            assert await keys(staging) == {upload.key}

    asyncio.run(scenario())


WRONG: list[tuple[bytes, bytes, dict[str, Any], type[StagingError]]] = [
    (photo(1), photo(1) + b"more", {}, UploadMismatch),
    (photo(1), photo(1)[:-1], {}, UploadMismatch),
    (photo(1), b"x" * len(photo(1)), {}, PictureUnsupported),
    (photo(1, "PNG"), photo(1, "PNG"), {}, UploadMismatch),
    (photo(1)[:30], photo(1)[:30], {}, PictureTruncated),
]


@pytest.mark.parametrize(("announced", "data", "other", "error"), WRONG)
def test_what_is_not_as_announced_is_refused_at_its_first_use(
    on_s3: Staging, announced: bytes, data: bytes, other: dict[str, Any], error: type[StagingError]
) -> None:
    async def scenario() -> None:
        async with on_s3 as staging:
            me = staging.acting_as(OWNER)
            upload, ticket = await presigned(me, announced, **other)
            with pytest.raises(UploadMissing):
                await me.images.submit(upload_id=upload.id, **WISH)
            assert await put(ticket, data) == 200
            with pytest.raises(error) as caught:
                await me.images.submit(upload_id=upload.id, **WISH)
            assert caught.value.status == 422
            assert await me.images.page() == []
            await staging.sweep()
            assert await keys(staging) == {upload.key}

    asyncio.run(scenario())


def test_the_address_takes_no_other_type_and_no_other_cache_control(on_s3: Staging) -> None:
    async def scenario() -> None:
        async with on_s3 as staging:
            _, ticket = await presigned(staging.acting_as(OWNER), photo(1))
            assert await put(ticket, photo(1), **{"Content-Type": "text/html"}) == 403
            assert await put(ticket, photo(1), **{"Cache-Control": "no-store"}) == 403

    asyncio.run(scenario())


def test_a_form_bounds_the_size_and_its_upload_is_named_by_id_or_key(on_s3: Staging) -> None:
    async def scenario() -> None:
        async with on_s3 as staging:
            me = staging.acting_as(OWNER)
            upload, ticket = await presigned(me, photo(1), form=True)
            assert (ticket.method, upload.url) == ("POST", None)
            assert await put(ticket, photo(1) + b"more") >= 400
            assert await put(ticket, photo(1)) < 300
            group = await me.images.submit(original_url=upload.key, **WISH)
            assert await me.images.read(group.images[0].id, "original") == photo(1)

    asyncio.run(scenario())


@pytest.mark.parametrize("content_type", ["image/heif", "application/octet-stream"])
def test_a_photo_whose_type_the_browser_does_not_know_is_kept_with_its_own(
    on_s3: Staging, content_type: str
) -> None:
    async def scenario() -> None:
        async with on_s3 as staging:
            me = staging.acting_as(OWNER)
            data = photo(1, "HEIF")
            upload, ticket = await presigned(
                me, data, filename="IMG_1.HEIC", content_type=content_type
            )
            assert await put(ticket, data) == 200
            group = await me.images.submit(upload_id=upload.id, **WISH)
            stored = await staging.ports.storage.stat(group.images[0].original_key)
            assert stored is not None
            assert stored.content_type == "image/heic"
            await staging.run_worker(until_idle=True)
            assert (await me.images.get(group.images[0].id)).job.state == "ready"

    asyncio.run(scenario())


def test_a_phones_photo_that_cannot_be_read_here_is_refused_and_let_go(
    on_s3: Staging, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = photo(1, "HEIF")
    monkeypatch.setitem(sys.modules, "pillow_heif", None)  # as if it were not installed

    async def scenario() -> None:
        async with on_s3 as staging:
            me = staging.acting_as(OWNER)
            upload, ticket = await presigned(
                me, data, filename="IMG_1.HEIC", content_type="image/heic"
            )
            assert await put(ticket, data) == 200
            with pytest.raises(PictureUnsupported, match="cannot be read here"):
                await me.uploads.complete(upload.id)
            with pytest.raises(PictureUnsupported, match="cannot be read here"):
                await me.images.submit(upload_id=upload.id, **WISH)
            await staging.sweep()
            assert await keys(staging) == {upload.key}
            assert await me.images.page() == []

    asyncio.run(scenario())


def test_what_is_put_and_never_used_goes_and_so_does_what_was_copied(on_s3: Staging) -> None:
    async def scenario() -> None:
        async with on_s3 as staging:
            me = staging.acting_as(OWNER)
            first, ticket = await presigned(me, photo(1))
            await put(ticket, photo(1))
            second, ticket = await presigned(me, photo(2))
            await put(ticket, photo(2))
            await me.uploads.complete(second.id)
            late = replace(staging.ports, settings=staging.settings)
            async with late.database.write() as tx:
                from staging_core.database import tables

                for table in (tables.uploads, tables.files):
                    await tx.execute(table.update().values(expires_at=tx.now - 1))
            done = await staging.sweep()
            assert done["uploads_expired"] == 2
            await staging.sweep()
            assert await keys(staging) == set()
            assert first.expires_at is not None

    asyncio.run(scenario())


def test_pictures_are_downloaded_at_signed_addresses_with_a_fitting_name(on_s3: Staging) -> None:
    async def scenario() -> None:
        async with on_s3 as staging:
            me = staging.acting_as(OWNER)
            upload, ticket = await presigned(me, photo(1), filename="Küche 1.jpg")
            await put(ticket, photo(1))
            group = await me.images.submit(upload_id=upload.id, **WISH)
            await staging.run_worker(until_idle=True)
            image_id = group.images[0].id
            images = Images(staging.ports, OWNER)
            async with httpx.AsyncClient() as client:
                plain = await client.get(await images.presign(image_id, "staged"))
                assert plain.content == await me.images.read(image_id)
                assert plain.headers["content-type"] == "image/png"
                assert "content-disposition" not in plain.headers
                saved = await client.get(await images.presign(image_id, download=True))
                assert saved.content == photo(1)
                name = saved.headers["content-disposition"]
                assert "filename*=UTF-8''K%C3%BCche%201.jpg" in name

    asyncio.run(scenario())
