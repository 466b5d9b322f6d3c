"""A photo is fetched once from a public address; no address leads into our own network."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import httpx
import pytest

from staging_core import OWNER, Acting, Staging
from staging_core.acting import Uploads
from staging_core.download import Downloads
from staging_core.errors import (
    PictureTooLarge,
    PictureUnsupported,
    SourceRefused,
    SourceUnavailable,
    StagingError,
    ValidationFailed,
)
from staging_core.testing.inner_addresses import (
    CROOKED,
    LOOPBACK,
    METADATA,
    NAMES,
    PRIVATE,
    PUBLIC,
    Listener,
    resolve,
)

from .conftest import Install
from .pictures import photo

URL = "https://files.example/photos/room%201.jpg?sig=s3cret"


@dataclass
class Web(httpx.AsyncBaseTransport):
    """What is sent where, and what comes back."""

    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    pause_s: float = 0.0
    sent: list[httpx.Request] = field(default_factory=list)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.sent.append(request)

        async def chunks() -> AsyncIterator[bytes]:
            for start in range(0, len(self.body), 1000):
                await asyncio.sleep(self.pause_s)
                yield self.body[start : start + 1000]

        return httpx.Response(self.status, headers=self.headers, content=chunks())


@asynccontextmanager
async def surfing(
    staging: Staging, transport: httpx.AsyncBaseTransport | None, **limits: Any
) -> AsyncIterator[Uploads]:
    """Uploads of an installation whose way out is the test's."""
    async with Downloads(resolve=resolve, transport=transport, **limits) as downloads:
        yield Uploads(replace(staging.ports, downloads=downloads), OWNER)


async def objects(staging: Staging) -> set[str]:
    return {entry.key async for entry in staging.ports.storage.entries("")}


@pytest.mark.parametrize("database", ["sqlite", "postgresql"], indirect=True)
def test_a_photo_is_fetched_once_with_the_callers_headers_and_staged(install: Install) -> None:
    async def scenario() -> None:
        web = Web(photo(1), headers={"content-type": "text/html"})
        async with install() as staging, surfing(staging, web) as uploads:
            upload = await uploads.from_url(URL, {"Authorization": "Bearer t0ken", "X-A": "1"})
            (request,) = web.sent
            assert request.url.host == PUBLIC
            assert request.extensions["sni_hostname"] == "files.example"
            assert request.headers["host"] == "files.example"
            assert request.headers["authorization"] == "Bearer t0ken"
            assert (upload.filename, upload.content_type) == ("room 1.jpg", "image/jpeg")
            assert upload.complete
            me: Acting = staging.acting_as(OWNER)
            group = await me.images.submit(upload_id=upload.id, room="bedroom", style="modern")
            assert await me.images.read(group.images[0].id, "original") == photo(1)

    asyncio.run(scenario())


def test_a_photo_is_named_by_its_kind_where_its_address_names_none(install: Install) -> None:
    async def scenario() -> None:
        async with install() as staging, surfing(staging, Web(photo(1, "PNG"))) as uploads:
            for url in ("https://files.example/room.jpg", "https://files.example/"):
                assert (await uploads.from_url(url)).filename == "photo.png"

    asyncio.run(scenario())


ANSWERS: list[tuple[dict[str, Any], type[StagingError]]] = [
    *[
        ({"status": status, "headers": {"location": "https://inside.example/"}}, SourceRefused)
        for status in (301, 302, 303, 307, 308)
    ],
    ({"status": 404}, SourceUnavailable),
    ({"status": 401}, SourceUnavailable),
    ({"status": 206, "body": photo(1)}, SourceUnavailable),
    ({"status": 500}, SourceUnavailable),
    ({"body": b"<html>please sign in</html>"}, PictureUnsupported),
    ({"body": photo(1), "headers": {"content-encoding": "gzip"}}, SourceRefused),
    ({"headers": {"content-length": "900000"}}, PictureTooLarge),
    ({"body": photo(1) + bytes(600_000)}, PictureTooLarge),
    ({"body": photo(1, width=800), "pause_s": 0.2}, SourceUnavailable),
]


@pytest.mark.parametrize(("answer", "error"), ANSWERS)
def test_an_answer_that_is_no_photo_is_refused_and_nothing_stays(
    install: Install, answer: dict[str, Any], error: type[StagingError]
) -> None:
    async def scenario() -> None:
        web = Web(**answer)
        async with (
            install(max_bytes=500_000) as staging,
            surfing(staging, web, time_limit_s=0.5) as uploads,
        ):
            with pytest.raises(error) as caught:
                await uploads.from_url(URL)
            assert "s3cret" not in str(caught.value) + caught.value.remedy
            assert len(web.sent) == 1
            await staging.sweep()
            assert await objects(staging) == set()

    asyncio.run(scenario())


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "inside.example"},
        {"host": "inside.example"},
        {"Content-Length": "0"},
        {"Transfer-Encoding": "chunked"},
        {"Connection": "keep-alive"},
        {"Range": "bytes=0-"},
        {"X-A": "1\r\nHost: inside.example"},
        {"X-A\r\nHost": "inside.example"},
        {"": "1"},
        {"X A": "1"},
        {"X-Ä": "1"},
        {"X-A": "ä"},
        {"X-A": 1},
        {f"X-{number}": "1" for number in range(21)},
    ],
)
def test_headers_that_are_not_the_callers_to_send_are_refused(
    install: Install, headers: dict[str, Any]
) -> None:
    async def scenario() -> None:
        web = Web(photo(1))
        async with install() as staging, surfing(staging, web) as uploads:
            with pytest.raises(ValidationFailed):
                await uploads.from_url(URL, headers)
            assert web.sent == []

    asyncio.run(scenario())


def test_there_are_enough_forms() -> None:
    forms = {*LOOPBACK, *PRIVATE, *METADATA, *NAMES, *CROOKED}
    assert len(forms) >= 150


def test_no_form_of_an_address_of_ours_is_connected(install: Install) -> None:
    """By httpx's own transport, with a listener on this machine that nobody may reach."""

    async def scenario() -> None:
        listener = Listener()
        async with (
            install() as staging,
            surfing(staging, None, time_limit_s=5) as uploads,
            listener.waiting() as port,
        ):
            for host in (*LOOPBACK, *PRIVATE, *METADATA, *NAMES):
                with pytest.raises((SourceRefused, SourceUnavailable)):
                    pytest.fail(f"{host}: {await uploads.from_url(f'https://{host}:{port}/a.jpg')}")
            assert listener.came == 0
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            await reader.read()
            writer.close()
            assert listener.came == 1, "it would have noticed"
            assert await objects(staging) == set()

    asyncio.run(scenario())


@pytest.mark.parametrize("host", [*LOOPBACK, *PRIVATE, *METADATA, *NAMES])
def test_no_form_of_an_inner_address_is_asked(install: Install, host: str) -> None:
    """Refused before any request, on the port that photos lie on, too."""

    async def scenario() -> None:
        web = Web(photo(1))
        async with install() as staging, surfing(staging, web) as uploads:
            for port in ("", ":443", ":8443"):
                with pytest.raises((SourceRefused, SourceUnavailable)) as caught:
                    await uploads.from_url(f"https://{host}{port}/room.jpg")
                assert caught.value.status == 422
            assert web.sent == []

    asyncio.run(scenario())


@pytest.mark.parametrize("url", CROOKED)
def test_what_is_no_https_address_is_refused_unasked(install: Install, url: str) -> None:
    async def scenario() -> None:
        web = Web(photo(1))
        async with install() as staging, surfing(staging, web) as uploads:
            with pytest.raises((SourceRefused, SourceUnavailable)):
                await uploads.from_url(url)
            assert web.sent == []

    asyncio.run(scenario())


def test_a_name_is_resolved_once_and_the_checked_address_is_connected(install: Install) -> None:
    """Rebinding: a name that answers otherwise the second time is not asked a second time."""
    asked: list[str] = []

    async def turning(host: str, port: int) -> Sequence[str]:
        asked.append(host)
        return [PUBLIC] if len(asked) == 1 else ["127.0.0.1"]

    async def scenario() -> None:
        web = Web(photo(1))
        async with install() as staging, Downloads(resolve=turning, transport=web) as downloads:
            uploads = Uploads(replace(staging.ports, downloads=downloads), OWNER)
            await uploads.from_url(URL)
            assert asked == ["files.example"]
            assert [request.url.host for request in web.sent] == [PUBLIC]
            with pytest.raises(SourceRefused):
                await uploads.from_url(URL)

    asyncio.run(scenario())
