"""Event streams (server-sent events): what is sent when, and how all of them end.

An idle stream is one coroutine that waits for its client to go; whatever there is to send is sent
by a task that lives only as long as that takes. So ten thousand of them are cheap.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractContextManager, nullcontext, suppress
from sys import intern
from typing import Any

import msgspec

from staging_core import Acting, Principal
from staging_core.errors import (
    AccountClosing,
    NotFound,
    StagingError,
    TooManyStreams,
    Unauthorized,
)
from staging_core.interfaces import Telemetry
from staging_core.interfaces.telemetry import Fact
from staging_core.models import Update

from .stream_trace import StreamTrace, trace_of_stream
from .times import rfc3339

log = logging.getLogger("staging_embed")
requests = logging.getLogger("staging_embed.requests")

HEARTBEAT_S = 30.0
LONGEST_S = 3600.0
SEND_S = 20.0
"""How long a client may leave unread what it was sent; then its connection is closed."""

_TICK_S = 1.0
_LATER_S = 1.0
_IN_A_ROW = 500
_CONNECTED = {"message": "Connected to the event stream."}

StagedUrl = Callable[[str], str]
Send = Callable[[Any], Awaitable[None]]


class EventStreams:
    """All open streams of an application. They get heartbeats, and end when it says so.

    A stream also ends after ``longest_s``: its client comes back where it was, and is asked again
    who it is. ``telemetry``: who is told of them. ``most``: that one principal may have open here.
    """

    def __init__(
        self,
        telemetry: Callable[[], Telemetry],
        most: int,
        heartbeat_s: float = HEARTBEAT_S,
        longest_s: float = LONGEST_S,
    ) -> None:
        self._telemetry = telemetry
        self._most = most
        self._places: dict[str, int] = {}
        self.heartbeat_s = heartbeat_s
        self.longest_s = longest_s
        self.open: set[EventStream] = set()
        self.ending = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ticking: asyncio.Task[None] | None = None

    def end(self) -> None:
        """End all of them, and all that come: the server stops.

        From anywhere, a signal handler too, which may run in the middle of the loop's own work.
        """
        self.ending = True
        if self._loop is not None:
            with suppress(RuntimeError):  # it is closed, and they are over
                self._loop.call_soon_threadsafe(self._end_open)

    def _end_open(self) -> None:
        for stream in tuple(self.open):
            stream.end()

    def take_place(self, principal: Principal) -> str:
        """A place for one more of that principal's, to be given back; ``TooManyStreams``."""
        whose = intern(f"{principal.account_id}/{principal.user_id}")
        taken = self._places.get(whose, 0)
        if taken >= self._most:
            raise TooManyStreams(f"You have {taken} event streams open, which is the limit.")
        self._places[whose] = taken + 1
        return whose

    def give_back(self, whose: str) -> None:
        """A place that ``take_place`` gave is free again."""
        left = self._places[whose] - 1
        if left:
            self._places[whose] = left
        else:
            del self._places[whose]

    def add(self, stream: EventStream) -> None:
        """The stream is open."""
        self.open.add(stream)
        self._loop = asyncio.get_running_loop()
        self.tell()
        if self._ticking is None:
            self._ticking = asyncio.create_task(self._tick())
        if self.ending:
            stream.end()

    def discard(self, stream: EventStream) -> None:
        """The stream is over."""
        self.open.discard(stream)
        self.tell()
        if not self.open and self._ticking is not None:
            self._ticking.cancel()
            self._ticking = None

    @property
    def telemetry(self) -> Telemetry:
        """Who is told of them."""
        return self._telemetry()

    def tell(self) -> None:
        """How many are open, to telemetry."""
        self.telemetry.level("staging.streams", len(self.open))

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(_TICK_S)
            now = time.monotonic()
            for number, stream in enumerate(tuple(self.open)):
                if number % _IN_A_ROW == _IN_A_ROW - 1:
                    await asyncio.sleep(0)  # what is to be sent meanwhile is sent
                stream.tick(now)


class EventStream:
    """One client's stream. ``begin`` it, then ``serve`` it. ``headers``: of its answer."""

    __slots__ = (
        "_beat",
        "_beat_at",
        "_began",
        "_end_at",
        "_ending",
        "_follower",
        "_news",
        "_send",
        "_staged_url",
        "_standing",
        "_streams",
        "_told_events",
        "_trace",
        "_whose",
        "_writing",
        "headers",
    )

    def __init__(self, streams: EventStreams, staged_url: StagedUrl) -> None:
        self._began = now = time.monotonic()
        self._told_events = 0
        self.headers: Mapping[str, str] = _HEADERS
        self._streams = streams
        self._staged_url = staged_url
        self._beat_at = now + streams.heartbeat_s
        self._end_at = now + streams.longest_s * random.uniform(0.9, 1.0)  # noqa: S311 - spread
        self._beat = False
        self._news = False
        self._ending: asyncio.Timeout | None = None
        self._writing: asyncio.Task[None] | None = None
        self._trace: StreamTrace | None = None

    async def begin(self, me: Acting, request_id: str, **scope: Any) -> None:
        """Follow what ``scope`` names, as ``Acting.follow``; ``TooManyStreams``.

        ``request_id``: of the request that asks for it; the log keeps it.
        """
        self._whose = self._streams.take_place(me.principal)
        self._trace = trace_of_stream(
            self._streams.telemetry, request=request_id, user=me.principal.user_id
        )
        try:
            self._follower, self._standing = await me.follow(self._poke, **scope)
        except BaseException:
            self._streams.give_back(self._whose)
            raise

    # --- one connection ---------------------------------------------------------------------------

    async def serve(self, receive: Callable[[], Awaitable[Any]], send: Send) -> None:
        """Send until the client goes or does not read, or the streams end."""
        self._send = send
        ended_by = "client"
        try:
            await self._open()
            async with asyncio.timeout(None) as self._ending:
                self._streams.add(self)
                self._poke()
                while (await receive())["type"] != "http.disconnect":
                    pass
        except TimeoutError:
            # The server sees that the answer of one who does not read is not whole, and closes.
            ended_by = "server" if await self._said_goodbye() else "not read"
        finally:
            self._streams.discard(self)
            self._streams.give_back(self._whose)
            self._follower.close()
            if self._writing is not None:
                self._writing.cancel()
            self._tell_end(ended_by)

    async def _open(self) -> None:
        """Nothing that is sent here is held while the stream waits."""
        head = [(name.encode(), value.encode()) for name, value in self.headers.items()]
        await self._send({"type": "http.response.start", "status": 200, "headers": head})
        self.headers = _HEADERS
        await self._write_out(
            [_message("connected", self._connected()), *self._told(self._standing)]
        )
        del self._standing

    def _connected(self) -> dict[str, str]:
        """``position``: what to resume from where nothing has been told yet."""
        return {**_CONNECTED, "position": str(self._follower.position)}

    async def _said_goodbye(self) -> bool:
        """When to come back: not all at the same moment. False when nobody reads it."""
        if (writing := self._writing) is not None:
            await asyncio.wait([writing], timeout=_LATER_S)
            writing.cancel()
        pause_ms = random.randint(500, 3000)  # noqa: S311 - spread
        body = f"retry: {pause_ms}\n\n".encode()
        try:
            async with asyncio.timeout(_LATER_S):
                await self._send({"type": "http.response.body", "body": body, "more_body": False})
        except TimeoutError:
            return False
        return True

    def _tell_end(self, by: str) -> None:
        open_s, events = time.monotonic() - self._began, self._told_events
        with self._step("end", ended_by=by, events=events, open_s=round(open_s, 3)):
            requests.info("event stream over (%s), open %.0f s, %d events", by, open_s, events)

    def _step(self, name: str, **facts: Fact) -> AbstractContextManager[None]:
        """A span where somebody listens: what is logged within has the request's ids."""
        return nullcontext() if self._trace is None else self._trace.step(name, **facts)

    # --- by others --------------------------------------------------------------------------------

    def end(self) -> None:
        """Say when to come back, and close."""
        if self._ending is not None and not self._ending.expired():
            self._ending.reschedule(asyncio.get_running_loop().time())

    def tick(self, now: float) -> None:
        """A heartbeat or the end, when it is time."""
        if now >= self._end_at:
            self.end()
        elif now >= self._beat_at:
            self._beat_at = now + self._streams.heartbeat_s
            self._beat = True
            self._write_soon()

    def _poke(self) -> None:
        self._news = True
        self._write_soon()

    # --- writing ----------------------------------------------------------------------------------

    def _write_soon(self) -> None:
        if self._writing is None and self._ending is not None and not self._ending.expired():
            self._writing = asyncio.create_task(self._write())
            self._writing.add_done_callback(self._written)

    def _written(self, task: asyncio.Task[None]) -> None:
        if task.cancelled() or (error := task.exception()) is None:
            return
        self._writing = None
        if not isinstance(error, TimeoutError):
            with self._step("break"):
                log.error("an event stream broke off", exc_info=error)
        self.end()

    async def _write(self) -> None:
        while self._news or self._beat:
            if self._beat:
                self._beat = False
                await self._write_out([_message("heartbeat", {"timestamp": rfc3339(time.time())})])
            if self._news:
                await self._write_news()
        # Not later: whoever pokes before others are told that this is over finds it over.
        self._writing = None

    async def _write_news(self) -> None:
        self._news = False
        try:
            updates = await self._follower.take()
        except (AccountClosing, NotFound, Unauthorized):
            self.end()  # its client comes back, and is told why it is not let in
            return
        except StagingError:
            # The database is away: the client stays, and is told when it is back.
            with self._step("wait"):
                log.warning("an event stream waits", exc_info=True)
                await asyncio.sleep(_LATER_S)
            self._news = True
            return
        if updates:
            self._news = True  # there may be more
            self._told_events += len(updates)
            with nullcontext() if self._trace is None else self._trace.telling(updates):
                await self._write_out(self._told(updates))

    async def _write_out(self, messages: list[bytes]) -> None:
        """Send them; ``TimeoutError`` when nobody reads."""
        body = b"".join(messages)
        async with asyncio.timeout(SEND_S):
            await self._send({"type": "http.response.body", "body": body, "more_body": True})

    def _told(self, updates: list[Update]) -> list[bytes]:
        return [_message("job_update", self._data(each), each.position) for each in updates]

    def _data(self, update: Update) -> dict[str, Any]:
        return update_data(update, self._staged_url)


def update_data(update: Update, staged_url: StagedUrl) -> dict[str, Any]:
    """What an update looks like to clients; ``error`` is a sentence, ``code`` is for programs."""
    data: dict[str, Any] = {
        "image_id": update.image_id,
        "seq": update.seq,
        "status": update.status,
        "state": update.state,
        "progress": update.progress,
        "phase": update.phase,
    }
    if update.error is not None:
        data |= {"error": update.message or update.error, "code": update.error}
    if update.state == "ready":
        data["staged_url"] = staged_url(update.image_id)
    return data | ({"snapshot": True} if update.snapshot else {})


_HEADERS = {
    "content-type": "text/event-stream",
    "x-accel-buffering": "no",  # nginx would keep events until it has a block of them
}


def _message(event: str, data: Any, position: int | None = None) -> bytes:
    head = b"" if position is None else b"id: %d\n" % position
    return head + b"event: %s\ndata: %s\n\n" % (event.encode(), msgspec.json.encode(data))
