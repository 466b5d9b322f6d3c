"""A client of one event stream that is cut off again and again, and comes back where it was."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing, suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

_COMES_BACK_S = 0.2


@dataclass
class StreamClient:
    """What one client was told.

    ``begin``: the position after which it was told everything; None before it was connected.
    ``told``: position, image and number of each event, in the order they came; snapshots are none.
    ``last``: what it resumes from, the id of the last message that had one. ``hints``: how often
    the server told it when to come back. ``refused``: answers that were no stream.
    """

    token: str
    query: Mapping[str, str]
    begin: int | None = None
    last: str | None = None
    told: list[tuple[int, str, int]] = field(default_factory=list)
    connections: int = 0
    hints: int = 0
    refused: list[str] = field(default_factory=list)

    async def follow(self, port: int, dice: random.Random, *, cut_s: float) -> None:
        """Until cancelled; cut off about ``cut_s`` seconds after each time it was connected."""
        while True:
            with suppress(OSError, asyncio.IncompleteReadError, TimeoutError):
                await self._connection(port, dice.uniform(0.5, 1.5) * cut_s)
            await asyncio.sleep(dice.uniform(0, _COMES_BACK_S))

    async def _connection(self, port: int, cut_s: float) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            writer.write(self._request())
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            if not head.startswith("HTTP/1.1 200 "):
                self.refused.append(head.partition("\r\n")[0])
                return
            async with asyncio.timeout(cut_s), aclosing(_messages(reader)) as messages:
                async for message in messages:
                    self._hear(message)
        finally:
            writer.transport.abort()  # nobody says goodbye

    def _request(self) -> bytes:
        lines = [
            f"GET /api/v1/events?{urlencode(self.query)} HTTP/1.1",
            "Host: localhost",
            f"Authorization: Bearer {self.token}",
        ]
        if self.last is not None:
            lines.append(f"Last-Event-ID: {self.last}")
        return "\r\n".join([*lines, "\r\n"]).encode()

    def _hear(self, message: Mapping[str, str]) -> None:
        if "retry" in message:
            self.hints += 1
        if message.get("event") == "connected":
            self.connections += 1
            if self.begin is None:
                self.last = json.loads(message["data"])["position"]
                self.begin = int(self.last)
        if message.get("event") == "job_update":
            self.last = message["id"]
            data: dict[str, Any] = json.loads(message["data"])
            if not data.get("snapshot"):
                self.told.append((int(self.last), data["image_id"], data["seq"]))


async def _messages(reader: asyncio.StreamReader) -> AsyncIterator[Mapping[str, str]]:
    """Fields of each message that came whole; what was cut off in the middle is none."""
    rest = b""
    async with aclosing(_chunks(reader)) as chunks:
        async for chunk in chunks:
            *whole, rest = (rest + chunk).split(b"\n\n")
            for message in whole:
                parts = (line.partition(": ") for line in message.decode().splitlines())
                yield {name: value for name, _, value in parts}


async def _chunks(reader: asyncio.StreamReader) -> AsyncIterator[bytes]:
    """RFC 9112, section 7.1."""
    while size := int(await reader.readuntil(b"\r\n"), 16):
        yield (await reader.readexactly(size + 2))[:-2]
