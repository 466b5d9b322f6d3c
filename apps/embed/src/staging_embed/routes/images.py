"""Images: one wished picture each, and what became of it."""

from __future__ import annotations

import logging
from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, Raw, Struct, UnsetType

from staging_core import Group, StagingError
from staging_core.errors import (
    AlreadyFinal,
    BadPicture,
    CreatedThenDeleted,
    NotFound,
    NotHonoured,
    PictureTooLarge,
    Refused,
    TooManyQueued,
    UnknownModel,
    UnknownRoom,
    UnknownStyle,
    UnknownUpload,
    UploadMismatch,
    UploadMissing,
    UsageLimitExceeded,
    ValidationFailed,
)
from staging_core.models import JobStatus
from staging_core.models.order_limits import LONGEST_PIECE
from staging_embed.access import member
from staging_embed.answer import Answer
from staging_embed.answers.event import EventAnswer, event_answer
from staging_embed.answers.image import CreatedImage, ImageAnswer, created_image, image_answer
from staging_embed.answers.replayed import replayed
from staging_embed.body import read_json
from staging_embed.call import Call
from staging_embed.fields import PROMPT, STATES, WORD, Before, Cursor, Id, Limit
from staging_embed.paging import new_page
from staging_embed.problem import Shortfall, code_of, is_told, shortfall_of, told_to_clients
from staging_embed.refusal import Refusal
from staging_embed.routing import Routes

log = logging.getLogger("staging_embed")
images = Routes("images")
_read, _write = member("images:read"), member("images:write")
_ORDER = (
    NotFound,
    UnknownRoom,
    UnknownStyle,
    UnknownModel,
    UnknownUpload,
    NotHonoured,
    UploadMissing,
    UploadMismatch,
    BadPicture,
    PictureTooLarge,
    Refused,
    UsageLimitExceeded,
    TooManyQueued,
    CreatedThenDeleted,
)


class Wanted(Struct, frozen=True, kw_only=True):
    """Images for which all that is given holds."""

    project_id: Annotated[Id, Meta(description="Only images of this project.")] | None = None
    status: Annotated[JobStatus, Meta(description="As images tell it.")] | None = None
    state: (
        Annotated[
            str,
            Meta(max_length=200, pattern=STATES, description="One or several, by comma."),
        ]
        | None
    ) = None
    style: Annotated[str, Meta(max_length=64, description="As in the catalog.")] | None = None
    q: (
        Annotated[
            str,
            Meta(
                max_length=200,
                description="Words that each begin one of the prompt's or of the file's name.",
            ),
        ]
        | None
    ) = None
    sort: Annotated[Literal["newest", "oldest"], Meta(description="Which come first.")] = "newest"
    limit: Limit | None = None
    cursor: Cursor | None = None
    before: Before | None = None


class NewImage(Struct, frozen=True, kw_only=True):
    """A photo to be staged, named by one of `original_url` and `upload_id`.

    `original_url` is the address that the photo was put at, without its query, or its `file_key`.
    `seed` makes the result repeatable. Without `room_type` or `style` the usual ones are taken.
    `variants`: how many pictures are made of it; their seeds count up. All of it together has up
    to 16 KiB as JSON, `options` included.
    """

    project_id: str | UnsetType = UNSET
    original_url: Annotated[str, Meta(max_length=2048)] | None = None
    upload_id: str | None = None
    room_type: Annotated[str, Meta(max_length=64, examples=["living_room"])] | None = None
    style: Annotated[str, Meta(max_length=64, examples=["scandinavian"])] | None = None
    seed: Annotated[int, Meta(ge=1, le=4_294_967_295)] | None = None
    prompt: Annotated[str, Meta(pattern=PROMPT)] | None = None
    model: Annotated[str, Meta(max_length=255)] | None = None
    furniture: Annotated[
        list[Annotated[str, Meta(max_length=LONGEST_PIECE, pattern=WORD)]], Meta(max_length=50)
    ] = []
    options: dict[str, Any] = {}
    variants: Annotated[int, Meta(ge=1, le=20)] = 1


class NewImages(Struct, frozen=True, kw_only=True):
    """Photos to be staged, each for itself."""

    images: Annotated[list[NewImage], Meta(min_length=1, max_length=50)]


class Items(Struct, frozen=True, kw_only=True):
    """As ``NewImages``, each still to be read."""

    images: Annotated[list[Raw], Meta(min_length=1, max_length=50)]


class ItemError(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What was wrong with one of several. `index` counts from 0; `shortfall`: as in problems."""

    index: int
    code: str
    message: str
    remedy: str
    shortfall: Shortfall | None = None


class ItemGroup(Struct, frozen=True, kw_only=True):
    """One of several that was accepted. `replayed`: by an earlier call under the same key."""

    index: int
    id: str
    replayed: bool


class Batch(Struct, frozen=True, kw_only=True):
    """What became of several: those that were accepted, and why others were not.

    `images`: all that were made, in order, of one photo all its variants. `success` and `failed`
    count photos.
    """

    images: list[ImageAnswer]
    success: int
    failed: int
    errors: list[ItemError]
    groups: list[ItemGroup]


class ImagePage(Struct, frozen=True, kw_only=True):
    """Images in the order that was asked for."""

    images: list[ImageAnswer]
    next_cursor: str | None


class History(Struct, frozen=True, kw_only=True):
    """Events in order."""

    events: list[EventAnswer]
    next_cursor: str | None


class HistoryPage(Struct, frozen=True, kw_only=True):
    """Which part of the history."""

    limit: Limit | None = None
    cursor: Cursor | None = None
    after: Annotated[
        int,
        Meta(
            ge=0,
            le=2**63 - 1,
            description="In place of a `cursor`, the `id` of an event seen: those after it.",
        ),
    ] = 0


@images.post("/images", _write, status=201, creates=True, errors=_ORDER)
async def create_image(call: Call, body: NewImage) -> Answer[CreatedImage]:
    """Have a photo staged. What can be wrong with it is found before this is answered.

    The photo is decoded later, by the job.
    """
    group = await call.me.images.submit(**_wish(body), idempotency_key=call.idempotency_key)
    return replayed(created_image(group.images, call.base), group.replayed)


@images.post(
    "/images/batch",
    _write,
    status=201,
    creates=True,
    also={207: Batch},
    errors=_ORDER,
    body=NewImages,
    items=Items,
)
async def create_images(call: Call, body: Items) -> Answer[Batch]:
    """Have up to 50 photos staged, each accepted or refused by itself.

    207 when some were refused. Under an `Idempotency-Key` those that were accepted before are
    told again, and the others are tried again.
    """
    wishes = [_read_wish(each) for each in body.images]
    outcomes = await call.me.images.submit_many(wishes, idempotency_key=call.idempotency_key)
    made = [each for each in outcomes if isinstance(each, Group)]
    errors = [
        _item_error(index, each)
        for index, each in enumerate(outcomes)
        if not isinstance(each, Group)
    ]
    told = Batch(
        images=[image_answer(image, call.base) for group in made for image in group.images],
        success=len(made),
        failed=len(errors),
        errors=errors,
        groups=[
            ItemGroup(index=index, id=each.id, replayed=each.replayed)
            for index, each in enumerate(outcomes)
            if isinstance(each, Group)
        ],
    )
    answer = replayed(told, bool(made) and all(group.replayed for group in made))
    return Answer(answer.body, status=207 if errors else 201, headers=answer.headers)


def _item_error(index: int, error: StagingError) -> ItemError:
    if not is_told(error):
        log.error("a photo of a batch: %s", error.code, exc_info=error)
    message, remedy = told_to_clients(error)
    return ItemError(
        index=index,
        code=code_of(error),
        message=message,
        remedy=remedy,
        shortfall=shortfall_of(error),
    )


def _read_wish(raw: Raw) -> dict[str, Any] | StagingError:
    """One of several, or why it cannot be read: the others are looked at all the same."""
    try:
        return _wish(read_json(raw, NewImage))
    except Refusal as wrong:
        return ValidationFailed(wrong.detail, fields=wrong.fields)


def _wish(image: NewImage) -> dict[str, Any]:
    """As the library takes it; an empty text is one that was left out."""
    return {
        "project_id": None if image.project_id is UNSET else image.project_id,
        "original_url": image.original_url or None,
        "upload_id": image.upload_id or None,
        "room": image.room_type or None,
        "style": image.style or None,
        "seed": image.seed,
        "prompt": image.prompt or None,
        "model": image.model or None,
        "furniture": image.furniture,
        "options": image.options,
        "variants": image.variants,
    }


@images.get("/images", _read, errors=(NotFound,))
async def list_images(call: Call, query: Wanted) -> ImagePage:
    """Images of the account, newest first; failed and cancelled ones too.

    Lists by status, without `q`, go by when the images' newest jobs were made.
    """
    wanted: dict[str, Any] = {
        "project_id": query.project_id,
        "status": query.status,
        "state": tuple(query.state.split(",")) if query.state else (),
        "style": query.style,
        "search": query.q,
        "sort": query.sort,
    }
    scope = f"images {wanted}"
    before = call.before(scope, query)
    rows, more = await new_page(
        lambda limit: call.me.images.page(**wanted, limit=limit, before=before), query.limit
    )
    if not rows and query.project_id is not None:
        await call.me.projects.get(query.project_id)
    by_job = bool(query.status or query.state) and query.q is None
    last = (rows[-1].job.place if by_job else rows[-1].place) if more else None
    return ImagePage(
        images=[image_answer(row, call.base) for row in rows], next_cursor=call.next(scope, last)
    )


@images.get("/images/{image_id}", _read)
async def get_image(call: Call) -> ImageAnswer:
    """One image."""
    return image_answer(await call.me.images.get(call.id("image_id")), call.base)


@images.delete("/images/{image_id}", _write)
async def delete_image(call: Call) -> None:
    """Delete an image: hidden at once, its pictures go when no other image uses them."""
    await call.me.images.delete(call.id("image_id"))


@images.get("/images/{image_id}/events", _read)
async def list_image_events(call: Call, query: HistoryPage) -> History:
    """An image's history: the rows that event streams tell, in order."""
    image_id = call.id("image_id")
    scope = f"events of {image_id}"
    after = call.place(scope, query.cursor, int) or query.after
    rows, more = await new_page(
        lambda limit: call.me.images.history(image_id, after=after, limit=limit), query.limit
    )
    return History(
        events=[event_answer(row) for row in rows],
        next_cursor=call.next(scope, rows[-1].position if more else None),
    )


@images.post("/images/{image_id}/cancel", _write, status=202, errors=(AlreadyFinal,))
async def cancel_image(call: Call) -> ImageAnswer:
    """Cancel an image that is not finished; nothing is charged for it."""
    return image_answer(await call.me.images.cancel(call.id("image_id")), call.base)


@images.post(
    "/images/{image_id}/retry",
    _write,
    status=202,
    creates=True,
    errors=(AlreadyFinal, UnknownModel, TooManyQueued),
)
async def retry_image(call: Call) -> Answer[ImageAnswer]:
    """Try an image that failed or was cancelled again, as a new job."""
    image = await call.me.images.retry(call.id("image_id"), idempotency_key=call.idempotency_key)
    return replayed(image_answer(image, call.base), image.replayed)
