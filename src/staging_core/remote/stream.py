"""Event streams, over HTTP: server-sent events, gone on with where they broke off."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from typing import TypeVar, cast

import httpx
import msgspec

from staging_core.errors import AnswerNotUnderstood, ServerUnreachable
from staging_core.models import JobState, Update

from .asked import Asked
from .patience import Patience
from .told import position
from .wire import Wire

_SILENCE_S = 90.0  # the server sends a heartbeat every 30 s
_MOST_BYTES = 1 << 20
_USUAL_PAUSE_S, _LONGEST_PAUSE_S = 0.5, 30.0


T = TypeVar("T")


class Message(msgspec.Struct, frozen=True):
    """One message of a stream. ``retry_s``: when to come back, where it says so."""

    event: str
    data: bytes
    id: str | None = None
    retry_s: float | None = None


class UpdateTold(msgspec.Struct, frozen=True, kw_only=True):
    """What ``job_update`` says."""

    image_id: str
    seq: int
    state: str
    progress: float
    phase: str
    error: str | None = None
    code: str | None = msgspec.field(default=None)
    snapshot: bool = False

    def update(self, at: int) -> Update:
        """As the library says it."""
        return Update(
            position=at,
            image_id=self.image_id,
            seq=self.seq,
            state=cast(JobState, self.state),
            progress=self.progress,
            phase=self.phase,
            error=self.code,
            message=None if self.error == self.code else self.error,
            snapshot=self.snapshot,
        )


class Connected(msgspec.Struct, frozen=True):
    """What ``connected`` says: from where the stream goes on."""

    position: str


class EventStream:
    """Updates of one scope, without an end. ``query``: the scope; ``after``: what was told before.

    Rows are told once and in order, whatever happens to connections; snapshots once.
    """

    def __init__(
        self, wire: Wire, query: Mapping[str, str], *, after: int | None, patience_s: float
    ) -> None:
        self._wire = wire
        self._query = query
        self._position = after
        self._patience_s = patience_s
        self._told: set[str] | None = set()  # by snapshots; None when all of them have been
        self._pause_s = _USUAL_PAUSE_S

    async def updates(self) -> AsyncGenerator[Update | None]:
        """What is new; None whenever a connection begins, before anything that it tells."""
        patience = Patience(self._patience_s)
        while True:
            asked = self._asked()
            try:
                async with aclosing(self._connection(asked)) as connection:
                    async for update in connection:
                        patience = Patience(self._patience_s)
                        yield update
                # The server ended it, and has said when to come back.
                await asyncio.sleep(self._pause_s)
            except ServerUnreachable as cut:
                await patience.after(cut, asked)

    def _asked(self) -> Asked:
        resume = {} if self._position is None else {"Last-Event-ID": str(self._position)}
        return Asked(
            method="GET",
            path="/events",
            query=self._query,
            headers={"Accept": "text/event-stream", **resume},
            silence_s=_SILENCE_S,
        )

    async def _connection(self, asked: Asked) -> AsyncGenerator[Update | None]:
        self._pause_s = _USUAL_PAUSE_S
        async with self._wire.opened(asked) as response:
            kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
            if kind != "text/event-stream":
                raise AnswerNotUnderstood(f"The server answers with {kind[:80]!r} for a stream.")
            async with aclosing(_messages(self._wire, response)) as messages:
                async for message in messages:
                    for update in self._heard(message):
                        yield update

    def _heard(self, message: Message) -> list[Update | None]:
        """What a message tells that is new."""
        if message.retry_s is not None:
            self._pause_s = message.retry_s
        if message.event == "connected":
            if self._position is None:
                self._position = position(_decoded(message, Connected).position)
            return [None]
        if message.event != "job_update":
            if message.event == "heartbeat":
                self._told = None
            return []
        if message.id is None:
            raise AnswerNotUnderstood("The server tells of an event without its id.")
        update = _decoded(message, UpdateTold).update(position(message.id))
        return [update] if self._is_new(update) else []

    def _is_new(self, update: Update) -> bool:
        if update.snapshot:
            if self._told is None or update.image_id in self._told:
                return False
            self._told.add(update.image_id)
            return True
        self._told = None
        if self._position is not None and update.position <= self._position:
            return False
        self._position = update.position
        return True


def _decoded(message: Message, shape: type[T]) -> T:
    try:
        return msgspec.json.decode(message.data, type=shape)
    except (msgspec.MsgspecError, ValueError, RecursionError) as wrong:
        raise AnswerNotUnderstood("The server's event is not one that was asked for.") from wrong


async def _messages(wire: Wire, response: httpx.Response) -> AsyncGenerator[Message]:
    """The stream's messages (WHATWG HTML, server-sent events); one that broke off is none."""
    fields: dict[str, bytes] = {}
    size = 0
    async with aclosing(_lines(wire, response)) as lines:
        async for line in lines:
            size += len(line)
            if size > _MOST_BYTES:
                raise AnswerNotUnderstood("The server's event is too long.")
            if line:
                _add(fields, line)
                continue
            if fields:
                yield _message(fields)
            fields, size = {}, 0


def _add(fields: dict[str, bytes], line: bytes) -> None:
    name, _, value = line.partition(b":")
    value = value.removeprefix(b" ")
    key = name.decode("utf-8", "replace")
    if key == "data" and "data" in fields:
        value = fields["data"] + b"\n" + value
    if key:
        fields[key] = value


def _message(fields: Mapping[str, bytes]) -> Message:
    retry = fields.get("retry", b"")
    return Message(
        event=fields.get("event", b"").decode("utf-8", "replace"),
        data=fields.get("data", b""),
        id=fields["id"].decode("utf-8", "replace") if "id" in fields else None,
        retry_s=min(int(retry) / 1000, _LONGEST_PAUSE_S) if retry[:9].isdigit() else None,
    )


async def _lines(wire: Wire, response: httpx.Response) -> AsyncGenerator[bytes]:
    """Without their ends; ours end with a line feed."""
    rest = b""
    async with aclosing(wire.chunks_of(response)) as chunks:
        async for chunk in chunks:
            *lines, rest = (rest + chunk).split(b"\n")
            if len(rest) > _MOST_BYTES:
                raise AnswerNotUnderstood("The server's event is too long.")
            for line in lines:
                yield line.removesuffix(b"\r")
