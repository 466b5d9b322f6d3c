"""A TCP proxy that does harm on request: cuts, refuses, delays, throttles, swallows, drops answers.

Put it between a program and PostgreSQL, Redis, a provider or S3. In a test, ``async with
TcpProxy(host, port) as proxy``, or ``with running_proxy(host, port) as proxy`` in sync code. As a
process, ``python -m staging_core.testing.tcp_proxy --target HOST:PORT`` takes an order a line on
standard input. It sees bytes, not packets: order is kept and nothing is corrupted.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import socket
import struct
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType

_PIECE = 65536
# A throttled direction passes so many pieces a second.
_PIECES_A_SECOND = 20
# For SO_LINGER: on, for no time.
_AT_ONCE = struct.pack("ii", 1, 0)


class TcpProxy:
    """Forwards ``port`` on loopback to ``target_host:target_port``.

    ``port`` 0 is any free one, and stays the same when connections are refused for a while.
    ``connections``, ``requests``: how many there were. A request begins with the first bytes of a
    client after an answer, so that one of HTTP, of Redis or of PostgreSQL is one.
    """

    def __init__(self, target_host: str, target_port: int, *, port: int = 0) -> None:
        self._target = (target_host, target_port)
        self._wanted = port
        self._server: asyncio.Server | None = None
        self._links: set[_Link] = set()
        self.port = port
        self.host = "127.0.0.1"
        self.connections = 0
        self.requests = 0
        self.flowing = asyncio.Event()
        self.flowing.set()
        self.delay_s = 0.0
        self.bytes_per_s: float | None = None
        self._doomed: set[int] = set()

    async def __aenter__(self) -> TcpProxy:
        """Listen."""
        await self._listen()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Cut everything and stop."""
        await self.refuse()
        await asyncio.gather(*(link.ended() for link in list(self._links)))

    # --- the harm -------------------------------------------------------------------------------

    async def cut(self) -> None:
        """Reset every open connection; new ones are accepted."""
        for link in list(self._links):
            link.cut()

    async def refuse(self) -> None:
        """Reset every open connection and refuse new ones."""
        if self._server is not None:
            self._server.close()
            self._server = None
        await self.cut()

    async def blackhole(self) -> None:
        """Accept everything and pass on nothing; ``heal`` lets flow what was kept."""
        self.flowing.clear()

    async def half_close(self) -> None:
        """Tell every client that the server has ended its side; the clients may go on sending."""
        for link in list(self._links):
            link.half_close()

    async def delay(self, seconds: float) -> None:
        """Every piece arrives so much later, in both directions."""
        self.delay_s = seconds

    async def throttle(self, bytes_per_s: float) -> None:
        """Pass so many bytes a second in each direction of each connection."""
        if bytes_per_s <= 0:
            raise ValueError(f"A throttle passes some bytes a second, not {bytes_per_s}.")
        self.bytes_per_s = bytes_per_s

    async def drop_answer(self, request: int = 1) -> None:
        """Of the n-th request from now: it arrives, its answer does not, and the line is cut."""
        self._doomed.add(self.requests + request)

    async def heal(self) -> None:
        """No harm from now on; connections that are cut stay cut."""
        self.delay_s, self.bytes_per_s = 0.0, None
        self._doomed.clear()
        self.flowing.set()
        if self._server is None:
            await self._listen()

    async def obey(self, order: str) -> None:
        """One of the above as a line, such as ``delay 0.5``; ``ValueError`` for anything else."""
        name, *words = order.split() or [""]
        try:
            numbers = [float(word) for word in words]
        except ValueError as error:
            raise _unknown(order) from error
        match name, numbers:
            case "cut", []:
                await self.cut()
            case "refuse", []:
                await self.refuse()
            case "blackhole", []:
                await self.blackhole()
            case "half_close", []:
                await self.half_close()
            case "delay", [seconds]:
                await self.delay(seconds)
            case "throttle", [bytes_per_s]:
                await self.throttle(bytes_per_s)
            case "drop_answer", [request]:
                await self.drop_answer(int(request))
            case "drop_answer", []:
                await self.drop_answer()
            case "heal", []:
                await self.heal()
            case _:
                raise _unknown(order)

    # --- inside ---------------------------------------------------------------------------------

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._connected, self.host, self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        link = _Link(self, reader, writer)
        self._links.add(link)
        try:
            await link.run(*self._target)
        finally:
            self._links.discard(link)

    def begin_request(self) -> bool:
        """Count a request; whether its answer is to be dropped."""
        self.requests += 1
        return self.requests in self._doomed


def _unknown(order: str) -> ValueError:
    return ValueError(f"The proxy does not know the order {order!r}.")


class _Link:
    """One client's connection with the one that was opened for it."""

    def __init__(
        self, proxy: TcpProxy, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._proxy = proxy
        self._client = (reader, writer)
        self._writers = [writer]
        self._answered, self._doomed, self._deaf = True, False, False
        self._work: asyncio.Task[None] | None = None
        self._end = asyncio.Event()

    async def run(self, host: str, port: int) -> None:
        """Forward both ways until both sides have ended, or it is cut."""
        self._work = asyncio.ensure_future(self._forward(host, port))
        try:
            await asyncio.wait([self._work])
        finally:
            self._work.cancel()
            for writer in self._writers:
                writer.close()
            self._end.set()

    async def _forward(self, host: str, port: int) -> None:
        await self._proxy.flowing.wait()
        try:
            reader, writer = await asyncio.open_connection(host, port)
            self._writers.append(writer)
            async with asyncio.TaskGroup() as pumps:
                client = self._client
                pumps.create_task(self._pump(client[0], writer, towards_server=True))
                pumps.create_task(self._pump(reader, client[1], towards_server=False))
        except* OSError:
            self._reset()

    async def ended(self) -> None:
        """Wait until nothing of it runs."""
        await self._end.wait()

    def cut(self) -> None:
        """Reset both connections."""
        if self._work is not None:
            self._work.cancel()
        self._reset()

    def _reset(self) -> None:
        for writer in self._writers:
            if (taken := writer.get_extra_info("socket")) is not None and taken.fileno() >= 0:
                # Closing resets the connection instead of ending it.
                taken.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
            writer.transport.abort()

    def half_close(self) -> None:
        """End the direction towards the client."""
        self._deaf = True
        if self._client[1].can_write_eof():
            self._client[1].write_eof()

    async def _pump(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, towards_server: bool
    ) -> None:
        while piece := await reader.read(self._most()):
            await self._harm(len(piece))
            if towards_server:
                self._request()
            elif self._doomed:
                raise ConnectionAbortedError("the answer is dropped")
            else:
                self._answered = True
                if self._deaf:
                    continue
            writer.write(piece)
            await writer.drain()
        if writer.can_write_eof() and not (self._deaf and not towards_server):
            writer.write_eof()

    def _request(self) -> None:
        if self._answered:
            self._answered = False
            self._doomed = self._proxy.begin_request()

    def _most(self) -> int:
        rate = self._proxy.bytes_per_s
        return _PIECE if rate is None else max(1, int(rate / _PIECES_A_SECOND))

    async def _harm(self, size: int) -> None:
        if self._proxy.delay_s:
            await asyncio.sleep(self._proxy.delay_s)
        if self._proxy.bytes_per_s:
            await asyncio.sleep(size / self._proxy.bytes_per_s)
        await self._proxy.flowing.wait()


class RunningProxy:
    """A proxy in a thread of its own, for code that is not async."""

    def __init__(self, proxy: TcpProxy, loop: asyncio.AbstractEventLoop) -> None:
        self._proxy, self._loop = proxy, loop
        self.host, self.port = proxy.host, proxy.port

    @property
    def requests(self) -> int:
        """How many requests there were."""
        return self._proxy.requests

    def tell(self, order: str) -> None:
        """Give an order, as ``TcpProxy.obey`` takes it, and wait until it is carried out."""
        asyncio.run_coroutine_threadsafe(self._proxy.obey(order), self._loop).result(10)


@contextmanager
def running_proxy(target_host: str, target_port: int) -> Iterator[RunningProxy]:
    """A proxy on a free port, in a thread of this process."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="tcp-proxy")
    thread.start()

    async def opened() -> TcpProxy:
        return await TcpProxy(target_host, target_port).__aenter__()

    try:
        proxy = asyncio.run_coroutine_threadsafe(opened(), loop).result(10)
        try:
            yield RunningProxy(proxy, loop)
        finally:
            closing = proxy.__aexit__(None, None, None)
            asyncio.run_coroutine_threadsafe(closing, loop).result(10)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def _serve(host: str, port: int, own_port: int) -> None:
    """Say where it listens, then obey standard input until it ends."""
    async with TcpProxy(host, port, port=own_port) as proxy:
        print(json.dumps({"host": proxy.host, "port": proxy.port}), flush=True)
        while order := await asyncio.to_thread(sys.stdin.readline):
            try:
                await proxy.obey(order)
                print("done", flush=True)
            except ValueError as error:
                print(f"error: {error}", flush=True)


def main(arguments: list[str] | None = None) -> None:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m staging_core.testing.tcp_proxy",
        description="Forwards a port of loopback, and harms as told on standard input: cut, "
        "refuse, blackhole, half_close, delay S, throttle BYTES_PER_S, drop_answer [N], heal.",
    )
    parser.add_argument("--target", required=True, metavar="HOST:PORT")
    parser.add_argument("--port", type=int, default=0, help="0: any free one (default)")
    asked = parser.parse_args(arguments)
    host, _, port = asked.target.rpartition(":")
    asyncio.run(_serve(host, int(port), asked.port))


if __name__ == "__main__":
    main()
