"""The proxy forwards, and does each harm that it is told to do."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager, suppress
from typing import Any

import httpx
import pytest

from staging_core.testing.replicate import RunningReplicate
from staging_core.testing.tcp_proxy import TcpProxy, running_proxy

PATIENCE_S = 10.0


def run(test: Coroutine[Any, Any, None]) -> None:
    """Run a test that is async, for a while at most."""

    async def bounded() -> None:
        async with asyncio.timeout(PATIENCE_S):
            await test

    asyncio.run(bounded())


class Echo:
    """A server that gives back each line; ``heard`` is what arrived."""

    def __init__(self) -> None:
        self.heard: list[bytes] = []
        self.ended = asyncio.Event()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while line := await reader.readline():
                self.heard.append(line)
                writer.write(line)
                await writer.drain()
        self.ended.set()
        writer.close()


@asynccontextmanager
async def echo_behind_proxy() -> AsyncIterator[tuple[Echo, TcpProxy]]:
    """A proxy in front of an echo."""
    echo = Echo()
    server = await asyncio.start_server(echo.serve, "127.0.0.1", 0)
    try:
        async with TcpProxy("127.0.0.1", server.sockets[0].getsockname()[1]) as proxy:
            yield echo, proxy
    finally:
        server.close()


class Client:
    """One connection through a proxy."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def say(self, line: bytes = b"hello\n") -> bytes:
        """What comes back for a line."""
        self.writer.write(line)
        return await self.reader.readline()


@asynccontextmanager
async def connected(proxy: TcpProxy) -> AsyncIterator[Client]:
    """A client's connection, closed at the end."""
    reader, writer = await asyncio.open_connection(proxy.host, proxy.port)
    try:
        yield Client(reader, writer)
    finally:
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()


def test_what_is_sent_arrives_both_ways() -> None:
    async def test() -> None:
        async with echo_behind_proxy() as (_, proxy), connected(proxy) as client:
            assert await client.say(b"x" * 60_000 + b"\n") == b"x" * 60_000 + b"\n"
            client.writer.write_eof()
            assert await client.reader.read() == b""
            assert (proxy.connections, proxy.requests) == (1, 1)

    run(test())


def test_cut_resets_what_is_open_and_lets_in_what_is_new() -> None:
    async def test() -> None:
        async with echo_behind_proxy() as (echo, proxy):
            async with connected(proxy) as client:
                await client.say()
                await proxy.cut()
                with pytest.raises(ConnectionResetError):
                    await client.reader.read()
                await echo.ended.wait()
            async with connected(proxy) as client:
                assert await client.say() == b"hello\n"

    run(test())


def test_refused_connections_are_let_in_again_when_healed() -> None:
    async def test() -> None:
        async with echo_behind_proxy() as (_, proxy):
            port = proxy.port
            await proxy.refuse()
            with pytest.raises(ConnectionRefusedError):
                await asyncio.open_connection(proxy.host, port)
            await proxy.heal()
            assert proxy.port == port
            async with connected(proxy) as client:
                assert await client.say() == b"hello\n"

    run(test())


def test_delay_makes_every_answer_late() -> None:
    async def test() -> None:
        async with echo_behind_proxy() as (_, proxy), connected(proxy) as client:
            await proxy.delay(0.1)
            began = time.monotonic()
            await client.say()
            assert time.monotonic() - began >= 0.2

    run(test())


def test_throttle_bounds_the_bytes_of_a_second() -> None:
    async def test() -> None:
        async with echo_behind_proxy() as (_, proxy), connected(proxy) as client:
            await proxy.throttle(100_000)
            began = time.monotonic()
            await client.say(b"x" * 30_000 + b"\n")
            assert time.monotonic() - began >= 0.3

    run(test())


def test_a_blackhole_passes_nothing_until_it_is_healed() -> None:
    async def test() -> None:
        async with echo_behind_proxy() as (echo, proxy), connected(proxy) as client:
            await client.say()
            await proxy.blackhole()
            asked = asyncio.ensure_future(client.say(b"lost?\n"))
            done, _ = await asyncio.wait([asked], timeout=0.1)
            assert not done
            assert echo.heard == [b"hello\n"]
            async with connected(proxy):  # accepted, and not answered
                await proxy.heal()
            assert await asked == b"lost?\n"

    run(test())


def test_the_answer_of_the_nth_request_is_dropped_after_it_arrived() -> None:
    async def test() -> None:
        async with echo_behind_proxy() as (echo, proxy), connected(proxy) as client:
            await client.say(b"one\n")
            await proxy.drop_answer(2)
            assert await client.say(b"two\n") == b"two\n"
            with pytest.raises(ConnectionResetError):
                await client.say(b"three\n")
            assert echo.heard == [b"one\n", b"two\n", b"three\n"]

    run(test())


def test_half_closed_the_client_hears_the_end_and_is_still_heard() -> None:
    async def test() -> None:
        async with echo_behind_proxy() as (echo, proxy), connected(proxy) as client:
            await client.say()
            await proxy.half_close()
            assert await client.reader.read() == b""
            client.writer.write(b"still here\n")
            client.writer.write_eof()
            await echo.ended.wait()
            assert echo.heard[-1] == b"still here\n"

    run(test())


def test_closing_ends_a_connection_that_waits_in_a_blackhole() -> None:
    async def test() -> None:
        async with echo_behind_proxy() as (_, proxy):
            await proxy.blackhole()
            reader, writer = await asyncio.open_connection(proxy.host, proxy.port)
            await asyncio.sleep(0.05)  # it may have been accepted or not: both must end
        with suppress(ConnectionResetError):
            assert await reader.read() == b""
        writer.close()

    run(test())


@pytest.mark.parametrize("order", ["explode", "delay", "delay soon", "throttle 0", ""])
def test_an_unknown_order_is_an_error(order: str) -> None:
    async def test() -> None:
        async with TcpProxy("127.0.0.1", 9) as proxy:
            with pytest.raises(ValueError, match=r"does not know|passes some bytes"):
                await proxy.obey(order)

    run(test())


def test_a_proxy_in_a_thread_serves_code_that_is_not_async(replicate: RunningReplicate) -> None:
    host, _, port = replicate.url.removeprefix("http://").partition(":")
    with running_proxy(host, int(port)) as proxy, httpx.Client(trust_env=False) as client:
        url = f"http://{proxy.host}:{proxy.port}/_truth/counts"
        assert client.get(url).status_code == 200
        proxy.tell("drop_answer")
        with pytest.raises(httpx.ReadError):
            client.get(url)
        assert proxy.requests == 2


def test_a_proxy_is_a_process_that_takes_orders(replicate: RunningReplicate) -> None:
    target = replicate.url.removeprefix("http://")
    command = [sys.executable, "-m", "staging_core.testing.tcp_proxy", "--target", target]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        where = json.loads(process.stdout.readline())
        url = f"http://{where['host']}:{where['port']}/_truth/counts"
        assert httpx.get(url, trust_env=False).status_code == 200
        for order, answer in {"refuse": "done", "explode": "error"}.items():
            process.stdin.write(order + "\n")
            process.stdin.flush()
            assert process.stdout.readline().startswith(answer)
        with pytest.raises(httpx.ConnectError):
            httpx.get(url, trust_env=False)
        process.stdin.close()
        assert process.wait(PATIENCE_S) == 0
