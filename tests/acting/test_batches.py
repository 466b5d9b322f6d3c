"""Several orders at once: each is accepted whole or leaves nothing, whatever the others do."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from staging_core import OWNER, Group, StagingError
from staging_core.audit import SOUND, Audit
from staging_core.errors import (
    BadInput,
    IdempotencyMismatch,
    InvalidIdempotencyKey,
    NotFound,
    PictureUnsupported,
    UnknownRoom,
    UnknownUpload,
    UploadMissing,
    ValidationFailed,
)

from .conftest import Install, in_the_process
from .pictures import photo, put, sent

pytestmark = pytest.mark.parametrize("database", ["sqlite", "postgresql"], indirect=True)

GOOD: dict[str, Any] = {"photo": photo(1), "room": "bedroom", "style": "modern"}
BAD: list[tuple[Any, type[BadInput] | type[NotFound]]] = [
    ({**GOOD, "room": "dungeon"}, UnknownRoom),
    ({**GOOD, "photo": b"no photo"}, PictureUnsupported),
    ({**GOOD, "photo": None, "upload_id": "nobody-knows"}, UnknownUpload),
    ({**GOOD, "project_id": "nobody-knows"}, NotFound),
    ({**GOOD, "colour": "red"}, BadInput),
    ({**GOOD, "idempotency_key": "k"}, BadInput),
    ({**GOOD, "variants": 0}, BadInput),
    ({**GOOD, "variants": "many"}, BadInput),
    ({**GOOD, "prompt": "a sofa \0 in the corner"}, ValidationFailed),
    ({**GOOD, "prompt": "a sofa \ud800 in the corner"}, ValidationFailed),
    ({**GOOD, "furniture": ["sofa", "\0"]}, ValidationFailed),
    ({**GOOD, "furniture": ["x" * 201]}, BadInput),
    ({**GOOD, "options": {"a": {"b\0": 1}}}, ValidationFailed),
    ({**GOOD, "options": {"note": "x" * 17_000}}, ValidationFailed),
    ({**GOOD, "model": "\0"}, ValidationFailed),
    ({**GOOD, "photo": None, "upload_id": "a\0"}, ValidationFailed),
    ({**GOOD, "photo": None, "original_url": "https://a.example/\0"}, ValidationFailed),
    ({**GOOD, "project_id": "a\0"}, ValidationFailed),
    (None, BadInput),
    ("bedroom", BadInput),
    ({}, BadInput),
]


def test_each_order_is_answered_by_itself_in_its_place(install: Install) -> None:
    async def scenario() -> None:
        async with install() as staging:
            me = staging.acting_as(OWNER)
            upload = await me.uploads.receive(sent(photo(2)), "room.jpg")
            listing = await me.projects.create("listing")
            orders = [
                GOOD,
                {"upload_id": upload.id, "room": "office", "style": "japandi"},
                *(order for order, _ in BAD),
                {**GOOD, "project_id": listing.id, "variants": 2},
            ]
            outcomes = await me.images.submit_many(orders)
            assert len(outcomes) == len(orders)
            for outcome, (_, error) in zip(outcomes[2:-1], BAD, strict=True):
                assert isinstance(outcome, error), outcome
            groups = [each for each in outcomes if isinstance(each, Group)]
            assert [len(group.images) for group in groups] == [1, 1, 2]
            assert len(await me.images.page()) == 4
            await staging.run_worker(until_idle=True)
            assert {image.job.state for image in await me.images.page()} == {"ready"}
            assert await Audit(staging.ports).count() == SOUND

    asyncio.run(scenario())


@pytest.mark.parametrize("items", [[], [GOOD] * 51, None, "orders", {"a": GOOD}, 7])
def test_what_is_no_batch_is_refused(install: Install, items: Any) -> None:
    async def scenario() -> None:
        async with install() as staging:
            me = staging.acting_as(OWNER)
            with pytest.raises(BadInput):
                await me.images.submit_many(items)
            assert await me.images.page() == []

    asyncio.run(scenario())


def ids(outcomes: list[Group | StagingError]) -> list[str]:
    return [each.id for each in outcomes if isinstance(each, Group)]


def test_a_repeated_batch_tells_what_was_accepted_and_tries_the_rest_again(
    install: Install,
) -> None:
    async def scenario() -> None:
        async with install() as staging:
            me = staging.acting_as(OWNER)
            listing = await me.projects.create("listing")
            upload, ticket = await me.uploads.presign("room.jpg", "image/jpeg", len(photo(2)))
            orders = [GOOD, {"upload_id": upload.id, "project_id": listing.id}]
            first = await me.images.submit_many(orders, idempotency_key="batch")
            assert isinstance(first[1], UploadMissing)
            await put(staging, ticket, photo(2))
            again = await me.images.submit_many(orders, idempotency_key="batch")
            assert ids(again)[0] == ids(first)[0]
            assert [each.replayed for each in again if isinstance(each, Group)] == [True, False]
            last = await me.images.submit_many(orders, idempotency_key="batch")
            assert ids(last) == ids(again)
            assert len(await me.images.page()) == 2
            for others in (orders[:1], orders[::-1], [GOOD, {**orders[1], "seed": 1}]):
                with pytest.raises(IdempotencyMismatch):
                    await me.images.submit_many(others, idempotency_key="batch")
            assert len(await me.images.page()) == 2

    asyncio.run(scenario())


def test_a_key_that_is_none_is_refused_before_anything_is_made(install: Install) -> None:
    async def scenario() -> None:
        async with install() as staging:
            me = staging.acting_as(OWNER)
            with pytest.raises(InvalidIdempotencyKey):
                await me.images.submit_many([GOOD], idempotency_key="a b")
            assert await me.images.page() == []

    asyncio.run(scenario())


@in_the_process
def test_a_bug_that_one_order_meets_takes_nothing_from_the_others(
    install: Install, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def scenario() -> None:
        async with install() as staging:
            me = staging.acting_as(OWNER)
            submit = type(me.images).submit

            async def failing(*args: Any, **wish: Any) -> Any:
                if wish["style"] == "japandi":
                    raise RuntimeError("the driver's words")
                return await submit(*args, **wish)

            monkeypatch.setattr(type(me.images), "submit", failing)
            orders = [{**GOOD, "style": style} for style in ("modern", "japandi", "luxury")]
            outcomes = await me.images.submit_many(orders, idempotency_key="batch")
            assert [isinstance(each, Group) for each in outcomes] == [True, False, True]
            assert isinstance(outcomes[1], StagingError)
            assert (outcomes[1].code, outcomes[1].status) == ("internal_error", 500)
            assert "driver" not in str(outcomes[1])
            assert "the driver's words" in caplog.text
            assert len(await me.images.page()) == 2

    asyncio.run(scenario())


@in_the_process
def test_a_batch_whose_process_died_halfway_is_finished_and_nothing_is_ordered_twice(
    install: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Died(BaseException):
        """The process is gone."""

    async def scenario() -> None:
        async with install() as staging:
            me = staging.acting_as(OWNER)
            orders = [{**GOOD, "style": style} for style in ("modern", "japandi", "luxury")]
            submit, done = type(me.images).submit, []

            async def dying(*args: Any, **wish: Any) -> Any:
                if len(done) == 2:
                    raise Died
                done.append(await submit(*args, **wish))
                return done[-1]

            monkeypatch.setattr(type(me.images), "submit", dying)
            with pytest.raises(Died):
                await me.images.submit_many(orders, idempotency_key="batch")
            monkeypatch.undo()
            outcomes = await me.images.submit_many(orders, idempotency_key="batch")
            assert ids(outcomes)[:2] == [group.id for group in done]
            assert len(await me.images.page()) == 3

    asyncio.run(scenario())
