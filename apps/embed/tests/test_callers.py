"""Who calls: somebody whom the host or an authenticator knows, or nobody."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import httpx
import pytest

from staging_core import Credentials, Principal, Staging
from staging_core.errors import SettingError
from staging_embed import staging_app
from staging_embed.routing import Routes

from .asking import get
from .house import API, as_own, by_token, listening


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer nobodys"},
        {"Authorization": "Basic YTpi"},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer a b"},
        [("Authorization", "Bearer token-of-own"), ("Authorization", "Bearer token-of-own")],
    ],
)
def test_who_is_nobody_is_told_how_to_sign_in(tmp_path: Path, headers: Any) -> None:
    answer = get(tmp_path, f"{API}/me", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthorized")
    assert answer.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize(
    ("url", "headers", "status"),
    [
        ("http://localhost", {}, 200),
        ("http://127.0.0.1:8080", {"Origin": "http://127.0.0.1:8080"}, 200),
        ("http://localhost", {"Origin": "http://studio.example"}, 200),
        ("http://localhost", {"Origin": "http://evil.example"}, 401),
        ("http://localhost", {"Origin": "null"}, 401),
        ("http://localhost", {"Sec-Fetch-Site": "cross-site"}, 401),
        ("http://evil.example", {}, 401),
        ("http://localhost", {"X-Forwarded-For": "10.0.0.1"}, 401),
        ("http://localhost", {"Forwarded": "for=10.0.0.1"}, 401),
        ("http://localhost", {"X-Forwarded-Proto": "https"}, 401),
        ("http://localhost", {"CF-Connecting-IP": "203.0.113.7"}, 401),
        ("http://localhost", {"X-Original-Host": "studio.example"}, 401),
        ("http://localhost", {"Authorization": "Bearer x"}, 401),
    ],
)
def test_the_owner_is_who_sits_here_and_no_page_or_proxy(
    tmp_path: Path, url: str, headers: dict[str, str], status: int
) -> None:
    async def scenario() -> httpx.Response:
        origins = ("http://studio.example",)
        async with Staging(home=tmp_path, stager="fake:", plugins=(), cors_origins=origins) as it:
            app = staging_app(it, principal=it.authenticate)
            inside = httpx.ASGITransport(app)
            async with httpx.AsyncClient(transport=inside, base_url=url) as client:
                return await client.get(f"{API}/me", headers=headers)

    assert asyncio.run(scenario()).status_code == status


def test_a_proxy_that_tells_nothing_still_speaks_as_proxies_do(tmp_path: Path) -> None:
    """nginx with a bare `proxy_pass`: HTTP/1.0, the upstream's own name, no further header."""

    async def scenario() -> bytes:
        async with (
            Staging(home=tmp_path, stager="fake:", plugins=(), worker=False) as it,
            listening(staging_app(it, principal=it.authenticate)) as url,
        ):
            host, port = url.removeprefix("http://").split(":")
            reader, writer = await asyncio.open_connection(host, int(port))
            writer.write(f"GET {API}/me HTTP/1.0\r\nHost: {host}:{port}\r\n\r\n".encode())
            told = await reader.read()
            writer.close()
            await writer.wait_closed()
            return told

    assert asyncio.run(scenario()).startswith(b"HTTP/1.1 401")


def test_a_host_may_answer_at_once_or_later(tmp_path: Path) -> None:
    async def later(credentials: Credentials) -> Principal | None:
        await asyncio.sleep(0)
        return by_token(credentials)

    for principal in (by_token, later):
        answer = get(tmp_path, f"{API}/me", app={"principal": principal}, headers=as_own())
        assert answer.json()["account_id"] == "own"


def test_without_anybody_who_says_who_calls_nothing_is_built() -> None:
    with pytest.raises(SettingError, match="principal"):
        staging_app(Staging(plugins=()))


def test_a_route_cannot_be_declared_without_saying_who_may_call_it() -> None:
    routes = Routes("x")
    with pytest.raises(TypeError, match="access"):
        routes.get("/x")  # type: ignore[call-arg]
