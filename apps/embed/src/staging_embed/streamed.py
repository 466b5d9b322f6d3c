"""A body that is read while it is sent."""

from __future__ import annotations

from typing import Any

from litestar import Response

from .answer import Stream


class StreamedResponse(Response[Any]):
    """Opens the stream first, so that what is not there is still a 404."""

    def __init__(self, stream: Stream) -> None:
        super().__init__(None, status_code=stream.status)
        self.stream = stream

    def to_asgi_response(self, *_args: Any, **_kwargs: Any) -> Any:
        """What sends it."""
        return self._send

    async def _send(self, scope: Any, _receive: Any, send: Any) -> None:
        stream = self.stream
        headers = [(name.encode(), value.encode()) for name, value in stream.headers.items()]
        start = {"type": "http.response.start", "status": stream.status, "headers": headers}
        if stream.chunks is None or scope["method"] == "HEAD":
            await send(start)
        else:
            async with stream.chunks as chunks:
                await send(start)
                async for chunk in chunks:
                    await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send({"type": "http.response.body", "body": b""})
