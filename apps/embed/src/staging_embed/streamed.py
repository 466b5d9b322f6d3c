"""A body that is read while it is sent, as long as there is somebody who reads it.

A file is read piece by piece: the storage is let go before a piece is sent, so that it is held as
long as the storage takes, and not as long as the reader does. So it is with what is made while it
is sent; as nobody can resume that, it also has an end.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager
from typing import Any

from litestar import Response

from .answer import Stream
from .pace import Pace

PIECE_BYTES = 512 * 1024
LONGEST_S = 4 * 3600.0
"""For how long something that is made while it is sent may be sent."""

Turn = Callable[..., AbstractAsyncContextManager[None]]


class StreamedResponse(Response[Any]):
    """Opens the stream first, so that what is not there is still a 404. Is a ``Reader`` of rooms.

    ``turn``: of the reader, held while it is sent. ``reads``: one for each piece, held while that
    is read or made; ``patient`` for those of an answer that was begun.
    """

    def __init__(self, stream: Stream, turn: Turn, reads: Turn) -> None:
        super().__init__(None, status_code=stream.status)
        self.stream = stream
        self.turn = turn
        self.reads = reads
        self._pace = Pace()
        self._sending: asyncio.Task[None] | None = None

    @property
    def speed(self) -> float:
        """Bytes that the client takes in a second."""
        return self._pace.speed

    def cut(self) -> None:
        """Send no more: somebody else wants the room."""
        assert self._sending is not None, "it has its turn"
        self._sending.cancel()

    def to_asgi_response(self, *_args: Any, **_kwargs: Any) -> Any:
        """What sends it."""
        return self._send

    async def _send(self, scope: Any, receive: Any, send: Any) -> None:
        """Send it until its end, or until the client has gone: then nothing more is read."""
        self._sending = sending = asyncio.create_task(self._sent(scope, send))
        gone = asyncio.create_task(_gone(receive))
        try:
            await asyncio.wait({sending, gone}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (sending, gone):
                task.cancel()
            await asyncio.gather(sending, gone, return_exceptions=True)
        if not sending.cancelled():
            sending.result()

    async def _sent(self, scope: Any, send: Any) -> None:
        stream = self.stream
        headers = [(name.encode(), value.encode()) for name, value in stream.headers.items()]
        start = {"type": "http.response.start", "status": stream.status, "headers": headers}
        if stream.is_empty or scope["method"] == "HEAD":
            await send(start)
        else:
            async with self.turn(reader=self), self._opened() as chunks:
                await send(start)
                if not await self._all_sent(chunks, send):
                    return  # the server sees that the answer is not whole, and closes
        await send({"type": "http.response.body", "body": b""})

    async def _all_sent(self, chunks: AsyncIterator[bytes], send: Any) -> bool:
        """Send the chunks; False when the client reads too slowly, or for too long."""
        ends_after_s = None if self.stream.chunks is None else LONGEST_S
        try:
            async with asyncio.timeout(ends_after_s) as end:
                async for chunk in chunks:
                    message = {"type": "http.response.body", "body": chunk, "more_body": True}
                    try:
                        await self._pace.wait_for(send(message), len(chunk))
                    except TimeoutError:
                        return False
        except TimeoutError:
            if not end.expired():
                raise
            return False
        return True

    @asynccontextmanager
    async def _opened(self) -> AsyncIterator[AsyncIterator[bytes]]:
        if self.stream.chunks is not None:
            opened = self.stream.chunks
            async with opened as chunks, _closing(chunks), aclosing(self._made(chunks)) as made:
                yield made
            return
        first = await self._piece(0, patient=False)
        async with aclosing(self._pieces(first)) as pieces:
            yield pieces

    async def _made(self, chunks: AsyncIterator[bytes]) -> AsyncGenerator[bytes]:
        """The chunks, each made in a turn."""
        while True:
            async with self.reads(patient=True):
                try:
                    chunk = await anext(chunks)
                except StopAsyncIteration:
                    return
            yield chunk

    async def _pieces(self, piece: deque[bytes]) -> AsyncGenerator[bytes]:
        """The chunks of ``piece``, the first one, and of all that follow."""
        at = 0
        while piece:
            at += sum(map(len, piece))
            while piece:
                yield piece.popleft()
            if at < self.stream.size:
                piece = await self._piece(at, patient=True)

    async def _piece(self, at: int, *, patient: bool) -> deque[bytes]:
        """What is to be sent from the byte ``at`` on, read whole."""
        assert self.stream.opens is not None
        opened = self.stream.opens(at, PIECE_BYTES)
        async with self.reads(patient=patient), opened as chunks, _closing(chunks):
            return deque([chunk async for chunk in chunks])


async def _gone(receive: Any) -> None:
    """Returns when the client has gone, or the whole answer is out."""
    while (await receive())["type"] != "http.disconnect":
        pass


@asynccontextmanager
async def _closing(chunks: Any) -> AsyncIterator[None]:
    """What a generator holds is let go at once, wherever it was left."""
    if not hasattr(chunks, "aclose"):
        yield
        return
    async with aclosing(chunks):
        yield
