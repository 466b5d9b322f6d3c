"""Whoever is refused before the end of what they send sees why, and is not heard for ever."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import httpx
import pytest

from .house import API, as_own, house, listening

BODIES = {
    "announced": "Content-Length: {size}",
    "in chunks": "Transfer-Encoding: chunked",
}


WHY = {"token-of-own": b"validation_failed", "of-nobody": b"unauthorized"}


def head(how: str, size: int, token: str) -> bytes:
    lines = (
        f"POST {API}/uploads?filename=room.exe HTTP/1.1",
        "Host: localhost",
        f"Authorization: Bearer {token}",
        "Content-Type: image/png",
        BODIES[how].format(size=size),
    )
    return "\r\n".join([*lines, "", ""]).encode()


@pytest.mark.parametrize("token", WHY)
@pytest.mark.parametrize("how", BODIES)
def test_a_client_that_reads_only_when_it_has_sent_all_sees_why(
    tmp_path: Path, how: str, token: str
) -> None:
    async def scenario() -> None:
        async with house(tmp_path) as (_, client):
            served = client._transport.app  # type: ignore[attr-defined]
            async with listening(served) as url:
                port = httpx.URL(url).port
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
                size = 1 << 20
                writer.write(head(how, size, token))
                for _ in range(size >> 16):
                    piece = bytes(1 << 16)
                    writer.write(piece if how == "announced" else b"10000\r\n" + piece + b"\r\n")
                    await writer.drain()
                    await asyncio.sleep(0.01)
                writer.write(b"" if how == "announced" else b"0\r\n\r\n")
                async with asyncio.timeout(10):
                    answer = await reader.readuntil(b"}")
                assert answer.startswith(b"HTTP/1.1 4")
                assert WHY[token] in answer
                writer.close()

    asyncio.run(scenario())


def test_a_client_that_never_ends_is_left_after_a_moment(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with house(tmp_path) as (_, client):
            served = client._transport.app  # type: ignore[attr-defined]
            async with listening(served) as url:
                port = httpx.URL(url).port
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
                began = time.monotonic()
                writer.write(head("in chunks", 0, "token-of-own"))
                async with asyncio.timeout(10):
                    assert b"validation_failed" in await reader.read()  # until it is closed
                assert 1 < time.monotonic() - began < 8
                writer.close()
            answer = await client.get(f"{API}/projects", headers=as_own())
            assert answer.status_code == 200

    asyncio.run(scenario())
