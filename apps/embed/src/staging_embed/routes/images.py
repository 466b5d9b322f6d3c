"""Images: one wished picture each, and what became of it."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from staging_core.errors import AlreadyFinal, TooManyQueued, UnknownModel
from staging_core.models import JobEvent, JobState, JobStatus, Place
from staging_embed.access import member
from staging_embed.answers.image import ImageAnswer, image_answer
from staging_embed.call import Call
from staging_embed.fields import Cursor, Id, Limit
from staging_embed.paging import new_page
from staging_embed.routing import Routes
from staging_embed.times import rfc3339

images = Routes("images")
_read, _write = member("images:read"), member("images:write")


class Wanted(Struct, frozen=True, kw_only=True):
    """Images for which all that is given holds."""

    project_id: Annotated[Id, Meta(description="Only images of this project.")] | None = None
    status: JobStatus | None = None
    style: Annotated[str, Meta(max_length=64, description="As in the catalog.")] | None = None
    sort: Literal["newest", "oldest"] = "newest"
    limit: Limit | None = None
    cursor: Cursor | None = None


class ImagePage(Struct, frozen=True, kw_only=True):
    """Images in the order that was asked for."""

    images: list[ImageAnswer]
    next_cursor: str | None


class EventAnswer(Struct, frozen=True, kw_only=True):
    """One row of an image's history. `id` is what `Last-Event-ID` takes."""

    id: str
    seq: int
    type: str
    status: JobStatus
    state: JobState
    data: dict[str, Any]
    created_at: str


class History(Struct, frozen=True, kw_only=True):
    """Events in order."""

    events: list[EventAnswer]
    next_cursor: str | None


class HistoryPage(Struct, frozen=True, kw_only=True):
    """Which part of the history."""

    limit: Limit | None = None
    cursor: Cursor | None = None


@images.get("/images", _read)
async def list_images(call: Call, query: Wanted) -> ImagePage:
    """Images of the account, newest first; failed and cancelled ones too.

    Lists by status go by when the images' newest jobs were made.
    """
    wanted: dict[str, Any] = {
        "project_id": query.project_id,
        "status": query.status,
        "style": query.style,
        "sort": query.sort,
    }
    scope = f"images {wanted}"
    before = call.place(scope, query.cursor, Place)
    rows, more = await new_page(
        lambda limit: call.me.images.page(**wanted, limit=limit, before=before), query.limit
    )
    if not rows and query.project_id is not None:
        await call.me.projects.get(query.project_id)
    last = (rows[-1].job.place if query.status else rows[-1].place) if more else None
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
    after = call.place(scope, query.cursor, int) or 0
    rows, more = await new_page(
        lambda limit: call.me.images.history(image_id, after=after, limit=limit), query.limit
    )
    return History(
        events=[_event(row) for row in rows],
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
async def retry_image(call: Call) -> ImageAnswer:
    """Try an image that failed or was cancelled again, as a new job."""
    return image_answer(await call.me.images.retry(call.id("image_id")), call.base)


def _event(event: JobEvent) -> EventAnswer:
    return EventAnswer(
        id=str(event.position),
        seq=event.seq,
        type=event.type,
        status=event.status,
        state=event.state,
        data=event.data,
        created_at=rfc3339(event.at),
    )
