"""Pictures are sent whole or in parts, at addresses that end, under names that fit."""

from __future__ import annotations

import asyncio
from io import BytesIO
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import pytest
from PIL import Image as PillowImage

from staging_core import OWNER, Acting, Image, Staging
from staging_core.audit import SOUND, Audit
from staging_core.errors import AddressRefused, BadInput, NotFound, NotReady, ObjectChanged
from staging_core.imaging.provenance import read_mark
from staging_core.models import ByteRange
from staging_core.signed_objects import SignedObjects
from staging_core.testing import FakeStager
from staging_core.testing.fake_script import Script

from .conftest import Install
from .pictures import photo, sent

pytestmark = pytest.mark.parametrize("database", ["sqlite", "postgresql"], indirect=True)


async def staged(staging: Staging, me: Acting, **named: Any) -> Image:
    named = named or {"photo": photo(1, width=900, height=600)}
    group = await me.images.submit(**named, room="living_room", style="mid_century")
    await staging.run_worker(until_idle=True)
    return await me.images.get(group.images[0].id)


def called(image: Image, way: str) -> str:
    """What a photo is called that was handed in as bytes; over HTTP it is an upload with a name."""
    return f"living_room-{image.id[:8]}.jpg" if way == "in the process" else "photo.jpg"


def taken_apart(url: str) -> tuple[str, dict[str, str]]:
    parts = urlsplit(url)
    return unquote(parts.path).partition("/api/v1/objects/")[2], dict(parse_qsl(parts.query))


def test_a_picture_is_read_whole_or_in_part_as_it_was_looked_at(install: Install) -> None:
    async def scenario() -> None:
        async with install() as staging:
            me = staging.acting_as(OWNER)
            image = await staged(staging, me)
            whole = await me.images.read(image.id)
            file = await me.images.look(image.id)
            assert (file.size, file.content_type) == (len(whole), "image/png")
            for span in (None, ByteRange(start=5, end=50), ByteRange(start=len(whole) - 3)):
                async with me.images.open(image.id, span=span, etag=file.etag) as picture:
                    data = b"".join([chunk async for chunk in picture.chunks])
                assert picture.file == file
                assert data == (whole if span is None else whole[span.start : span.end])
            with pytest.raises(ObjectChanged):
                async with me.images.open(image.id, etag="another"):
                    pass

    asyncio.run(scenario())


def test_files_are_named_for_the_photo_the_style_and_what_they_are(
    install: Install, way: str
) -> None:
    async def scenario() -> None:
        async with install() as staging:
            me = staging.acting_as(OWNER)
            upload = await me.uploads.receive(sent(photo(1, "WEBP")), "Küche 1.webp")
            named = await staged(staging, me, upload_id=upload.id)
            names = {
                kind: (await me.images.look(named.id, kind)).filename
                for kind in ("original", "staged", "thumbnail")
            }
            assert names == {
                "original": "Küche 1.webp",
                "staged": "Küche 1-mid_century.png",
                "thumbnail": "Küche 1-mid_century-thumbnail.jpg",
            }
            nameless = await staged(staging, me)
            file = await me.images.look(nameless.id, "original")
            assert file.filename == called(nameless, way)

    asyncio.run(scenario())


def test_a_thumbnail_is_made_once_small_and_says_how_it_came_about(install: Install) -> None:
    async def scenario() -> None:
        async with install() as staging:
            me = staging.acting_as(OWNER)
            image = await staged(staging, me)
            made = await asyncio.gather(*(me.images.read(image.id, "thumbnail") for _ in range(3)))
            assert len(set(made)) == 1
            picture = PillowImage.open(BytesIO(made[0]))
            assert (picture.format, picture.size) == ("JPEG", (480, 320))
            assert read_mark(made[0]) == staging.ports.stagers["fake"].card.digital_source_type
            image = await me.images.get(image.id)
            assert image.thumbnail_key is not None
            stored = await staging.ports.storage.stat(image.thumbnail_key)
            assert await me.images.read(image.id, "thumbnail") == made[0]
            assert await staging.ports.storage.stat(image.thumbnail_key) == stored
            await staging.sweep()
            assert await Audit(staging.ports).count() == SOUND
            await me.images.delete(image.id)
            for _ in range(2):
                await staging.sweep()
            assert [entry async for entry in staging.ports.storage.entries("")] == []

    asyncio.run(scenario())


def test_a_small_picture_is_not_enlarged(install: Install) -> None:
    async def scenario() -> None:
        async with install() as staging:
            me = staging.acting_as(OWNER)
            image = await staged(staging, me, photo=photo(1))
            data = await me.images.read(image.id, "thumbnail")
            assert PillowImage.open(BytesIO(data)).size == (96, 64)

    asyncio.run(scenario())


def test_an_address_of_ours_gives_the_picture_to_whoever_has_it_for_a_while(
    install: Install, way: str
) -> None:
    async def scenario() -> None:
        async with install(public_url="https://here.example") as staging:
            me = staging.acting_as(OWNER)
            image = await staged(staging, me)
            url = await me.images.presign(image.id, "staged", expires_s=60)
            assert url.startswith("https://here.example/api/v1/objects/staged/")
            key, query = taken_apart(url)
            objects = staging.signed_objects
            file = await objects.look(key, query)
            assert (file.content_type, file.filename) == ("image/png", "")
            async with objects.open(key, query, span=ByteRange(start=1, end=4)) as picture:
                assert [chunk async for chunk in picture.chunks] == [b"PNG"]
            saved = await objects.look(
                *taken_apart(await me.images.presign(image.id, download=True))
            )
            assert saved.filename == called(image, way)
            other = (await me.images.get(image.id)).original_key
            with pytest.raises(AddressRefused):
                await objects.look(other, query)
            late = SignedObjects(staging.ports, clock=lambda: float(query["expires"]) + 1)
            with pytest.raises(AddressRefused):
                await late.look(key, query)

    asyncio.run(scenario())


def test_an_address_of_a_deleted_picture_leads_to_nothing(install: Install) -> None:
    async def scenario() -> None:
        async with install() as staging:
            me = staging.acting_as(OWNER)
            image = await staged(staging, me)
            key, query = taken_apart(await me.images.presign(image.id, "staged"))
            await me.images.delete(image.id)
            for _ in range(2):
                await staging.sweep()
            with pytest.raises(NotFound):
                await staging.signed_objects.look(key, query)

    asyncio.run(scenario())


@pytest.mark.parametrize("expires_s", [0, -1, 3601, float("nan")])
def test_an_address_is_good_for_an_hour_at_most(install: Install, expires_s: float) -> None:
    async def scenario() -> None:
        async with install() as staging:
            me = staging.acting_as(OWNER)
            image = await staged(staging, me)
            with pytest.raises(BadInput, match="3600"):
                await me.images.presign(image.id, expires_s=expires_s)

    asyncio.run(scenario())


def test_the_original_of_a_failed_image_is_there_and_its_result_never(install: Install) -> None:
    async def scenario() -> None:
        async with install(FakeStager(Script.parse("refused"))) as staging:
            me = staging.acting_as(OWNER)
            group = await me.images.submit(photo(1), room="bedroom", style="modern")
            image_id = group.images[0].id
            for kind in ("staged", "thumbnail", "labelled"):
                with pytest.raises(NotReady):
                    await me.images.presign(image_id, kind)  # type: ignore[arg-type]
            await staging.run_worker(until_idle=True)
            assert await me.images.presign(image_id, "original")
            for kind in ("staged", "thumbnail", "labelled"):
                with pytest.raises(NotFound):
                    await me.images.look(image_id, kind)  # type: ignore[arg-type]
            with pytest.raises(BadInput, match="no 'hologram' picture"):
                await me.images.look(image_id, "hologram")  # type: ignore[arg-type]

    asyncio.run(scenario())
