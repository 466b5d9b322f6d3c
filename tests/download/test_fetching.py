"""What is fetched, what is not, and that nothing leaves for what is refused."""

from __future__ import annotations

import asyncio
import gzip
import ssl
import time
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import httpx
import pytest

from staging_core.download import Downloads
from staging_core.errors import (
    OutputGone,
    OutputRefused,
    OutputTooLarge,
    OutputUnavailable,
    StagingError,
)

from .certificate import contexts
from .server import Server, answer, serving

PUBLIC, SECOND = "93.184.216.34", "2606:2800:21f:cb07::1"


class Rerouted(httpx.AsyncBaseTransport):
    """Carries what would go to public addresses to a server here. ``sent``: where it was to go."""

    def __init__(self, server: Server, trusting: object = True, away: Sequence[str] = ()) -> None:
        self.sent: list[str] = []
        self._server, self._away = server, away
        self._inner = httpx.AsyncHTTPTransport(verify=trusting, trust_env=False)  # type: ignore[arg-type]

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.sent.append(request.url.host)
        if request.url.host in self._away:
            raise httpx.ConnectError("unreachable")
        request.url = request.url.copy_with(host="127.0.0.1", port=self._server.port)
        return await self._inner.handle_async_request(request)

    async def aclose(self) -> None:
        await self._inner.aclose()


class Names:
    """A name server that gives its answers one after the other, the last for ever."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self.asked: list[str] = []
        self._answers = answers

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        self.asked.append(host)
        return self._answers[min(len(self.asked), len(self._answers)) - 1]


async def from_here(*parts: bytes, pause_s: float = 0.0, max_bytes: int | None = None) -> bytes:
    """What is fetched from a provider on this machine that answers so."""
    async with serving(*parts, pause_s=pause_s) as server, Downloads(time_limit_s=1) as downloads:
        url = f"http://{server.host}/output.png?sig=s3cret"
        return await downloads.fetch(url, hosts=[server.host], max_bytes=max_bytes)


# --- what comes ---------------------------------------------------------------------------------


def test_the_bytes_come_as_they_are() -> None:
    body = bytes(range(256)) * 4096
    assert asyncio.run(from_here(answer(body))) == body
    assert asyncio.run(from_here(answer(b""))) == b""


def test_an_answer_of_unknown_length_comes_too() -> None:
    chunked = (
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
    )
    assert asyncio.run(from_here(chunked)) == b"abcde"
    assert asyncio.run(from_here(b"HTTP/1.1 200 OK\r\n\r\n", b"to the end")) == b"to the end"


def test_the_request_is_bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login me password s3cret\n")
    monkeypatch.setenv("NETRC", str(netrc))
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")

    async def scenario() -> list[str]:
        async with serving(answer(set_cookie="a=b")) as server, Downloads() as downloads:
            for _ in range(2):
                await downloads.fetch(f"http://{server.host}/o?s=1#part", hosts=[server.host])
            return [request.replace(str(server.port), "PORT") for request in server.requests]

    assert (
        asyncio.run(scenario())
        == [
            "GET /o?s=1 HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\n"
            "Accept: image/png, image/webp, image/jpeg, */*;q=0.1\r\nAccept-Encoding: identity\r\n"
            "Connection: close\r\nUser-Agent: staging-core\r\n\r\n"
        ]
        * 2
    )


def test_a_name_is_fetched_by_tls_from_the_address_that_was_checked(tmp_path: Path) -> None:
    server_side, trusting = contexts("files.example", tmp_path)

    async def scenario() -> None:
        async with serving(answer(b"deep"), tls=server_side) as server:
            rerouted, names = Rerouted(server, trusting), Names([PUBLIC])
            async with Downloads(resolve=names, transport=rerouted) as downloads:
                url = "https://files.example/out.png?sig=1"
                assert await downloads.fetch(url, hosts=["files.example"]) == b"deep"
            assert (names.asked, rerouted.sent) == (["files.example"], [PUBLIC])
            assert "Host: files.example\r\n" in server.requests[0]

    asyncio.run(scenario())


def test_a_certificate_of_another_name_is_not_accepted(tmp_path: Path) -> None:
    server_side, trusting = contexts("other.example", tmp_path)

    async def scenario() -> None:
        async with serving(answer(), tls=server_side) as server:
            rerouted = Rerouted(server, trusting)
            async with Downloads(resolve=Names([PUBLIC]), transport=rerouted) as downloads:
                with pytest.raises(OutputUnavailable, match=r"files\.example"):
                    await downloads.fetch("https://files.example/", hosts=["files.example"])
            assert not server.requests

    asyncio.run(scenario())


def test_the_next_address_is_tried_when_one_cannot_be_connected(tmp_path: Path) -> None:
    server_side, trusting = contexts("files.example", tmp_path)

    async def scenario() -> None:
        async with serving(answer(b"deep"), tls=server_side) as server:
            rerouted = Rerouted(server, trusting, away=[SECOND])
            names = Names([SECOND, PUBLIC])
            async with Downloads(resolve=names, transport=rerouted) as downloads:
                fetched = await downloads.fetch("https://files.example/", hosts=["files.example"])
            assert (fetched, rerouted.sent) == (b"deep", [SECOND, PUBLIC])

    asyncio.run(scenario())


@pytest.mark.parametrize("address", ["10.0.0.8", "127.0.0.1", "fd12::8", PUBLIC])
def test_a_host_of_the_operators_own_is_connected_where_its_name_leads(address: str) -> None:
    async def scenario() -> None:
        async with serving(answer(b"ours")) as server:
            names, rerouted = Names([address], ["169.254.169.254"]), Rerouted(server)
            async with Downloads(resolve=names, transport=rerouted) as downloads:
                url = "http://double.internal:9000/out.png"
                assert await downloads.fetch(url, hosts=["http://double.internal"]) == b"ours"
            assert (names.asked, rerouted.sent) == (["double.internal"], [address])
            assert "Host: double.internal:9000\r\n" in server.requests[0]

    asyncio.run(scenario())


# --- what is refused ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "addresses",
    [["169.254.169.254"], ["10.0.0.8", "fd00:ec2::254"], ["100.100.100.200"], ["0.0.0.0"]],  # noqa: S104
)
def test_nothing_leaves_for_metadata_whatever_the_operator_named(addresses: list[str]) -> None:
    async def scenario() -> None:
        async with serving(answer()) as server:
            rerouted = Rerouted(server)
            async with Downloads(resolve=Names(addresses), transport=rerouted) as downloads:
                with pytest.raises(OutputRefused, match="not public"):
                    await downloads.fetch("http://a.internal/", hosts=["http://a.internal"])
            assert (rerouted.sent, server.connections) == ([], 0)

    asyncio.run(scenario())


def test_a_host_of_the_operators_own_is_followed_nowhere_either() -> None:
    async def scenario() -> None:
        async with serving(answer()) as inside:
            redirect = answer(b"", "302 Found", location=f"http://{inside.host}/")
            async with serving(redirect) as server, Downloads() as downloads:
                with pytest.raises(OutputRefused, match="redirect"):
                    await downloads.fetch(f"http://{server.host}/", hosts=["http://127.0.0.1"])
            assert inside.connections == 0

    asyncio.run(scenario())


@pytest.mark.parametrize(
    "addresses",
    [
        ["127.0.0.1"],
        ["10.0.0.8"],
        ["169.254.169.254"],
        ["::1"],
        ["::ffff:127.0.0.1"],
        ["64:ff9b::a9fe:a9fe"],
        ["2002:7f00:1::1"],
        ["fd00:ec2::254"],
        ["fe80::1%eth0"],
        [PUBLIC, "127.0.0.1"],
        [PUBLIC, SECOND, "10.1.2.3"],
    ],
)
def test_nothing_leaves_for_a_name_with_an_address_that_is_not_public(
    addresses: list[str],
) -> None:
    async def scenario() -> None:
        async with serving(answer()) as server:
            rerouted, hosts = Rerouted(server), [f"files.example:{server.port}"]
            async with Downloads(resolve=Names(addresses), transport=rerouted) as downloads:
                with pytest.raises(OutputRefused, match="not public"):
                    await downloads.fetch(f"https://files.example:{server.port}/", hosts=hosts)
            assert (rerouted.sent, server.connections) == ([], 0)

    asyncio.run(scenario())


def test_the_systems_own_resolution_is_checked_as_well() -> None:
    """``localhost.localdomain`` and bare numbers are this machine to many a resolver."""

    async def scenario() -> None:
        async with serving(answer()) as server, Downloads() as downloads:
            for name in ("2130706433", "0x7f.1", "127.1"):
                hosts = [f"{name}:{server.port}"]
                with pytest.raises((OutputRefused, OutputUnavailable)):
                    await downloads.fetch(f"https://{name}:{server.port}/", hosts=hosts)
            assert server.connections == 0

    asyncio.run(scenario())


def test_a_name_that_changes_its_answer_is_asked_only_once(tmp_path: Path) -> None:
    server_side, trusting = contexts("files.example", tmp_path)

    async def scenario() -> None:
        async with serving(answer(b"deep"), tls=server_side) as server:
            rerouted, names = Rerouted(server, trusting), Names([PUBLIC], ["127.0.0.1"])
            async with Downloads(resolve=names, transport=rerouted) as downloads:
                url = "https://files.example/"
                assert await downloads.fetch(url, hosts=["files.example"]) == b"deep"
                with pytest.raises(OutputRefused):
                    await downloads.fetch(url, hosts=["files.example"])
            assert (len(names.asked), rerouted.sent) == (2, [PUBLIC])

    asyncio.run(scenario())


def test_a_host_that_is_not_listed_is_neither_asked_for_nor_connected() -> None:
    async def scenario() -> None:
        async with serving(answer()) as server:
            names, rerouted = Names([PUBLIC]), Rerouted(server)
            async with Downloads(resolve=names, transport=rerouted) as downloads:
                for url in (f"http://{server.host}/", "https://evil.example/", "http://a.example/"):
                    with pytest.raises(OutputRefused):
                        await downloads.fetch(url, hosts=["files.example", "a.example"])
            assert (names.asked, rerouted.sent, server.connections) == ([], [], 0)

    asyncio.run(scenario())


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "303 See", "307 T", "308 P"])
def test_a_redirect_is_refused_and_nobody_goes_there(status: str) -> None:
    async def scenario() -> None:
        async with serving(answer()) as inside:
            redirect = answer(b"", status, location=f"http://{inside.host}/")
            with pytest.raises(OutputRefused, match="redirect"):
                await from_here(redirect)
            assert inside.connections == 0

    asyncio.run(scenario())


def test_packed_content_is_refused_unopened() -> None:
    bomb = gzip.compress(bytes(10_000_000))
    with pytest.raises(OutputRefused, match="packed"):
        asyncio.run(from_here(answer(bomb, content_encoding="gzip")))


# --- what is too large, too slow, or not there ----------------------------------------------------


def test_the_limit_is_the_last_byte_that_may_come() -> None:
    assert asyncio.run(from_here(answer(bytes(1000)), max_bytes=1000)) == bytes(1000)
    with pytest.raises(OutputTooLarge):
        asyncio.run(from_here(answer(bytes(1001)), max_bytes=1000))


def test_bytes_are_counted_whatever_was_announced() -> None:
    """An announced size is refused unread; an unannounced one as soon as it is exceeded."""
    with pytest.raises(OutputTooLarge):
        asyncio.run(from_here(answer(b"", content_length="99999999999")))
    endless = b"HTTP/1.1 200 OK\r\n\r\n", *[bytes(1 << 16)] * 1000
    with pytest.raises(OutputTooLarge):
        asyncio.run(from_here(*endless, max_bytes=1 << 18))


def test_a_callers_limit_only_narrows() -> None:
    async def scenario() -> None:
        async with serving(answer(bytes(2000))) as server, Downloads(max_bytes=1000) as downloads:
            with pytest.raises(OutputTooLarge):
                await downloads.fetch(f"http://{server.host}/", hosts=[server.host], max_bytes=5000)

    asyncio.run(scenario())


def test_a_body_that_ends_early_is_no_output() -> None:
    with pytest.raises(OutputUnavailable):
        asyncio.run(from_here(answer(b"half", content_length="8")))


@pytest.mark.parametrize("rubbish", [b"SSH-2.0-OpenSSH\r\n", b"\x00" * 200_000, b""])
def test_what_is_not_http_is_no_output(rubbish: bytes) -> None:
    with pytest.raises(OutputUnavailable):
        asyncio.run(from_here(rubbish))


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        ("403 Forbidden", OutputGone),
        ("404 Not Found", OutputGone),
        ("410 Gone", OutputGone),
        ("429 Slow Down", OutputUnavailable),
        ("500 Oops", OutputUnavailable),
        ("206 Partial", OutputUnavailable),
    ],
)
def test_another_status_is_no_output_and_its_body_is_not_shown(
    status: str, kind: type[OutputUnavailable]
) -> None:
    with pytest.raises(OutputUnavailable, match=status[:3]) as failed:
        asyncio.run(from_here(answer(b"driver text", status)))
    assert type(failed.value) is kind
    assert "driver" not in str(failed.value)
    assert "s3cret" not in str(failed.value)


def test_drop_by_drop_ends_at_the_time_limit() -> None:
    began = time.monotonic()
    with pytest.raises(OutputUnavailable, match="longer than 1 s"):
        asyncio.run(from_here(answer(b"", content_length="100"), *[b"."] * 100, pause_s=0.1))
    assert time.monotonic() - began < 5


def test_a_name_without_an_address_and_a_closed_port_are_told_apart_by_their_message() -> None:
    async def nowhere(host: str, port: int) -> Sequence[str]:
        raise OSError("Name or service not known")

    async def scenario() -> None:
        async with Downloads(resolve=nowhere) as downloads:
            with pytest.raises(OutputUnavailable, match="cannot be resolved"):
                await downloads.fetch("https://files.example/", hosts=["files.example"])
        async with serving() as server:
            pass
        async with Downloads() as downloads:
            with pytest.raises(OutputUnavailable, match="ConnectError"):
                await downloads.fetch(f"http://{server.host}/", hosts=[server.host])

    asyncio.run(scenario())


@pytest.mark.parametrize("error", [ssl.SSLError("bad record mac"), httpx.ReadError("reset")])
def test_a_connection_that_breaks_within_the_body_is_no_output(error: Exception) -> None:
    async def breaking() -> AsyncIterator[bytes]:
        yield b"half"
        raise error

    async def scenario() -> None:
        transport = httpx.MockTransport(lambda request: httpx.Response(200, content=breaking()))
        async with Downloads(resolve=Names([PUBLIC]), transport=transport) as downloads:
            with pytest.raises(OutputUnavailable):
                await downloads.fetch("https://files.example/", hosts=["files.example"])

    asyncio.run(scenario())


def test_closing_ends_what_is_still_being_fetched() -> None:
    async def scenario() -> None:
        async with serving(answer(b"", content_length="9"), b"late", pause_s=5) as server:
            async with Downloads() as downloads, asyncio.timeout(10):
                url = f"http://{server.host}/"
                running = asyncio.create_task(downloads.fetch(url, hosts=[server.host]))
                while not server.requests:  # noqa: ASYNC110
                    await asyncio.sleep(0.01)
            with pytest.raises(OutputUnavailable):
                await running

    asyncio.run(scenario())


def test_closed_downloads_fetch_nothing() -> None:
    async def scenario() -> None:
        async with Downloads() as downloads:
            pass
        with pytest.raises(StagingError, match="closed"):
            await downloads.fetch("http://127.0.0.1:9/", hosts=["127.0.0.1:9"])

    asyncio.run(scenario())
