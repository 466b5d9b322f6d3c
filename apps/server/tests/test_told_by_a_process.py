"""A server that tells: one job, from its request to its last event, as a collector sees it."""

from __future__ import annotations

import asyncio
import json
import logging
import re
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from staging_core import OWNER, Staging
from staging_core.telemetry import METRICS
from staging_core.testing.servers.databases import Databases
from staging_server.telemetry.flushing import FLUSH_S
from staging_server.telemetry.opening import telemetry

from .collector import collecting
from .processes import Served, serving

DEPLOY = Path(__file__).resolve().parents[1] / "deploy"
PHOTO = Path(__file__).resolve().parents[3] / "src/staging_core/cli/demo/empty_room.jpg"
FAKE = {"STAGING_STAGER": "fake:", "STAGING_PLUGINS": "server", "STAGING_METRICS": "1"}
SECRET = "sk_stg_canary0123456789abcdefghijklmnop"  # noqa: S105 - opens nothing
TRACE = "0af7651916cd43dd8448eb211c80319c"
CALLER = f"00-{TRACE}-b7ad6b7169203331-01"


def a_job(url: str) -> dict[str, Any]:
    """Something that fails, and a request in a caller's trace that the server answers."""
    refused = httpx.get(f"{url}/api/v1/me", headers={"Authorization": f"Bearer {SECRET}"})
    assert refused.status_code in (200, 401)
    answer = httpx.get(f"{url}/api/v1/catalog", headers={"traceparent": CALLER})
    assert answer.status_code == 200
    found: dict[str, Any] = answer.json()
    return found


def test_traces_figures_and_logs_reach_the_collector_and_no_secret_does(tmp_path: Path) -> None:
    with collecting() as (address, collector):
        told = {"OTEL_EXPORTER_OTLP_ENDPOINT": address, "STAGING_LOG_FORMAT": "json"}
        with serving(tmp_path, **FAKE, **told) as served:
            a_job(served.url)
            metrics = httpx.get(f"{served.url}/metrics")
            assert metrics.headers["x-content-type-options"] == "nosniff"
            assert metrics.headers["cache-control"] == "no-store"
            assert served.stop() == 0
            said = served.said
    assert metrics.status_code == 200
    assert 'route="/api/v1/catalog"' in metrics.text
    spans = [span for span in collector.spans() if span.trace_id.hex() == TRACE]
    assert [span.name for span in spans] == ["GET /api/v1/catalog"]
    assert "http.server.request.duration" in collector.figures()
    lines = [json.loads(line) for line in said]
    assert lines[0]["event"].startswith("Serving on http://127.0.0.1:")
    assert lines[0]["event"].endswith("/docs)")
    assert any(line["logger"] == "staging_embed.requests" for line in lines)
    assert any("GET /api/v1/catalog 200" in line for line in collector.lines())
    everything = [*collector.bodies, *(line.encode() for line in served.said)]
    assert not any(SECRET.encode() in each for each in everything)


def test_what_a_collector_is_sent_of_the_log_has_no_secret_in_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with collecting() as (address, collector):
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", address)
        with telemetry("worker", log_format="json"):
            try:
                raise ValueError(f"401 for Bearer {SECRET}")
            except ValueError:
                log = logging.getLogger("staging_core")
                log.warning("refused %s", SECRET, extra={"asked": SECRET}, exc_info=True)
        (line,) = collector.lines()
    assert "refused ***" in line
    assert "ValueError" in line
    assert not any(SECRET.encode() in body for body in collector.bodies)


def test_nothing_is_shown_unless_it_is_asked_for(tmp_path: Path) -> None:
    quiet = {name: value for name, value in FAKE.items() if name != "STAGING_METRICS"}
    with serving(tmp_path, **quiet) as served:
        assert httpx.get(f"{served.url}/metrics").status_code == 404
        assert served.stop() == 0


def named(kind: str) -> set[str]:
    """Figures of that kind that alerts and the dashboard name, as Prometheus has them."""
    files = ("alerts.yaml", "dashboard.json")
    text = " ".join((DEPLOY / "telemetry" / file).read_text("utf-8") for file in files)
    names = {each.name.replace(".", "_") for each in METRICS if each.kind == kind}
    return {name for name in names if re.search(rf"\b{name}(_seconds)?\b", text)}


def test_levels_that_alerts_and_the_dashboard_name_are_told_where_nobody_works(
    postgresql: Databases, tmp_path: Path
) -> None:
    wanted = named("gauge") - {"staging_worker_steps"}
    assert "staging_queue_age" in wanted
    with postgresql.fresh() as database:
        settings = {f"STAGING_{name.upper()}": str(value) for name, value in database.items()}
        with serving(tmp_path, "--no-worker", **FAKE, **settings) as served:
            until, told = time.monotonic() + 60, set[str]()
            while not wanted <= told:
                assert time.monotonic() < until, wanted - told
                text = httpx.get(f"{served.url}/metrics").text
                names = re.findall(r"^staging_\w+", text, re.MULTILINE)
                told = {name.removesuffix("_seconds") for name in names}
            assert served.stop() == 0


@pytest.fixture(params=["nobody listens", "nobody answers"])
def away(request: pytest.FixtureRequest) -> Iterator[dict[str, str]]:
    """A collector that takes nothing."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = 9 if request.param == "nobody listens" else silent.getsockname()[1]
        yield {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{port}"}


def test_a_collector_that_is_away_costs_no_request_and_no_stop(
    tmp_path: Path, away: dict[str, str]
) -> None:
    with serving(tmp_path, **FAKE, **away) as served:
        a_job(served.url)
        took_s = stopped(served)
        assert took_s < FLUSH_S + 10


def stopped(served: Served) -> float:
    """How long it took."""
    began = time.monotonic()
    assert served.stop() == 0
    return time.monotonic() - began


def stopped_amid_a_job(home: Path, **settings: str) -> float:
    """The same, with a job that does not end, a stream, and half a request that is never whole."""
    with serving(home, **{**FAKE, **settings, "STAGING_STAGER": "fake:?script=hangs"}) as served:
        url = httpx.URL(served.url)
        with (
            httpx.stream("GET", f"{served.url}/api/v1/events", timeout=60) as stream,
            socket.create_connection((url.host, url.port)) as client,
        ):
            lines = stream.iter_lines()
            ordered(served.url)
            while '"state":"staging"' not in next(lines):
                pass
            client.sendall(b"POST /api/v1/callbacks/a HTTP/1.1\r\nHost: a\r\n")
            client.sendall(b"Content-Length: 2\r\n\r\n{")
            return stopped(served)


def test_what_does_not_end_in_time_is_broken_off(tmp_path: Path, away: dict[str, str]) -> None:
    assert 2 <= stopped_amid_a_job(tmp_path, STAGING_SHUTDOWN_S="2", **away) <= 15


@pytest.mark.full
def test_whatever_goes_on_it_has_ended_after_25_seconds(
    tmp_path: Path, away: dict[str, str]
) -> None:
    assert 20 <= stopped_amid_a_job(tmp_path, **away) <= 25


def ordered(url: str) -> None:
    """One image, in the caller's trace."""
    answer = httpx.post(
        f"{url}/api/v1/uploads?filename=empty.jpg",
        content=PHOTO.read_bytes(),
        headers={"Content-Type": "image/jpeg"},
    )
    assert answer.status_code == 201, answer.text
    order = {"upload_id": answer.json()["id"], "room_type": "bedroom", "style": "modern"}
    asked = httpx.post(f"{url}/api/v1/images", json=order, headers={"traceparent": CALLER})
    assert asked.status_code == 201, asked.text


def stages_one(url: str, then: Callable[[], None]) -> None:
    """One image, heard of over a stream that is in another trace; ``then``, while it is open."""
    with httpx.stream("GET", f"{url}/api/v1/events", timeout=60) as stream:
        lines = stream.iter_lines()
        assert next(lines) == "event: connected"
        ordered(url)
        while '"state":"ready"' not in next(lines):
            pass
        then()


def test_an_event_that_a_stream_tells_is_linked_to_the_trace_of_its_job(tmp_path: Path) -> None:
    with collecting() as (address, collector):
        told = {"OTEL_EXPORTER_OTLP_ENDPOINT": address, "OTEL_BSP_SCHEDULE_DELAY": "100"}

        def the_request_is_seen() -> None:
            until = time.monotonic() + 30
            while not any(span.name == "GET /api/v1/events" for span in collector.spans()):
                assert time.monotonic() < until
                time.sleep(0.05)

        with serving(tmp_path, **FAKE, **told) as served:
            stages_one(served.url, the_request_is_seen)
            assert served.stop() == 0
        (begun,) = [span for span in collector.spans() if span.name == "GET /api/v1/events"]
        below = [span for span in collector.spans() if span.parent_span_id == begun.span_id]
        (ended,) = [span for span in below if span.name == "staging.stream end"]
        tells = [span for span in below if span.name == "staging.stream tell"]
    assert tells
    assert {link.trace_id.hex() for span in tells for link in span.links} == {TRACE}
    assert {span.trace_id for span in (*tells, ended)} == {begun.trace_id}
    assert begun.trace_id.hex() != TRACE


async def submitted(home: Path) -> None:
    async with Staging(home=home, stager="fake:", plugins="server", worker=False) as staging:
        with staging.telemetry.span("POST /images", parent=CALLER):
            images = staging.acting_as(OWNER).images
            await images.submit(PHOTO, room="bedroom", style="modern")


def test_a_job_goes_on_with_the_trace_of_its_request_in_another_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with collecting() as (address, collector):
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", address)
        asyncio.run(submitted(tmp_path))
        with serving(tmp_path, **FAKE) as served:
            until = time.monotonic() + 60
            while 'state="ready"' not in httpx.get(f"{served.url}/metrics").text:
                assert time.monotonic() < until
                time.sleep(0.1)
            assert served.stop() == 0
        names = {span.name for span in collector.spans() if span.trace_id.hex() == TRACE}
    assert {"POST /images", "staging.job", "staging.job stage"} <= names
