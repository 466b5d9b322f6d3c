"""Whatever is sent, nothing breaks: a problem of the 4xx kind, and nothing is kept."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from staging_core import Credentials, Principal
from staging_embed.routes import GROUPS
from staging_embed.routing import Route

from .house import API, as_own, by_token, house

both = pytest.mark.parametrize("database", ["sqlite", "postgresql"], indirect=True)
# What providers and browsers send is not judged by its form, and streams do not end.
LEFT_OUT = {"receive_callback", "receive_replicate_webhook", "follow_events", "create_event_ticket"}
ROUTES = [
    route
    for routes in GROUPS.values()
    for route in routes.all
    if route.operation_id not in LEFT_OUT
]
WITH_BODY = [route for route in ROUTES if route.body is not None]
WITH_TEXT = [
    route
    for route in ROUTES
    if hasattr(route.body if route.body is not None else route.query, "__struct_fields__")
]

BODIES = [
    b"",
    b"{",
    b"[]",
    b"null",
    b'"text"',
    b"1e999",
    b"\xff\xfe",
    b'{"name": "\\ud800"}',
    b'{"name": {"a": 1}}',
    b"[" * 100_000,
    b'{"a":' * 50_000,
    b"\x00" * 10,
    json.dumps({"name": "x" * 900_000}).encode(),
    json.dumps({"name": "x\x00y", "preferences": {"a": "\x00"}}).encode(),
]
IDS = [
    "%00",
    "%ff",
    "%2e%2e",
    "a%2Fb",
    "x" * 5000,
    "%F0%9F%98%80",
    "'; DROP TABLE--",
    "-1",
    "null",
    "%20",
]
QUERIES = [
    "limit=",
    "limit=-1",
    "limit=1.5",
    "limit=99999999999999999999",
    "cursor=",
    "cursor=%00",
    "cursor=" + "A" * 3000,
    "cursor=%F0%9F%98%80",
    "sort=sideways",
    "status=broken",
    "style=%00",
    "project_id=%00",
    "everybodys=maybe",
    "limit=1&limit=2",
    "%ff=%ff",
    "&&&=&",
]
HEADERS = [
    {"Idempotency-Key": ""},
    {"Idempotency-Key": "a b"},
    {"Idempotency-Key": "x" * 256},
    {"Content-Type": "application/xml"},
    {"Content-Type": "application/json; charset=latin-1"},
    {"Content-Length": "0"},
    {"X-Request-ID": "x" * 5000},
    {"traceparent": "\x7f" * 100},
    {"Accept": "image/gif"},
]


def operator(credentials: Credentials) -> Principal | None:
    """Somebody who may call everything."""
    found = by_token(credentials)
    return None if found is None else msgspec.structs.replace(found, role="operator")


@asynccontextmanager
async def client(home: Path, **settings: Any) -> AsyncIterator[httpx.AsyncClient]:
    app = {"include": GROUPS.keys(), "principal": operator}
    at_will = {"rate_limit_requests": 10**6, "rate_limit_address": 10**6}
    async with house(home, app=app, **at_will, **settings) as (_, found):
        yield found


def path_of(route: Route, value: str = "00000000-0000-4000-8000-000000000000") -> str:
    path = route.template
    for name in route.parameters:
        path = path.replace(f"{{{name}}}", value)
    return path


def check(answer: httpx.Response, *what: Any) -> None:
    """It was understood, or refused as a problem."""
    if answer.status_code == 503 and answer.json()["code"] == "service_unavailable":
        return
    assert answer.status_code < 500, (what, answer.text)
    if answer.status_code >= 400:
        assert answer.headers["content-type"] == "application/problem+json", what
        told = answer.json()
        assert told["status"] == answer.status_code
        assert told["code"], what
        assert "Traceback" not in answer.text
        if answer.status_code == 422:
            assert told["code"] != "bad_request", what
            assert told["validation_errors"], what
            assert all(each["field"] for each in told["validation_errors"]), what


@both
def test_no_text_of_a_query_holds_the_character_nul(
    tmp_path: Path, database: dict[str, Any]
) -> None:
    async def scenario() -> None:
        async with client(tmp_path, **database) as asking:
            asked = 0
            for route in ROUTES:
                for name in () if route.query is None else route.query.__struct_fields__:
                    answer = await asking.request(
                        route.method, path_of(route), params={name: "a\0"}, headers=as_own()
                    )
                    assert answer.status_code == 422, (route.operation_id, name, answer.text)
                    asked += 1
            assert asked > 20

    asyncio.run(scenario())


@both
def test_bodies(tmp_path: Path, database: dict[str, Any]) -> None:
    async def scenario() -> None:
        async with client(tmp_path, **database) as found:
            for route in WITH_BODY:
                for body in BODIES:
                    headers = as_own(**{"Content-Type": "application/json"})
                    answer = await found.request(
                        route.method, path_of(route), content=body, headers=headers
                    )
                    check(answer, route.operation_id, body[:40])
                    if route.operation_id != "change_profile":
                        assert answer.status_code >= 400, (route.operation_id, body[:40])
            listed = await found.get(f"{API}/projects", headers=as_own())
            assert listed.json()["projects"] == []

    asyncio.run(scenario())


def sound(route: Route) -> dict[str, str]:
    """A body that is not what is wrong, for routes that name something in their path."""
    fields = getattr(route.body, "__struct_fields__", ("name",))
    return {name: "a" for name in ("name", "value") if name in fields}


@both
def test_ids_queries_and_headers(tmp_path: Path, database: dict[str, Any]) -> None:
    async def scenario() -> None:
        async with client(tmp_path, **database) as found:
            for route in ROUTES:
                for value in IDS if route.parameters else []:
                    answer = await found.request(
                        route.method, path_of(route, value), headers=as_own(), json=sound(route)
                    )
                    check(answer, route.operation_id, value)
                    refused = (403,) if route.group == "objects" else (404, 405)
                    assert answer.status_code in refused, (route.operation_id, value)
                for query in QUERIES:
                    url = f"{path_of(route)}?{query}"
                    answer = await found.request(
                        route.method, url, headers=as_own(), json=sound(route)
                    )
                    check(answer, route.operation_id, query)
                for more in HEADERS:
                    answer = await found.request(
                        route.method, path_of(route), headers=as_own() | more, json=sound(route)
                    )
                    check(answer, route.operation_id, more)

    asyncio.run(scenario())


TEXTS = ["\0", "a\0b", "\0" * 12, "x" * 12 + "\0", "\uffff" * 12, "\u202e" * 12, "e\u0301" * 10]


@both
def test_texts_that_no_database_keeps(tmp_path: Path, database: dict[str, Any]) -> None:
    """In any place of any body and query: NUL is refused, what else is odd breaks nothing."""
    with asyncio.Runner() as runner:
        opened = client(tmp_path, **database)
        found = runner.run(opened.__aenter__())
        try:

            @settings(max_examples=150, suppress_health_check=list(HealthCheck))
            @given(st.data())
            def tried(data: st.DataObject) -> None:
                route = data.draw(st.sampled_from(WITH_TEXT))
                shape = route.body if route.body is not None else route.query
                name = data.draw(st.sampled_from(shape.__struct_fields__))
                text = data.draw(st.sampled_from(TEXTS) | st.text(min_size=1).map("\0".join))
                sent: dict[str, Any] = {"headers": as_own()}
                if route.body is None:
                    sent["params"] = {name: text}
                else:
                    value = data.draw(st.sampled_from([text, [text], {"a": text}, {text: 1}]))
                    sent["json"] = {**sound(route), name: value}
                answer = runner.run(found.request(route.method, path_of(route), **sent))
                check(answer, route.operation_id, name, text)
                if "\0" in text:
                    # Of several, each is refused by itself.
                    none = answer.status_code == 207 and answer.json()["success"] == 0
                    refused = none or answer.status_code in (403, 404, 422)
                    assert refused, (route.operation_id, name, text)

            tried()
        finally:
            runner.run(opened.__aexit__(None, None, None))


values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)


def bodies(route: Route) -> st.SearchStrategy[Any]:
    """Objects with the route's own fields, holding anything."""
    assert route.body is not None
    fields = getattr(route.body, "__struct_fields__", ("name",))
    names = st.sampled_from(fields) | st.text(max_size=8)
    return st.dictionaries(names, values, max_size=6)


def test_any_json_at_all(tmp_path: Path) -> None:
    """One installation and event loop for all examples."""
    with asyncio.Runner() as runner:
        opened = client(tmp_path)
        found = runner.run(opened.__aenter__())
        try:

            @settings(max_examples=150, suppress_health_check=list(HealthCheck))
            @given(st.data())
            def tried(data: st.DataObject) -> None:
                route = data.draw(st.sampled_from(WITH_BODY))
                body = data.draw(bodies(route))
                path = path_of(route, quote(data.draw(st.text(min_size=1, max_size=8)), safe=""))
                answer = runner.run(found.request(route.method, path, json=body, headers=as_own()))
                check(answer, route.operation_id, body)

            tried()
        finally:
            runner.run(opened.__aexit__(None, None, None))
