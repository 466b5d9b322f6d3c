"""A server that tells: one job, from its request to its last event, as a collector sees it."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from staging_core import OWNER, Staging

from .collector import collecting
from .processes import serving

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
            assert served.stop() == 0
            said = [line for line in served.said if line.startswith("{")]
    assert metrics.status_code == 200
    assert 'route="/api/v1/catalog"' in metrics.text
    spans = [span for span in collector.spans() if span.trace_id.hex() == TRACE]
    assert [span.name for span in spans] == ["GET /api/v1/catalog"]
    assert "http.server.request.duration" in collector.figures()
    lines = [json.loads(line) for line in said]
    assert any(line["logger"] == "staging_embed.requests" for line in lines)
    assert any("GET /api/v1/catalog 200" in line for line in collector.lines())
    everything = [*collector.bodies, *(line.encode() for line in served.said)]
    assert not any(SECRET.encode() in each for each in everything)


def test_nothing_is_shown_unless_it_is_asked_for(tmp_path: Path) -> None:
    quiet = {name: value for name, value in FAKE.items() if name != "STAGING_METRICS"}
    with serving(tmp_path, **quiet) as served:
        assert httpx.get(f"{served.url}/metrics").status_code == 404
        assert served.stop() == 0


def test_a_collector_that_is_away_costs_no_request_and_no_stop(tmp_path: Path) -> None:
    away = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9"}
    with serving(tmp_path, **FAKE, **away) as served:
        a_job(served.url)
        began = time.monotonic()
        assert served.stop() == 0
        assert time.monotonic() - began < 25


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
