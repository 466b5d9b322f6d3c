"""What holds for every request: names, headers, problems, limits, sign-in."""

from __future__ import annotations

import asyncio
import re
import time
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import httpx
import pytest

from staging_core import Credentials, Principal, Settings, Staging, hookimpl
from staging_core.errors import RateLimited, SettingError
from staging_core.testing.telemetry import Heard
from staging_embed import staging_app
from staging_embed.access import anyone
from staging_embed.routing import Routes

from .house import API, OWN, as_other, as_own, by_token, house, listening

UNKNOWN = f"{API}/images/00000000-0000-4000-8000-000000000000"


def get(home: Path, path: str, *, app: dict[str, Any] | None = None, **more: Any) -> httpx.Response:
    """The answer to one request of a fresh installation."""
    settings = more.pop("settings", {})

    async def scenario() -> httpx.Response:
        async with house(home, app=app, **settings) as (_, client):
            return await client.request(more.pop("method", "GET"), path, **more)

    return asyncio.run(scenario())


# --- names ----------------------------------------------------------------------------------------


def test_a_request_keeps_its_name_and_its_trace(tmp_path: Path) -> None:
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    answer = get(
        tmp_path,
        "/health",
        headers={"X-Request-ID": "req-1", "traceparent": f"00-{trace}-00f067aa0ba902b7-01"},
    )
    assert answer.headers["x-request-id"] == "req-1"
    told = re.fullmatch(r"00-([0-9a-f]{32})-([0-9a-f]{16})-01", answer.headers["traceparent"])
    assert told is not None
    assert told[1] == trace
    assert told[2] != "00f067aa0ba902b7"


@pytest.mark.parametrize(
    "trace", ["", "00-0", f"00-{'0' * 32}-00f067aa0ba902b7-01", f"ff-{'1' * 32}-{'1' * 16}-00"]
)
def test_a_trace_that_is_none_is_begun(tmp_path: Path, trace: str) -> None:
    answer = get(tmp_path, "/health", headers={"traceparent": trace})
    assert re.fullmatch(r"00-[0-9a-f]{32}-[0-9a-f]{16}-00", answer.headers["traceparent"])


def test_what_is_no_name_is_not_repeated(tmp_path: Path) -> None:
    answer = get(tmp_path, "/health", headers={"X-Request-ID": "<b>"})
    assert re.fullmatch(r"[0-9a-f-]{36}", answer.headers["x-request-id"])


# --- headers --------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/health", UNKNOWN, "/nowhere"])
def test_every_answer_has_the_headers_that_protect(tmp_path: Path, path: str) -> None:
    headers = get(tmp_path, path).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["content-security-policy"].startswith("default-src 'none'")
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cache-control"] == "no-store"
    assert "strict-transport-security" not in headers


def test_over_tls_browsers_are_told_to_stay_there(tmp_path: Path) -> None:
    assert (
        "max-age" in get(tmp_path, "https://localhost/health").headers["strict-transport-security"]
    )


def test_success_is_exactly_json(tmp_path: Path) -> None:
    answer = get(tmp_path, f"{API}/me", headers=as_own())
    assert answer.headers["content-type"] == "application/json"
    assert answer.json() == {"account_id": "own", "user_id": "anna", "role": "member", "scopes": []}


def test_a_content_type_on_a_request_without_a_body_is_accepted(tmp_path: Path) -> None:
    headers = as_own(**{"Content-Type": "application/json"})
    assert get(tmp_path, f"{API}/me", headers=headers).status_code == 200


# --- problems -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nowhere", 404, "not_found"),
        ("GET", f"{API}/images/..%2fx", 404, "not_found"),
        ("GET", f"{API}/images/%00", 404, "not_found"),
        ("GET", f"{API}/images/{'x' * 65}", 404, "not_found"),
        ("GET", UNKNOWN, 404, "not_found"),
        ("PATCH", UNKNOWN, 405, "method_not_allowed"),
        ("POST", f"{API}/events", 405, "method_not_allowed"),
        ("GET", f"{API}/events?image_id=a%20b", 422, "validation_failed"),
        ("GET", f"{API}/events?image_id=a&image_id=b", 422, "validation_failed"),
        ("GET", f"{API}/events?image_id=%ff", 422, "validation_failed"),
    ],
)
def test_what_is_wrong_is_told_as_a_problem(
    tmp_path: Path, method: str, path: str, status: int, code: str
) -> None:
    answer = get(tmp_path, path, method=method, headers=as_own())
    told = answer.json()
    assert (answer.status_code, told["code"], told["error"]) == (status, code, code)
    assert answer.headers["content-type"] == "application/problem+json"
    assert told["status"] == status
    assert told["message"] == told["detail"]
    assert told["request_id"] == answer.headers["x-request-id"]
    assert (status == 422) == bool(told.get("validation_errors"))


def test_a_last_event_id_that_is_none_is_told(tmp_path: Path) -> None:
    for told in ("x", "-1", "1.5", "9" * 30, "9" * 5000, "١"):
        headers = as_own(**{"Last-Event-ID": told}) if told.isascii() else as_own()
        raw = [*headers.items()]
        if not told.isascii():
            raw.append(("Last-Event-ID", told.encode()))  # type: ignore[arg-type]
        answer = get(tmp_path, f"{API}/events", headers=raw)
        assert answer.json()["validation_errors"][0]["field"] == "Last-Event-ID"


# --- who calls ------------------------------------------------------------------------------------


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


def test_a_group_that_does_not_exist_is_named() -> None:
    with pytest.raises(SettingError, match="imagse"):
        staging_app(Staging(plugins=()), principal=by_token, include={"imagse"})


def test_a_route_cannot_be_declared_without_saying_who_may_call_it() -> None:
    routes = Routes("x")
    with pytest.raises(TypeError, match="access"):
        routes.get("/x")  # type: ignore[call-arg]


def test_what_is_left_out_is_not_there(tmp_path: Path) -> None:
    assert get(tmp_path, f"{API}/me", app={"exclude": {"me"}}).status_code == 404
    assert get(tmp_path, f"{API}/me", app={"include": {"images"}}).status_code == 404
    assert get(tmp_path, UNKNOWN, app={"include": {"images"}}).status_code == 401


# --- how often ------------------------------------------------------------------------------------


def test_too_many_requests_of_one_are_turned_away_and_others_go_on(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with house(tmp_path, rate_limit_requests=2) as (_, client):
            first = await client.get(f"{API}/me", headers=as_own())
            assert first.headers["ratelimit-limit"] == "2"
            assert first.headers["ratelimit-remaining"] == "1"
            await client.get(f"{API}/me", headers=as_own())
            third = await client.get(f"{API}/me", headers=as_own())
            assert (third.status_code, third.json()["code"]) == (429, "rate_limited")
            assert 1 <= int(third.headers["retry-after"]) <= 60
            assert third.headers["ratelimit-remaining"] == "0"
            other = {"Authorization": "Bearer token-of-other"}
            assert (await client.get(f"{API}/me", headers=other)).status_code == 200
            assert (await client.get("/health")).status_code == 200

    asyncio.run(scenario())


def test_one_key_that_runs_away_leaves_the_others_and_their_users_pages_some(
    tmp_path: Path,
) -> None:
    async def scenario() -> None:
        settings = {"auth": "keys:", "secret_key": "0123456789abcdef", "rate_limit_requests": 5}
        async with house(tmp_path, app={"principal": None}, **settings) as (staging, client):
            me = staging.acting_as(OWN)
            first, second = [
                {"Authorization": f"Bearer {(await me.keys.create(name)).secret}"}
                for name in ("first", "second")
            ]
            told = [await client.get(f"{API}/me", headers=first) for _ in range(9)]
            assert [answer.status_code for answer in told] == [200] * 4 + [429] * 5
            assert told[0].headers["ratelimit-limit"] == "4"
            assert told[0].headers["ratelimit-remaining"] == "3"
            # What the first one was refused is not counted for its user.
            answer = await client.get(f"{API}/me", headers=second)
            assert answer.status_code == 200
            assert answer.headers["ratelimit-limit"] == "5"
            assert answer.headers["ratelimit-remaining"] == "0"
            assert (await client.get(f"{API}/me", headers=second)).status_code == 429

    asyncio.run(scenario())


def test_what_creates_is_counted_twice_and_told_by_the_tighter_limit(tmp_path: Path) -> None:
    async def scenario() -> None:
        settings = {"rate_limit_requests": 3, "rate_limit_creates": 1}
        async with house(tmp_path, **settings) as (_, client):
            made, refused = [
                await client.post(f"{API}/projects", json={"name": "p"}, headers=as_own())
                for _ in range(2)
            ]
            assert (made.status_code, made.headers["ratelimit-limit"]) == (201, "1")
            assert (refused.status_code, refused.headers["ratelimit-limit"]) == (429, "1")
            assert 1 <= int(refused.headers["retry-after"]) <= 60
            answer = await client.get(f"{API}/me", headers=as_own())
            assert (answer.status_code, answer.headers["ratelimit-remaining"]) == (200, "0")

    asyncio.run(scenario())


def test_an_address_that_asks_too_often_is_turned_away_whoever_asks_but_for_probes(
    tmp_path: Path,
) -> None:
    async def scenario() -> None:
        async with house(tmp_path, rate_limit_address=3) as (_, client):
            paths = (f"{API}/me", f"{API}/projects", f"{API}/objects/x", f"{API}/objects/x")
            tokens = (as_own(), as_other(), {}, {})
            told = [
                await client.get(path, headers=headers)
                for path, headers in zip(paths, tokens, strict=True)
            ]
            assert [answer.status_code for answer in told] == [200, 200, 403, 429]
            assert told[3].json()["code"] == "rate_limited"
            assert told[3].headers["ratelimit-limit"] == "3"
            assert 1 <= int(told[3].headers["retry-after"]) <= 60
            assert (await client.get("/health")).status_code == 200
            assert (await client.get("/ready")).status_code == 200

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("one", "another", "are_one"),
    [
        ("192.0.2.1", "192.0.2.2", False),
        ("192.0.2.1", "::ffff:192.0.2.1", True),
        ("2001:db8::1", "2001:db8::2:3:4:5", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("fe80::1%eth0", "fe80::2%eth1", True),
        ("", "unix:", False),
    ],
)
def test_addresses_that_one_subscriber_has_are_one(
    tmp_path: Path, one: str, another: str, are_one: bool
) -> None:
    async def scenario() -> None:
        async with house(tmp_path, rate_limit_address=1) as (staging, _):
            await staging.rates.arrived(one)
            refused = pytest.raises(RateLimited) if are_one else nullcontext()
            with refused:
                await staging.rates.arrived(another)

    asyncio.run(scenario())


class Counting:
    """A host's sign-in that counts what it is asked."""

    def __init__(self) -> None:
        self.asked: list[str | None] = []

    def __call__(self, credentials: Credentials) -> Principal | None:
        self.asked.append(credentials.bearer)
        return by_token(credentials)


def test_of_an_address_that_fails_too_often_what_is_wrong_is_hardly_heard(tmp_path: Path) -> None:
    async def scenario() -> None:
        seen, began = Counting(), time.monotonic()
        app = {"principal": seen}
        async with house(tmp_path, app=app, rate_limit_failures=2) as (_, client):
            told = [
                await client.get(f"{API}/me", headers={"Authorization": f"Bearer wrong-{number}"})
                for number in range(100)
            ]
            assert [answer.status_code for answer in told] == [401, 401, *[429] * 98]
            assert told[-1].json()["code"] == "rate_limited"
            assert 1 <= int(told[-1].headers["retry-after"]) <= 60
            seconds = time.monotonic() - began
            assert len(seen.asked) <= 3 + 1 + seconds  # one a second, once it is locked

    asyncio.run(scenario())


def test_who_shares_an_address_with_one_who_fails_too_often_is_let_in(tmp_path: Path) -> None:
    async def scenario() -> None:
        seen = Counting()
        async with house(tmp_path, app={"principal": seen}, rate_limit_failures=2) as (_, client):
            assert (await client.get(f"{API}/me", headers=as_own())).status_code == 200
            wrong = {"Authorization": "Bearer wrong"}
            for _ in range(5):
                await client.get(f"{API}/me", headers=wrong)
            assert seen.asked.count("wrong") == 3  # then it is known, and costs others no try
            for _ in range(20):
                assert (await client.get(f"{API}/me", headers=as_own())).status_code == 200
            # One who was not seen before is let in too: at once, or a second later.
            async with asyncio.timeout(20):
                told = 429
                while told != 200:
                    await asyncio.sleep(0.1)
                    told = (await client.get(f"{API}/me", headers=as_other())).status_code
            signed_address = await client.get(f"{API}/objects/x")
            assert signed_address.status_code == 403  # nobody signs in there

    asyncio.run(scenario())


# --- other origins --------------------------------------------------------------------------------

PAGE = "https://studio.example"


def test_only_pages_of_configured_origins_may_read_answers(tmp_path: Path) -> None:
    settings = {"cors_origins": (PAGE,)}
    for origin, allowed in ((PAGE, PAGE), ("https://evil.example", None)):
        headers = as_own(Origin=origin)
        answer = get(tmp_path, f"{API}/me", headers=headers, settings=settings)
        assert answer.headers.get("access-control-allow-origin") == allowed
    preflight = get(
        tmp_path,
        f"{API}/me",
        method="OPTIONS",
        settings=settings,
        headers={
            "Origin": PAGE,
            "Access-Control-Request-Method": "GET",
            "Access-Control-Request-Headers": "authorization",
        },
    )
    assert preflight.status_code == 204
    assert preflight.headers["access-control-allow-origin"] == PAGE
    assert "GET" in preflight.headers["access-control-allow-methods"]
    assert "authorization" in preflight.headers["access-control-allow-headers"].lower()


def test_without_configuration_no_other_page_reads_anything(tmp_path: Path) -> None:
    answer = get(tmp_path, f"{API}/me", headers=as_own(Origin=PAGE))
    assert "access-control-allow-origin" not in answer.headers


# --- whether it can work --------------------------------------------------------------------------


def test_health_answers_and_readiness_names_what_fails(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with house(tmp_path) as (staging, client):
            assert (await client.get("/health")).json() == {"status": "ok", "service": "staging"}
            told = await client.get("/ready")
            checks = {"database": "ok", "storage": "ok", "queue": "ok"}
            assert (told.status_code, told.json()) == (200, {"status": "ready", "checks": checks})

            async def away(key: str) -> None:
                raise OSError("secret words")

            staging.ports.storage.stat = away  # type: ignore[method-assign, assignment]
            assert staging._readiness is not None
            staging._readiness._asked_at = float("-inf")
            told = await client.get("/ready")
            assert (told.status_code, told.json()["checks"]["storage"]) == (503, "failed")
            assert "secret" not in told.text
            assert (await client.get("/health")).status_code == 200

    asyncio.run(scenario())


def test_settings_take_a_list_of_origins() -> None:
    settings = Settings.from_env({"STAGING_CORS_ORIGINS": "https://a.example,https://b.example"})
    assert settings.cors_origins == ("https://a.example", "https://b.example")
    assert anyone("x").why == "x"


def test_a_request_is_a_span_of_its_callers_trace_and_a_figure_without_ids(tmp_path: Path) -> None:
    heard = Heard()

    class Listens:
        @hookimpl
        def staging_telemetry(self, role: str) -> Any:
            return nullcontext(heard)

    caller = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    answer = get(
        tmp_path,
        UNKNOWN,
        headers=as_own(traceparent=caller),
        settings={"plugins": (Listens(),)},
    )
    (span,) = [each for each in heard.spans if each.name == f"GET {API}/images/{{image_id}}"]
    assert (answer.status_code, answer.headers["traceparent"]) == (404, span.traceparent)
    assert (span.parent, span.error) == (caller, "NotFound")
    assert {"http.route", "staging.request", "staging.user"} <= span.facts.keys()
    figure = ("http.server.request.duration", "GET", f"{API}/images/{{image_id}}", "404")
    assert len(heard.measured[figure]) == 1
