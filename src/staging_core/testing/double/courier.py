"""POSTs callbacks over connections that are kept: hundreds a second on one core.

httpx looks at all its connections and waiting requests for each request, which took most of the
double's time; this is h11, which httpx and uvicorn speak too, over asyncio's streams.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Mapping
from urllib.parse import SplitResult, urlsplit

import h11

_AT_A_TIME = 64
_PIECE = 65536


class Undelivered(Exception):
    """Nobody answered; the message is the reason in a word."""


class Line:
    """One connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self._speech = h11.Connection(h11.CLIENT)

    async def post(self, target: str, headers: Mapping[str, str], body: bytes) -> int:
        """Send, and give the status of the answer once it is read whole."""
        request = h11.Request(method="POST", target=target, headers=list(headers.items()))
        for event in (request, h11.Data(data=body), h11.EndOfMessage()):
            self._writer.write(self._speech.send(event) or b"")
        await self._writer.drain()
        return await self._status()

    def ready_again(self) -> bool:
        """Whether the connection may be used once more."""
        if self._speech.our_state is h11.DONE and self._speech.their_state is h11.DONE:
            self._speech.start_next_cycle()
            return not self._reader.at_eof()
        return False

    def close(self) -> None:
        """Hang up."""
        self._writer.close()

    async def _status(self) -> int:
        status = 0
        while True:
            event = self._speech.next_event()
            if event is h11.NEED_DATA:
                self._speech.receive_data(await self._reader.read(_PIECE))
            elif isinstance(event, h11.Response):
                status = event.status_code
            elif isinstance(event, h11.EndOfMessage):
                return status
            elif isinstance(event, h11.ConnectionClosed):
                raise h11.RemoteProtocolError("the connection was closed")


class Courier:
    """Keeps its connections by host; follows no redirect."""

    def __init__(self) -> None:
        self._idle: dict[tuple[str, str], list[Line]] = defaultdict(list)
        self._slots = asyncio.Semaphore(_AT_A_TIME)

    async def post(self, url: str, headers: Mapping[str, str], body: bytes, within_s: float) -> int:
        """The status that ``url`` answers, or ``Undelivered``."""
        try:
            async with self._slots, asyncio.timeout(within_s):
                return await self._posted(urlsplit(url), headers, body)
        except (OSError, ValueError, h11.ProtocolError) as error:
            raise Undelivered(type(error).__name__) from error

    def close(self) -> None:
        """Hang up everywhere."""
        for line in (line for lines in self._idle.values() for line in lines):
            line.close()
        self._idle.clear()

    async def _posted(self, url: SplitResult, headers: Mapping[str, str], body: bytes) -> int:
        target = (url.path or "/") + (f"?{url.query}" if url.query else "")
        whole = {"host": url.netloc, "content-length": str(len(body)), **headers}
        idle = self._idle[url.scheme, url.netloc]
        while idle:
            line = idle.pop()
            try:
                return await self._over(line, idle, target, whole, body)
            except (OSError, h11.RemoteProtocolError):
                continue  # it was closed while it was idle
        return await self._over(await _connected(url), idle, target, whole, body)

    async def _over(
        self, line: Line, idle: list[Line], target: str, headers: Mapping[str, str], body: bytes
    ) -> int:
        again = False
        try:
            status = await line.post(target, headers, body)
            again = line.ready_again()
        finally:
            if again:
                idle.append(line)
            else:
                line.close()
        return status


async def _connected(url: SplitResult) -> Line:
    secure = url.scheme == "https"
    port = url.port or (443 if secure else 80)
    reader, writer = await asyncio.open_connection(url.hostname, port, ssl=secure or None)
    return Line(reader, writer)
