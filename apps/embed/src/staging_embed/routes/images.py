"""Images: one wished picture each, and what became of it."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from staging_core.errors import AlreadyFinal, TooManyQueued, UnknownModel
from staging_core.models import JobState, JobStatus
from staging_embed.access import member
from staging_embed.answers.image import ImageAnswer, image_answer
from staging_embed.call import Call
from staging_embed.fields import Cursor, Limit
from staging_embed.routing import Routes

images = Routes("images")
_read, _write = member("images:read"), member("images:write")


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
    next_cursor: str | None = None


class HistoryPage(Struct, frozen=True, kw_only=True):
    """Which part of the history."""

    limit: Limit | None = None
    cursor: Cursor | None = None


@images.get("/images/{image_id}", _read)
async def get_image(call: Call) -> ImageAnswer:
    """One image."""
    return image_answer(await call.me.images.get(call.id("image_id")), call.base)


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
