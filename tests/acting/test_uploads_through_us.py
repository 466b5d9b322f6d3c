"""A photo is streamed through us, put at an address of ours, or fetched; then it is staged."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
import sqlalchemy as sa

from staging_core import OWNER, Acting, Principal, Staging
from staging_core.audit import SOUND, Audit
from staging_core.database import tables
from staging_core.errors import (
    AddressRefused,
    BadInput,
    NotFound,
    ObjectExists,
    PictureEmpty,
    PictureTooLarge,
    PictureTruncated,
    PictureUnsupported,
    StagingError,
    UnknownUpload,
    UploadMismatch,
    UploadMissing,
    ValidationFailed,
)
from staging_core.kept_photo import HEAD
from staging_core.models import UploadTicket

from .conftest import Install, in_the_process
from .pictures import photo, put, sent

pytestmark = pytest.mark.parametrize("database", ["sqlite", "postgresql"], indirect=True)

ADA = Principal(account_id="ada-homes", user_id="ada")
WISH: dict[str, Any] = {"room": "bedroom", "style": "modern"}


async def objects(staging: Staging) -> set[str]:
    return {entry.key async for entry in staging.ports.storage.entries("")}


async def original(me: Acting, **named: Any) -> bytes:
    """The original of an image that is staged from what was uploaded."""
    group = await me.images.submit(**named, **WISH)
    return await me.images.read(group.images[0].id, "original")


# --- streamed ------------------------------------------------------------------------------------

KINDS = [
    ("room.jpg", "image/jpeg", "JPEG"),
    ("ROOM.JPEG", "image/jpeg", "JPEG"),
    ("room.png", "image/png", "PNG"),
    ("room.webp", "image/webp", "WEBP"),
    ("room.tif", "image/tiff", "TIFF"),
    ("room.avif", "application/octet-stream", "AVIF"),
    ("room.heic", "application/octet-stream", "HEIF"),
    ("room.heic", "image/heif", "HEIF"),
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


# --- at an address of ours ------------------------------------------------------------------------


async def presigned(me: Acting, data: bytes, **other: Any) -> tuple[Any, UploadTicket]:
    given = {"filename": "room.jpg", "content_type": "image/jpeg", "size": len(data), **other}
    return await me.uploads.presign(**given)


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


# --- who may use it -------------------------------------------------------------------------------


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
