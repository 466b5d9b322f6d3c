"""A body that is read while it is sent, as long as there is somebody who reads it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager
from typing import Any

from litestar import Response

from .answer import Stream
from .pace import Pace


class StreamedResponse(Response[Any]):
    """Opens the stream first, so that what is not there is still a 404.

    ``turn``: held while it is sent.
    """

    def __init__(self, stream: Stream, turn: AbstractAsyncContextManager[None]) -> None:
        super().__init__(None, status_code=stream.status)
        self.stream = stream
        self.turn = turn

    def to_asgi_response(self, *_args: Any, **_kwargs: Any) -> Any:
        """What sends it."""
        return self._send

    async def _send(self, scope: Any, receive: Any, send: Any) -> None:
        """Send it until its end, or until the client has gone: then nothing more is read."""
        sending = asyncio.create_task(self._sent(scope, send))
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
        if stream.chunks is None or scope["method"] == "HEAD":
            await send(start)
        else:
            async with self.turn, stream.chunks as chunks, _closing(chunks):
                await send(start)
                if not await _all_sent(chunks, send):
                    return  # the server sees that the answer is not whole, and closes
        await send({"type": "http.response.body", "body": b""})


async def _all_sent(chunks: AsyncIterator[bytes], send: Any) -> bool:
    """Send the chunks; False when the client reads too slowly."""
    pace = Pace()
    async for chunk in chunks:
        message = {"type": "http.response.body", "body": chunk, "more_body": True}
        try:
            await pace.wait_for(send(message), len(chunk))
        except TimeoutError:
            return False
    return True


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
