"""What holds for every request: names, headers, problems, a span."""

from __future__ import annotations

import re
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

from staging_core import Staging, hookimpl
from staging_core.errors import SettingError
from staging_core.testing.telemetry import Heard
from staging_embed import staging_app

from .asking import UNKNOWN, get
from .house import API, as_own, by_token


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


@pytest.mark.parametrize(
    ("method", "path", "words"),
    [("GET", "/", "nothing at this address"), ("PATCH", f"{API}/projects", "`Allow`")],
)
def test_where_nothing_is_it_is_said_in_words(
    tmp_path: Path, method: str, path: str, words: str
) -> None:
    assert words in get(tmp_path, path, method=method, headers=as_own()).json()["detail"]


def test_a_last_event_id_that_is_none_is_told(tmp_path: Path) -> None:
    for told in ("x", "-1", "1.5", "9" * 30, "9" * 5000, "١"):
        headers = as_own(**{"Last-Event-ID": told}) if told.isascii() else as_own()
        raw = [*headers.items()]
        if not told.isascii():
            raw.append(("Last-Event-ID", told.encode()))  # type: ignore[arg-type]
        answer = get(tmp_path, f"{API}/events", headers=raw)
        assert answer.json()["validation_errors"][0]["field"] == "Last-Event-ID"


def test_a_group_that_does_not_exist_is_named() -> None:
    with pytest.raises(SettingError, match="imagse"):
        staging_app(Staging(plugins=()), principal=by_token, include={"imagse"})


def test_what_is_left_out_is_not_there(tmp_path: Path) -> None:
    assert get(tmp_path, f"{API}/me", app={"exclude": {"me"}}).status_code == 404
    assert get(tmp_path, f"{API}/me", app={"include": {"images"}}).status_code == 404
    assert get(tmp_path, UNKNOWN, app={"include": {"images"}}).status_code == 401


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
