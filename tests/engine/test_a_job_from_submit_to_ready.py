"""The main path: a photo is submitted, carried by the worker, and its result can be read."""

from __future__ import annotations

import asyncio
import hashlib
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from staging_core import OWNER, Principal
from staging_core.audit import SOUND, Audit
from staging_core.errors import (
    BadInput,
    IdempotencyMismatch,
    InvalidIdempotencyKey,
    NotFound,
    NotHonoured,
    NotReady,
    PictureTruncated,
    StagingError,
    TooManyQueued,
    UnknownModel,
    UnknownRoom,
)
from staging_core.imaging.provenance import read_mark

from .conftest import Install
from .pictures import photo

pytestmark = pytest.mark.parametrize("database", ["sqlite", "postgresql"], indirect=True)


def test_a_submitted_photo_becomes_ready_and_differs_only_where_it_was_staged(
    install: Install,
) -> None:
    async def scenario() -> None:
        async with install() as staging:
            me = staging.acting_as(OWNER)
            group = await me.images.submit(photo(1), room="bedroom", style="modern", seed=7)
            group = await me.wait(group)
            image = group.images[0]
            assert image.job.state == "ready"
            original, staged = [
                np.asarray(Image.open(BytesIO(await me.images.read(image.id, kind))).convert("RGB"))
                for kind in ("original", "staged")
            ]
            assert original.shape == staged.shape
            assert 0 < (original != staged).any(axis=2).mean() < 0.5
            assert image.sha256 == hashlib.sha256(await me.images.read(image.id)).hexdigest()
            assert await Audit(staging.ports).count() == SOUND

    asyncio.run(scenario())


def test_the_original_is_kept_byte_for_byte(install: Install) -> None:
    async def scenario() -> None:
        async with install(worker=False) as staging:
            me = staging.acting_as(OWNER)
            group = await me.images.submit(photo(1), room="bedroom", style="modern")
            assert await me.images.read(group.images[0].id, "original") == photo(1)
            assert group.images[0].original_sha256 == hashlib.sha256(photo(1)).hexdigest()

    asyncio.run(scenario())


def test_the_result_says_in_its_metadata_how_it_was_made(install: Install) -> None:
    async def scenario() -> None:
        async with install() as staging:
            me = staging.acting_as(OWNER)
            group = await me.wait(await me.images.submit(photo(), room="bedroom", style="modern"))
            mark = read_mark(await me.images.read(group.images[0].id))
            assert mark == staging.ports.stagers["fake"].card.digital_source_type

    asyncio.run(scenario())


def test_the_same_photo_request_and_seed_give_the_same_bytes(install: Install) -> None:
    async def scenario() -> set[str | None]:
        async with install() as staging:
            me = staging.acting_as(OWNER)
            groups = [
                await me.wait(
                    await me.images.submit(photo(), room="bedroom", style="modern", seed=42)
                )
                for _ in range(2)
            ]
            return {group.images[0].sha256 for group in groups}

    assert len(asyncio.run(scenario())) == 1


def test_variants_count_their_seeds_up_and_are_carried_independently(install: Install) -> None:
    async def scenario() -> None:
        async with install() as staging:
            me = staging.acting_as(OWNER)
            group = await me.wait(
                await me.images.submit(
                    photo(), room="bedroom", style="modern", seed=4_294_967_295, variants=3
                )
            )
            assert [image.request.seed for image in group.images] == [4_294_967_295, 1, 2]
            assert {image.job.state for image in group.images} == {"ready"}
            assert len({image.sha256 for image in group.images}) == 3

    asyncio.run(scenario())


def test_events_come_in_order_and_end_with_the_group(install: Install) -> None:
    async def scenario() -> None:
        async with install() as staging:
            me = staging.acting_as(OWNER)
            group = await me.images.submit(photo(), room="bedroom", style="modern")
            told = [event async for event in me.events(group)]
            assert [event.seq for event in told] == list(range(1, len(told) + 1))
            states = [event.state for event in told if event.type == "state"]
            assert states == ["queued", "preparing", "staging", "finalizing", "ready"]
            resumed = [event async for event in me.events(group, after=told[1].position)]
            assert resumed == told[2:]

    asyncio.run(scenario())


def test_a_worker_in_another_process_is_followed_as_well(install: Install) -> None:
    async def scenario() -> None:
        async with install(worker=False) as here, install() as elsewhere:
            assert here.ports.database is not elsewhere.ports.database
            me = here.acting_as(OWNER)
            group = await me.images.submit(photo(), room="bedroom", style="modern")
            assert (await me.wait(group)).images[0].job.state == "ready"

    asyncio.run(scenario())


def test_an_idempotent_repeat_answers_the_first_group_and_stages_nothing_again(
    install: Install,
) -> None:
    async def scenario() -> None:
        async with install(worker=False) as staging:
            me = staging.acting_as(OWNER)

            async def submit(style: str = "modern", number: int = 0) -> tuple[str, bool]:
                group = await me.images.submit(
                    photo(number), room="bedroom", style=style, idempotency_key="order-1"
                )
                return group.id, group.replayed

            first, _ = await submit()
            assert await submit() == (first, True)
            with pytest.raises(IdempotencyMismatch):
                await submit(style="industrial")
            with pytest.raises(IdempotencyMismatch):
                await submit(number=2)
            assert len(await me.images.page()) == 1

    asyncio.run(scenario())


def test_sixteen_submits_at_once_under_one_key_are_one_group(install: Install) -> None:
    async def scenario() -> None:
        async with install(worker=False) as staging:
            me = staging.acting_as(OWNER)
            groups = await asyncio.gather(
                *[
                    me.images.submit(
                        photo(), room="bedroom", style="modern", seed=1, idempotency_key="k"
                    )
                    for _ in range(16)
                ]
            )
            assert len({group.id for group in groups}) == 1
            assert sum(not group.replayed for group in groups) == 1
            assert len(await me.jobs.page()) == 1

    asyncio.run(scenario())


def test_another_account_sees_nothing_of_it(install: Install) -> None:
    async def scenario() -> None:
        async with install() as staging:
            mine = staging.acting_as(Principal(account_id="a|1"))
            other = staging.acting_as(Principal(account_id="b|2"))
            group = await mine.wait(
                await mine.images.submit(
                    photo(), room="bedroom", style="modern", idempotency_key="k"
                )
            )
            image = group.images[0]
            for look in (
                other.images.get(image.id),
                other.images.group(group.id),
                other.images.read(image.id),
                other.images.cancel(image.id),
                other.images.retry(image.id),
                other.jobs.get(image.job.id),
                other.jobs.cancel(image.job.id),
            ):
                with pytest.raises(NotFound):
                    await look
            assert await other.images.page() == []
            assert await other.jobs.page() == []
            assert await other.jobs.history(image.job.id) == []
            assert await other.jobs.attempts(image.job.id) == []
            assert [event async for event in other.events(group)] == []
            theirs = await other.images.submit(
                photo(), room="bedroom", style="modern", idempotency_key="k"
            )
            assert theirs.id != group.id
            assert theirs.images[0].original_id != image.original_id

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("wish", "error"),
    [
        ({"room": "bedrom"}, UnknownRoom),
        ({"style": ""}, BadInput),
        ({"variants": 0}, BadInput),
        ({"variants": 21}, BadInput),
        ({"seed": 0}, BadInput),
        ({"seed": 2**32}, BadInput),
        ({"prompt": "too short"}, BadInput),
        ({"model": "gpt"}, UnknownModel),
        ({"options": {"surprise": 1}}, NotHonoured),
        ({"idempotency_key": "has space"}, InvalidIdempotencyKey),
        ({"idempotency_key": ""}, InvalidIdempotencyKey),
        ({"idempotency_key": 5}, InvalidIdempotencyKey),
        ({"seed": "7"}, BadInput),
        ({"variants": "2"}, BadInput),
        ({"room": 7}, BadInput),
        ({"furniture": "sofa"}, BadInput),
        ({"prompt": "half a letter: \ud800"}, BadInput),
        ({"options": {"surprise": object()}}, BadInput),
    ],
)
def test_a_wrong_wish_is_a_typed_error_and_leaves_nothing_behind(
    install: Install, wish: dict[str, object], error: type[StagingError]
) -> None:
    async def scenario() -> None:
        async with install(worker=False) as staging:
            me = staging.acting_as(OWNER)
            with pytest.raises(error) as caught:
                await me.images.submit(photo(), **{"room": "bedroom", "style": "modern", **wish})  # type: ignore[arg-type]
            assert caught.value.remedy
            assert await me.images.page() == []
            assert [entry async for entry in staging.ports.storage.entries("")] == []

    asyncio.run(scenario())


def test_a_photo_that_cannot_be_decoded_is_refused_before_anything_is_kept(
    install: Install,
) -> None:
    async def scenario() -> None:
        async with install(worker=False) as staging:
            me = staging.acting_as(OWNER)
            with pytest.raises(PictureTruncated):
                await me.images.submit(photo()[:900], room="bedroom", style="modern")
            assert [entry async for entry in staging.ports.storage.entries("")] == []

    asyncio.run(scenario())


def test_too_long_a_queue_is_turned_away_whole(install: Install) -> None:
    async def scenario() -> None:
        async with install(worker=False, max_queued=3) as staging:
            me = staging.acting_as(OWNER)
            await me.images.submit(photo(), room="bedroom", style="modern", variants=2)
            kept = [entry.key async for entry in staging.ports.storage.entries("")]
            with pytest.raises(TooManyQueued):
                await me.images.submit(photo(1), room="bedroom", style="modern", variants=2)
            assert len(await me.jobs.page()) == 2
            await staging.sweep()
            assert [entry.key async for entry in staging.ports.storage.entries("")] == kept

    asyncio.run(scenario())


def test_a_picture_that_is_not_there_yet_says_so(install: Install) -> None:
    async def scenario() -> None:
        async with install(worker=False) as staging:
            me = staging.acting_as(OWNER)
            group = await me.images.submit(photo(), room="bedroom", style="modern")
            with pytest.raises(NotReady):
                await me.images.read(group.images[0].id)

    asyncio.run(scenario())


def test_pages_go_from_new_to_old_without_gap_or_repeat(install: Install) -> None:
    async def scenario() -> None:
        async with install(worker=False) as staging:
            me = staging.acting_as(OWNER)
            for style in ("modern", "industrial"):
                await me.images.submit(photo(), room="bedroom", style=style, variants=3)
            seen = []
            page = await me.jobs.page(limit=4)
            while page:
                seen += page
                page = await me.jobs.page(limit=4, before=page[-1])
            assert len({job.id for job in seen}) == len(seen) == 6
            assert [job.created_at for job in seen] == sorted(
                (job.created_at for job in seen), reverse=True
            )

    asyncio.run(scenario())
