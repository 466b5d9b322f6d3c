"""A photo is streamed through us; then it is staged."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from typing import Any

import pytest
import sqlalchemy as sa

from staging_core import OWNER
from staging_core.audit import SOUND, Audit
from staging_core.database import tables
from staging_core.errors import (
    NotFound,
    PictureEmpty,
    PictureTooLarge,
    PictureTruncated,
    PictureUnsupported,
    StagingError,
    UnknownUpload,
    UploadMismatch,
    ValidationFailed,
)
from staging_core.kept_photo import HEAD

from .conftest import Install, in_the_process
from .pictures import photo, sent
from .sending import KINDS, WISH, objects, original

pytestmark = pytest.mark.parametrize("database", ["sqlite", "postgresql"], indirect=True)
REFUSED: list[tuple[bytes, str, str | None, type[StagingError]]] = [
    (b"", "room.jpg", "image/jpeg", PictureEmpty),
    (b"Dear diary, today", "room.jpg", "image/jpeg", PictureUnsupported),
    (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "room.jpg", None, PictureUnsupported),
    (photo(0, "GIF"), "room.jpg", "image/jpeg", PictureUnsupported),
    (photo(0, "PNG"), "room.jpg", "image/jpeg", UploadMismatch),
    (photo(0, "WEBP"), "room.jpg", None, UploadMismatch),
    (photo(0)[:20], "room.jpg", "image/jpeg", PictureTruncated),
    (photo(0), "room.exe", None, ValidationFailed),
    (photo(0), "room", "image/jpeg", ValidationFailed),
    (photo(0), "../room.jpg", "image/jpeg", ValidationFailed),
    (photo(0), "ro\nom.jpg", "image/jpeg", ValidationFailed),
    (photo(0), "x" * 252 + ".jpg", "image/jpeg", ValidationFailed),
    (photo(0), "room.jpg", "image/png", ValidationFailed),
    (photo(0), "room.jpg", "application/octet-stream", ValidationFailed),
    (bytes(40_000), "room.jpg", "image/jpeg", PictureUnsupported),
]


@pytest.mark.parametrize(("filename", "content_type", "kind"), KINDS)
def test_a_photo_of_any_kind_is_received_and_becomes_ready(
    install: Install, filename: str, content_type: str, kind: str
) -> None:
    async def scenario() -> None:
        async with install() as staging:
            me = staging.acting_as(OWNER)
            data = photo(1, kind)
            upload = await me.uploads.receive(sent(data), filename, content_type)
            assert (upload.complete, upload.size, upload.filename) == (True, len(data), filename)
            assert await me.uploads.get(upload.id) == upload
            group = await me.images.submit(upload_id=upload.id, **WISH)
            await staging.run_worker(until_idle=True)
            image = await me.images.get(group.images[0].id)
            assert image.job.state == "ready", image.job.message
            assert await me.images.read(image.id, "original") == data
            assert image.original_sha256 == hashlib.sha256(data).hexdigest()
            assert (image.width, image.height) == (96, 64)
            assert image.original_type == upload.content_type
            assert image.filename == filename
            assert (await me.uploads.get(upload.id)).expires_at is None
            assert await Audit(staging.ports).count() == SOUND

    asyncio.run(scenario())


def test_a_large_photo_passes_in_chunks_and_is_not_gathered(install: Install) -> None:
    held: list[int] = []

    class Counting:
        """A storage that looks how much is on its way when it asks for more."""

        def __init__(self, behind: Any) -> None:
            self._behind = behind

        def __getattr__(self, name: str) -> Any:
            return getattr(self._behind, name)

        async def put(self, key: str, data: AsyncIterator[bytes], *, content_type: str) -> Any:
            async def counted() -> AsyncIterator[bytes]:
                async for chunk in data:
                    held.append(len(sending) - taken[0])
                    taken[0] += len(chunk)
                    yield chunk

            return await self._behind.put(key, counted(), content_type=content_type)

    taken = [0]
    sending = bytearray()

    async def produced(data: bytes) -> AsyncIterator[bytes]:
        async for chunk in sent(data, 10_000):
            sending.extend(chunk)
            yield chunk

    async def scenario() -> None:
        async with install() as staging:
            from dataclasses import replace

            from staging_core.acting import Uploads

            storage: Any = Counting(staging.ports.storage)
            uploads = Uploads(replace(staging.ports, storage=storage), OWNER)
            data = photo(1, width=2500, height=1500)
            assert len(data) > 8 * HEAD
            await uploads.receive(produced(data), "large.jpg")
            assert max(held) < HEAD + 20_000

    asyncio.run(scenario())


@pytest.mark.parametrize(("data", "filename", "content_type", "error"), REFUSED)
def test_what_is_no_photo_of_that_name_is_refused_and_nothing_stays(
    install: Install,
    data: bytes,
    filename: str,
    content_type: str | None,
    error: type[StagingError],
) -> None:
    async def scenario() -> None:
        async with install() as staging:
            me = staging.acting_as(OWNER)
            with pytest.raises(error):
                await me.uploads.receive(sent(data), filename, content_type)
            await staging.sweep()
            assert await objects(staging) == set()

    asyncio.run(scenario())


@in_the_process
def test_more_bytes_than_the_limit_are_read_no_further_and_nothing_stays(install: Install) -> None:
    taken = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal taken
        yield photo(0)
        while True:
            taken += 1000
            yield bytes(1000)

    async def scenario() -> None:
        async with install(max_bytes=400_000) as staging:
            me = staging.acting_as(OWNER)
            with pytest.raises(PictureTooLarge):
                await me.uploads.receive(endless(), "room.jpg")
            assert taken < 402_000
            await staging.sweep()
            assert await objects(staging) == set()

    asyncio.run(scenario())


def test_a_client_that_breaks_off_leaves_nothing(install: Install) -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield photo(0)
        raise ConnectionResetError("the client is gone")

    async def scenario() -> None:
        async with install() as staging:
            with pytest.raises(ConnectionResetError):
                await staging.acting_as(OWNER).uploads.receive(broken(), "room.jpg")
            await staging.sweep()
            assert await objects(staging) == set()
            async with staging.ports.database.read() as tx:
                assert await tx.rows(sa.select(tables.uploads)) == []

    asyncio.run(scenario())


def test_one_upload_serves_several_orders_and_goes_with_its_last_image(install: Install) -> None:
    async def scenario() -> None:
        async with install() as staging:
            me = staging.acting_as(OWNER)
            upload = await me.uploads.receive(sent(photo(1)), "room.jpg")
            groups = [
                await me.images.submit(upload_id=upload.id, room="bedroom", style=style)
                for style in ("modern", "japandi")
            ]
            assert groups[0].images[0].original_id == groups[1].images[0].original_id
            await staging.run_worker(until_idle=True)
            await me.images.delete(groups[0].images[0].id)
            await staging.sweep()
            assert await original(me, upload_id=upload.id) == photo(1)
            for image in await me.images.page():
                await me.images.delete(image.id)
            for _ in range(2):
                await staging.sweep()
            assert await objects(staging) == set()
            with pytest.raises(UnknownUpload):
                await me.images.submit(upload_id=upload.id, **WISH)
            assert await Audit(staging.ports).count() == SOUND

    asyncio.run(scenario())


def test_the_same_bytes_uploaded_and_handed_in_are_one_original(install: Install) -> None:
    async def scenario() -> None:
        async with install() as staging:
            me = staging.acting_as(OWNER)
            ids = set()
            for _ in range(2):
                upload = await me.uploads.receive(sent(photo(1)), "room.jpg")
                group = await me.images.submit(upload_id=upload.id, **WISH)
                ids.add(group.images[0].original_id)
            group = await me.images.submit(photo(1), **WISH)
            ids.add(group.images[0].original_id)
            assert len(ids) == 1
            await staging.run_worker(until_idle=True)
            await staging.sweep()
            assert len([key for key in await objects(staging) if key.startswith("uploads/")]) == 1
            assert {image.job.state for image in await me.images.page()} == {"ready"}
            assert await Audit(staging.ports).count() == SOUND

    asyncio.run(scenario())


def test_a_photo_whose_pixels_are_broken_ends_its_job_with_the_pictures_own_code(
    install: Install,
) -> None:
    async def scenario() -> None:
        async with install() as staging:
            me = staging.acting_as(OWNER)
            data = photo(1, width=900, height=700)
            upload = await me.uploads.receive(sent(data[: len(data) // 2]), "cut.jpg")
            group = await me.images.submit(upload_id=upload.id, **WISH)
            await staging.run_worker(until_idle=True)
            job = (await me.images.get(group.images[0].id)).job
            assert (job.state, job.error) == ("error", "picture_truncated")
            assert job.attempts == 0

    asyncio.run(scenario())


def test_uploads_that_nobody_uses_go_when_their_time_is_over(install: Install) -> None:
    async def scenario() -> None:
        async with install(orphan_grace_s=0.3) as staging:
            me = staging.acting_as(OWNER)
            unused = await me.uploads.receive(sent(photo(1)), "room.jpg")
            used = await me.uploads.receive(sent(photo(2)), "room.jpg")
            await me.images.submit(upload_id=used.id, **WISH)
            await asyncio.sleep(0.4)
            with pytest.raises(NotFound):
                await me.uploads.get(unused.id)
            with pytest.raises(UnknownUpload):
                await me.images.submit(upload_id=unused.id, **WISH)
            done = await staging.sweep()
            assert done["uploads_expired"] == 1
            await staging.sweep()
            assert len(await objects(staging)) == 1
            assert await original(me, upload_id=used.id) == photo(2)

    asyncio.run(scenario())
