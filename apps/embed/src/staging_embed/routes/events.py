"""Events as they happen."""

from __future__ import annotations

import re
from typing import Annotated

from msgspec import Meta, Struct

from staging_core.errors import NotFound, TooManyStreams
from staging_core.models import MOST_EVENTS
from staging_embed.access import member
from staging_embed.answer import Media
from staging_embed.answers.event import EventAnswer, event_answer
from staging_embed.answers.image import picture_urls
from staging_embed.call import Call
from staging_embed.event_stream import EventStream
from staging_embed.fields import Cursor, Id, Limit
from staging_embed.refusal import invalid
from staging_embed.routing import Routes
from staging_embed.times import rfc3339

events = Routes("events")
_LARGEST = 2**63 - 1
_EVENT_ID = re.compile(r"[0-9]{1,19}")


class Following(Struct, frozen=True, kw_only=True):
    """What is followed: one image, a group's, a project's, or everything of the account."""

    image_id: Annotated[Id, Meta(description="Only this image.")] | None = None
    group_id: Annotated[Id, Meta(description="Only images of this group.")] | None = None
    project_id: Annotated[Id, Meta(description="Only images of this project.")] | None = None
    ticket: Annotated[str, Meta(description="In place of a token.", max_length=200)] | None = None


class Wanted(Struct, frozen=True, kw_only=True):
    """Events after a position, of one group or of the whole account."""

    group_id: Annotated[Id, Meta(description="Only events of this group.")] | None = None
    after: Annotated[int, Meta(ge=0, le=_LARGEST, description="The `id` of one seen.")] = 0
    limit: Limit | None = None
    cursor: Cursor | None = None


class EventLog(Struct, frozen=True, kw_only=True):
    """Events in order, up to 500 unless fewer are asked for.

    `settled`: all jobs of the group had ended by then. At the end of what there is, read on later
    after the last `id`.
    """

    events: list[EventAnswer]
    settled: bool
    next_cursor: str | None


class TicketAnswer(Struct, frozen=True, kw_only=True):
    """Opens one event stream, once, in `GET /events?ticket=...`."""

    ticket: str
    expires_at: str


@events.post("/events/tickets", member("events:read"), status=201)
async def create_event_ticket(call: Call) -> TicketAnswer:
    """A ticket for browsers, which cannot set headers on an event stream.

    It opens one stream, once, within 30 seconds.
    """
    ticket = await call.me.tickets.issue()
    return TicketAnswer(ticket=ticket.token, expires_at=rfc3339(ticket.expires_at))


@events.get("/events/log", member("events:read"), errors=(NotFound,))
async def list_events(call: Call, query: Wanted) -> EventLog:
    """What has happened since: the rows that event streams tell, without waiting."""
    scope = f"event log {query.group_id}"
    after = call.place(scope, query.cursor, int) or query.after
    page = await call.me.read_events(query.group_id, after=after)
    if query.group_id is not None and not page.events:
        await call.me.images.group(query.group_id)
    rows = page.events[: query.limit]
    more = len(rows) < len(page.events) or len(rows) == MOST_EVENTS
    return EventLog(
        events=[event_answer(row) for row in rows],
        settled=page.settled,
        next_cursor=call.next(scope, rows[-1].position if more else None),
    )


@events.get(
    "/events",
    member("events:read"),
    live=True,
    by_ticket=True,
    errors=(NotFound, TooManyStreams),
    result=Media(("text/event-stream",)),
    request_headers={"Last-Event-ID": "The `id` of the last event seen: all since is told again."},
)
async def follow_events(call: Call, query: Following) -> EventStream:
    """Follow images as they are worked on (server-sent events).

    First `connected`; then one `job_update` with `snapshot: true` for each image that is not
    final (of one image: always); then a `job_update` for every event, with an `id`; a `heartbeat`
    every 30 s. Whoever was cut off sends `Last-Event-ID` and misses nothing.

    It ends when what opened it opens nothing any more, and when nobody reads it for 20 s. Of one
    user each process has up to 200 open at a time.
    """
    stream = EventStream(call.service.streams, picture_urls(call.base, "staged"))
    await stream.begin(
        call.me,
        call.request_id,
        image_id=query.image_id,
        group_id=query.group_id,
        project_id=query.project_id,
        after=_after(call),
    )
    return stream


def _after(call: Call) -> int | None:
    """The position in ``Last-Event-ID``; None where there is none."""
    told = call.request.headers.get("last-event-id", "").strip()
    if not told:
        return None
    if not _EVENT_ID.fullmatch(told) or int(told) > _LARGEST:
        raise invalid("Last-Event-ID", "Send the `id` of an event of this account.")
    return int(told)
