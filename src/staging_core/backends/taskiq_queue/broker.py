"""taskiq's Redis stream broker, with what it lacks: it survives Redis, and it takes one at a time.

Its own ``listen`` ends at the first lost connection or flushed server, reads one entry per stream
at once, and looks for the wakes of dead consumers only after a new one has come. Of it remain the
connection pool and the configuration. Who only pokes needs none of this (see ``queue``).
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from contextlib import suppress

from redis.asyncio import Redis
from redis.exceptions import ResponseError
from taskiq import AckableMessage
from taskiq_redis import RedisStreamBroker

from .address import RedisAddress
from .connection import UNREACHABLE, keep_cancellations
from .lanes import GROUP, MOST_HELD

_log = logging.getLogger(__name__)
_BLOCK_MS = 1000  # less than a connection's time-out
_LONGEST_PAUSE_S = 2.0
# Oldest Redis says the first; a newer one, to whoever was waiting meanwhile, the second.
_GROUP_IS_GONE = ("NOGROUP", "UNBLOCKED")

Entry = tuple[str, bytes, dict[bytes, bytes]]


class WakeBroker(RedisStreamBroker):
    """One consumer of the streams of some lanes."""

    def __init__(self, address: RedisAddress, streams: Iterable[str]) -> None:
        self.streams = deque(streams)
        super().__init__(
            address.url,
            consumer_group_name=GROUP,
            consumer_id="0",  # a group begins with what came before it
            xread_count=1,
            xread_block=_BLOCK_MS,
            maxlen=MOST_HELD,
            idle_timeout=int(address.reclaim_s * 1000),
            **address.connection(),
        )
        keep_cancellations(self.connection_pool)
        self.redis: Redis = Redis(connection_pool=self.connection_pool)
        self.closing = False
        self._running: dict[bytes, str] = {}
        self._reclaim_at = 0.0

    async def listen(self) -> AsyncGenerator[AckableMessage, None]:
        """Give entries one by one while not ``closing``; an unreachable Redis is waited for."""
        pause_s = 0.05
        while True:
            try:
                entries = await self._take()
                pause_s = 0.05
            except UNREACHABLE as error:
                if not await self._declared(error):
                    _log.warning("Redis does not hand out wakes: %s", type(error).__name__)
                    await asyncio.sleep(pause_s)
                    pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)
                continue
            if self.closing:
                return  # `leave` passes on what has just come
            for entry in entries:
                yield self._given(*entry)

    async def _take(self) -> list[Entry]:
        """An abandoned entry or the next one; a lane's turn comes after that of all others."""
        if (abandoned := await self._reclaim()) is not None:
            return [abandoned]
        self.streams.rotate(-1)
        if len(self.streams) > 1:
            # One read of several streams would take one entry of each.
            for stream in self.streams:
                if entries := await self._read([stream]):
                    return entries
        return await self._read(self.streams, block_ms=self.block)

    async def _read(
        self, streams: Iterable[str], *, after: str = ">", block_ms: int | None = None
    ) -> list[Entry]:
        """Entries that nobody had; after an id, those that are booked on us."""
        fetched = await self.redis.xreadgroup(
            self.consumer_group_name,
            self.consumer_name,
            dict.fromkeys(streams, after),
            count=self.count,
            block=block_ms,
        )
        return _entries(fetched)

    async def _reclaim(self) -> Entry | None:
        """One entry whose consumer has been silent for too long, looked for now and then."""
        if time.monotonic() < self._reclaim_at:
            return None
        for stream in self.streams:
            if (abandoned := await self._abandoned(stream)) is not None:
                return abandoned
        self._reclaim_at = time.monotonic() + self.idle_timeout / 3000
        return None

    async def _abandoned(self, stream: str) -> Entry | None:
        cursor = b"0-0"
        while True:
            cursor, entries, *_ = await self.redis.xautoclaim(
                stream,
                self.consumer_group_name,
                self.consumer_name,
                min_idle_time=self.idle_timeout,
                start_id=cursor,
                count=1,
            )
            # Redis 6 also tells of entries that were cut off the stream, without their ids.
            for entry_id, fields in entries:
                if entry_id is not None:
                    return stream, entry_id, fields
            if cursor == b"0-0":
                return None

    def _given(self, stream: str, entry_id: bytes, fields: dict[bytes, bytes]) -> AckableMessage:
        self._running[entry_id] = stream
        return AckableMessage(data=fields.get(b"data", b""), ack=self._done(stream, entry_id))

    def _done(self, stream: str, entry_id: bytes) -> Callable[[], Awaitable[None]]:
        async def done() -> None:
            """Take it off the stream: we are its only group, so nothing of it is left to trim."""
            self._running.pop(entry_id, None)
            with suppress(*UNREACHABLE):  # then it is handed out once more, which harms nobody
                async with self.redis.pipeline() as both:
                    both.xack(stream, self.consumer_group_name, entry_id)
                    both.xdel(stream, entry_id)
                    await both.execute()

        return done

    async def hold_running(self) -> None:
        """Tell Redis for ever that the running wakes are in good hands."""
        while True:
            await asyncio.sleep(self.idle_timeout / 3000)
            for entry_id, stream in list(self._running.items()):
                with suppress(*UNREACHABLE):
                    await self.redis.xclaim(
                        stream,
                        self.consumer_group_name,
                        self.consumer_name,
                        min_idle_time=0,
                        message_ids=[entry_id],
                        justid=True,
                    )

    async def leave(self) -> None:
        """Pass on what was given to us while we stopped, and take our name off the groups."""
        with suppress(*UNREACHABLE):
            for stream in self.streams:
                while entries := await self._read([stream], after="0"):
                    for entry in entries:
                        await self._pass_on(*entry)
                await self.redis.xgroup_delconsumer(
                    stream, self.consumer_group_name, self.consumer_name
                )

    async def _pass_on(self, stream: str, entry_id: bytes, fields: dict[bytes, bytes]) -> None:
        async with self.redis.pipeline() as all_at_once:
            if fields:
                all_at_once.xadd(stream, dict(fields.items()))
            all_at_once.xack(stream, self.consumer_group_name, entry_id)
            all_at_once.xdel(stream, entry_id)
            await all_at_once.execute()

    async def startup(self) -> None:
        """Nothing: groups are declared when Redis says that there are none."""

    async def _declared(self, error: BaseException) -> bool:
        """Whether the error was that our group is gone, and is no more."""
        if not isinstance(error, ResponseError) or not str(error).startswith(_GROUP_IS_GONE):
            return False
        for stream in self.streams:
            try:
                await self.redis.xgroup_create(
                    stream, self.consumer_group_name, id=self.consumer_id, mkstream=True
                )
            except ResponseError:
                continue  # another consumer was faster
            except UNREACHABLE:
                return False
        return True


def _entries(fetched: object) -> list[Entry]:
    if not isinstance(fetched, list):
        return []
    return [
        (stream.decode(), entry_id, fields)
        for stream, entries in fetched
        for entry_id, fields in entries
    ]
