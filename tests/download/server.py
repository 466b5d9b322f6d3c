"""A server that says exactly what a test tells it to, and remembers what it was asked."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field


def answer(body: bytes = b"picture", status: str = "200 OK", **headers: str) -> bytes:
    """A whole HTTP answer; a header's ``_`` stands for ``-``."""
    told = {"content_length": str(len(body)), **headers}
    lines = [f"{name.replace('_', '-')}: {value}" for name, value in told.items()]
    return "\r\n".join([f"HTTP/1.1 {status}", *lines, "", ""]).encode() + body


@dataclass
class Server:
    """``requests``: the heads that came. ``connections``: how many there were, silent ones too."""

    port: int
    connections: int = 0
    requests: list[str] = field(default_factory=list)

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"


@asynccontextmanager
async def serving(
    *parts: bytes, pause_s: float = 0.0, tls: ssl.SSLContext | None = None
) -> AsyncIterator[Server]:
    """Answers every request with ``parts``, with a pause before each but the first."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server.connections += 1
        open_here.append((asyncio.current_task(), writer))
        with suppress(OSError, asyncio.IncompleteReadError):
            head = await reader.readuntil(b"\r\n\r\n")
            server.requests.append(head.decode())
            for n, part in enumerate(parts):
                if n:
                    await asyncio.sleep(pause_s)
                writer.write(part)
                await writer.drain()
        writer.close()

    open_here: list[tuple[asyncio.Task[None] | None, asyncio.StreamWriter]] = []
    listening = await asyncio.start_server(talk, "127.0.0.1", 0, ssl=tls)
    server = Server(listening.sockets[0].getsockname()[1])
    try:
        yield server
    finally:
        listening.close()
        for task, writer in open_here:
            if task is not None:
                task.cancel()
            writer.transport.abort()
        await asyncio.sleep(0)
