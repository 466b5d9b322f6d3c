"""Clients of event streams, as many as a process may have sockets, each of one stream."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from types import TracebackType
from typing import Self

_AT_ONCE = 50
_OPEN_S = 120.0


class Listeners:
    """Open streams while the block runs. ``paths``: of each stream, by its number."""

    def __init__(self, port: int, paths: Mapping[int, str]) -> None:
        self._port = port
        self._paths = paths
        self._open: dict[int, Listener] = {}

    async def __aenter__(self) -> Self:
        doors = asyncio.Semaphore(_AT_ONCE)

        async def open_one(number: int, path: str) -> None:
            async with doors, asyncio.timeout(_OPEN_S):
                loop = asyncio.get_running_loop()
                opened = await loop.create_connection(Listener, "127.0.0.1", self._port)
                self._open[number] = listener = opened[1]
                listener.ask(path)
                await listener.begun

        async with asyncio.TaskGroup() as opening:
            for number, path in self._paths.items():
                opening.create_task(open_one(number, path))
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for listener in self._open.values():
            listener.close()

    def next(self, number: int) -> asyncio.Future[float]:
        """When the stream's next event came, by ``perf_counter``."""
        return self._open[number].next()


class Listener(asyncio.Protocol):
    """One stream's client."""

    def __init__(self) -> None:
        loop = asyncio.get_running_loop()
        self.begun: asyncio.Future[None] = loop.create_future()
        self._waiting: list[asyncio.Future[float]] = []
        self._head = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See ``asyncio.Protocol``."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def ask(self, path: str) -> None:
        """Send the request."""
        self._transport.write(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())

    def next(self) -> asyncio.Future[float]:
        """See ``Listeners.next``."""
        waiting: asyncio.Future[float] = asyncio.get_running_loop().create_future()
        self._waiting.append(waiting)
        return waiting

    def data_received(self, data: bytes) -> None:
        """An event is what has an id; the stream has begun with what it says first."""
        at = time.perf_counter()
        if not self.begun.done():
            self._head += data
            if b"event: connected" in self._head:
                if not self._head.startswith(b"HTTP/1.1 200"):
                    self.begun.set_exception(ConnectionError(self._head[:200].decode()))
                else:
                    self.begun.set_result(None)
            return
        for _ in range(data.count(b"\nid: ") + data.startswith(b"id: ") + data.count(b"\r\nid: ")):
            if self._waiting:
                self._waiting.pop(0).set_result(at)

    def connection_lost(self, exc: Exception | None) -> None:
        """See ``asyncio.Protocol``."""
        if not self.begun.done():
            self.begun.set_exception(ConnectionError(self._head[:200].decode("utf-8", "replace")))

    def close(self) -> None:
        """Hear no more."""
        self._transport.close()
