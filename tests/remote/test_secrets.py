"""The token goes to the server that it is for, and is shown to nobody."""

from __future__ import annotations

import asyncio
import logging
import traceback
from typing import Any
from urllib.parse import urlsplit

import pytest

from staging_core import Staging, StagingError, __version__
from staging_core.errors import BadInput

from .conftest import Open
from .listening import JSON, ME, Scripted, photo, serving

TOKEN = "sk_stg_canary0123456789"  # noqa: S105 - of nobody


@pytest.mark.parametrize(
    "url",
    [
        "http://staging.example",
        "http://10.0.0.1",
        "http://127.0.0.1.nip.example",
        "http://localhost.example",
        "http://[fe80::1]",
        "ftp://localhost",
        "//staging.example",
        "staging.example",
        "https://",
        "https:///path",
        "https://me:canary-word@staging.example",
        "https://canary-word@staging.example",
        "https://staging.example?key=canary-word",
        "https://staging.example#canary-word",
        "https://staging.example\\@evil.example",
        "https://staging.example:99999",
        "https://staging.example\r\nX: canary-word",
        " https://staging.example",
        "",
        None,
        7,
        b"https://staging.example",
    ],
)
def test_an_address_that_no_token_is_sent_to_is_refused_and_not_repeated(url: Any) -> None:
    with pytest.raises(BadInput) as caught:
        Staging.connect(url, token=TOKEN)
    told = "".join(traceback.format_exception(caught.value))
    assert TOKEN not in told
    assert "canary-word" not in str(caught.value)


@pytest.mark.parametrize(
    "url", ["https://staging.example/m/", "http://localhost:8080", "http://[::1]:1", "HTTPS://a.b"]
)
def test_https_and_this_machine_are_addresses(url: str) -> None:
    assert TOKEN not in repr(Staging.connect(url, token=TOKEN))


@pytest.mark.parametrize("token", ["", "a b", "a\r\nX: y", "ä", "x" * 9000, 7, b"sk_stg_a"])
def test_what_is_no_token_is_refused_and_not_repeated(token: Any) -> None:
    with pytest.raises(BadInput) as caught:
        Staging.connect("https://staging.example", token=token)
    assert str(token) not in str(caught.value) or not token


@pytest.mark.parametrize("times", [{"timeout_s": 0}, {"timeout_s": -1}, {"patience_s": -1}])
def test_times_that_cannot_be_are_refused(times: dict[str, Any]) -> None:
    with pytest.raises(BadInput):
        Staging.connect("https://staging.example", **times)


def test_nothing_shows_the_token_or_a_signature(
    house: Open, caplog: pytest.LogCaptureFixture
) -> None:
    async def scenario() -> None:
        async with house(worker=False) as at:
            with caplog.at_level(logging.DEBUG):
                async with Staging.connect(at.url, token=at.token) as me:
                    group = await me.images.submit(photo())
                    upload, ticket = await me.uploads.presign("a.png", "image/png", 5)
                    key = await me.keys.create("k")
                    shown = [repr(each) for each in (me, me.images, me._wire, upload, ticket, key)]
                    errors: list[StagingError] = []
                    for call in (me.images.get, me.images.cancel, me.images.cancel):
                        try:
                            await call(group.images[0].id)
                        except StagingError as error:
                            errors.append(error)
                    await at.me.keys.revoke((await at.me.keys.page())[-1].id)
                    try:
                        await me.images.page()
                    except StagingError as error:
                        errors.append(error)
            assert len(errors) == 2
            shown += ["".join(traceback.format_exception(error)) for error in errors]
            ours = ("httpx", "httpcore", "staging_core")
            logged = [each for each in caplog.records if each.name.startswith(ours)]
            assert logged
            shown += [record.getMessage() for record in logged]
            told = "\n".join(shown)
            assert at.token not in told
            assert key.secret not in told
            assert "signature=" not in told

    asyncio.run(scenario())


def test_a_photo_is_put_at_another_host_without_the_token() -> None:
    async def scenario() -> None:
        storage = Scripted((200, {}, b""))
        async with serving(storage) as bucket:
            upload = (
                '{"id":"u-1","file_key":"k","filename":"photo.png","content_type":"image/png",'
                '"file_size":1,"complete":false,"created_at":"2026-03-01T12:00:00Z",'
                '"expires_at":null,"url":null}'
            )
            presigned = (
                f'{{"upload_url":"{bucket}/k?signature=s","method":"PUT","fields":{{}},'
                f'"headers":{{"Content-Type":"image/png"}},"upload":{upload}}}'
            )
            refused = (422, {"content-type": "application/problem+json"}, b'{"code":"refused"}')
            server = Scripted(ME, (200, JSON, presigned.encode()), refused)
            async with serving(server) as url, Staging.connect(url, token=TOKEN) as me:
                with pytest.raises(StagingError):
                    await me.images.submit(photo())
            (put,) = storage.asked
            assert put[0] == "PUT /k"
            assert "authorization" not in put[1]
            assert put[1]["content-length"] == str(len(photo()))
            assert {path for path, _ in server.asked} == {
                "GET /api/v1/me",
                "POST /api/v1/uploads/presign",
                "POST /api/v1/images",
            }
            for _, headers in server.asked:
                assert headers["authorization"] == f"Bearer {TOKEN}"
                assert headers["user-agent"].startswith(f"staging-core/{__version__} ")
                assert urlsplit(url).netloc == headers["host"]

    asyncio.run(scenario())


def test_a_proxy_of_the_environment_is_told_nothing_of_this_machine(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def scenario() -> None:
        proxy, server = Scripted((200, JSON, b"{}")), Scripted(ME)
        async with serving(proxy) as other, serving(server) as url:
            for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
                monkeypatch.setenv(name, other)
            async with Staging.connect(url, token=TOKEN) as me:
                assert me.principal.account_id == "a"
        assert proxy.asked == []

    asyncio.run(scenario())
