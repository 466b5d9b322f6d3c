"""The floor of ``sse``, as a process: event streams with nothing behind them but one Redis channel.

``python -m benchmarks.bare_streams redis://…``: the stream ``/7`` is told each message ``7``.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from typing import Any

from redis.asyncio import Redis

from benchmarks.serving import serving

CHANNEL = "bare_events"

_streams: dict[str, Any] = {}


async def app(scope: Any, receive: Any, send: Any) -> None:
    """Hold a stream open."""
    name = scope["path"].strip("/")
    headers = [(b"content-type", b"text/event-stream")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send(_body(b"event: connected\ndata: {}\n\n"))
    _streams[name] = send
    try:
        while (await receive())["type"] != "http.disconnect":
            pass
    finally:
        _streams.pop(name, None)


def _body(data: bytes) -> dict[str, Any]:
    return {"type": "http.response.body", "body": data, "more_body": True}


async def hear(url: str) -> None:
    """Pass messages on, each to the one stream of its name."""
    number = 0
    async with Redis.from_url(url) as redis, redis.pubsub() as channel:
        await channel.subscribe(CHANNEL)
        async for message in channel.listen():
            if message["type"] == "message" and (send := _streams.get(message["data"].decode())):
                number += 1
                data = b'{"image_id":"%s","status":"processing"}' % message["data"]
                await send(_body(b"id: %d\nevent: job_update\ndata: %s\n\n" % (number, data)))


async def main(url: str) -> None:
    """Until SIGTERM."""
    over = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, over.set)
    async with serving(app) as address:
        hearing = asyncio.create_task(hear(url))
        sys.stderr.write(f"Serving on {address}\n")
        await over.wait()
        hearing.cancel()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
