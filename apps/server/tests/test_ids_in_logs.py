"""What a request was called is in every line of the log that is about it."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from .collector import Collector, collecting
from .processes import Served, serving

FAKE = {"STAGING_STAGER": "fake:", "STAGING_PLUGINS": "server", "STAGING_LOG_FORMAT": "json"}
API = "/api/v1"

Line = dict[str, Any]


def names(answer: httpx.Response) -> tuple[str, str]:
    """The request and the trace, as its answer tells them."""
    return answer.headers["x-request-id"], answer.headers["traceparent"].split("-")[1]


def lines_of(served: Served, answer: httpx.Response) -> list[Line]:
    """All lines that have both names of the request, as soon as its answer is among them."""
    request, trace = names(answer)
    until = time.monotonic() + 60
    while True:
        lines = [json.loads(line) for line in tuple(served.said) if line.startswith("{")]
        mine = [line for line in lines if line.get("request") == request]
        assert {line["trace_id"] for line in mine} <= {trace}
        if any(line["logger"] == "staging_embed.requests" for line in mine):
            return mine
        assert time.monotonic() < until, lines
        time.sleep(0.05)


def lose_a_table(home: Path) -> None:
    with sqlite3.connect(home / "staging.db") as database:
        database.execute("DROP TABLE staging_projects")


def asked(home: Path, url: str) -> dict[str, httpx.Response]:
    """A request that is answered, one of no route, one that is refused, one that fails here."""
    answers = {"answered": httpx.get(f"{url}{API}/me"), "nowhere": httpx.get(f"{url}/nowhere")}
    answers["refused"] = httpx.post(f"{url}{API}/images", json={})
    with httpx.stream("GET", f"{url}{API}/events") as answers["stream"]:
        assert next(answers["stream"].iter_lines()) == "event: connected"
    lose_a_table(home)
    answers["failed"] = httpx.get(f"{url}{API}/projects")
    return answers


def check(
    lines: Callable[[httpx.Response], list[Line]], answers: dict[str, httpx.Response]
) -> None:
    assert answers["answered"].status_code == 200
    (line,) = lines(answers["answered"])
    assert line["event"].startswith(f"GET {API}/me 200")
    assert line["user"] == "owner"
    (line,) = lines(answers["nowhere"])
    assert line["event"].startswith("GET - 404")
    (line,) = lines(answers["refused"])
    assert line["event"].startswith(f"POST {API}/images 422")
    said = answers["failed"].json()
    assert said["status"] >= 500
    assert said["request_id"] == names(answers["failed"])[0]
    why, line = lines(answers["failed"])
    assert (why["logger"], line["logger"]) == ("staging_embed", "staging_embed.requests")
    assert "no such table" in f"{why['event']} {why.get('exception')}"
    assert why["user"] == line["user"] == "owner"


@pytest.mark.parametrize("more", [{}, {"STAGING_METRICS": "1"}], ids=["log", "log and metrics"])
def test_an_id_finds_its_request_in_the_log(tmp_path: Path, more: dict[str, str]) -> None:
    with serving(tmp_path, "--no-worker", **FAKE, **more) as served:
        answers = asked(tmp_path, served.url)
        check(lambda answer: lines_of(served, answer), answers)
        until = time.monotonic() + 60
        while len(about := lines_of(served, answers["stream"])) < 2:
            assert time.monotonic() < until
        begun, over = about
        assert begun["event"].startswith(f"GET {API}/events 200")
        assert over["event"].startswith("event stream over (client)")
        assert begun["user"] == over["user"] == "owner"
        assert served.stop() == 0


def sent(collector: Collector, answer: httpx.Response) -> list[Line]:
    request, trace = names(answer)
    found = []
    for record in collector.records():
        attributes = {each.key: each.value.string_value for each in record.attributes}
        if attributes.get("request") == request:
            assert record.trace_id.hex() == trace
            found.append({"event": record.body.string_value, **attributes})
    return found


def test_an_id_finds_its_request_at_the_collector(tmp_path: Path) -> None:
    with collecting() as (address, collector):
        told = {"OTEL_EXPORTER_OTLP_ENDPOINT": address}
        with serving(tmp_path, "--no-worker", **FAKE, **told) as served:
            answers = asked(tmp_path, served.url)
            assert served.stop() == 0
        answered, failed = (sent(collector, answers[name]) for name in ("answered", "failed"))
        begun, over = sent(collector, answers["stream"])
    assert [line["user"] for line in (*answered, *failed, begun, over)] == ["owner"] * 5
    assert any("no such table" in line["event"] for line in failed)
    assert over["event"].startswith("event stream over")
