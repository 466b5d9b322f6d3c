"""What the service tells, as OpenTelemetry and Prometheus have it."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from staging_core.errors import Busy
from staging_core.telemetry import METRICS, SILENT, tells_figures
from staging_server.telemetry.exposition import EXPOSED
from staging_server.telemetry.opening import telemetry
from staging_server.telemetry.told import Told

DEPLOY = Path(__file__).resolve().parents[1] / "deploy"
CALLER = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.fixture
def spans() -> InMemorySpanExporter:
    return InMemorySpanExporter()


@pytest.fixture
def told(spans: InMemorySpanExporter) -> Iterator[Told]:
    tracers = TracerProvider(shutdown_on_exit=False)
    tracers.add_span_processor(SimpleSpanProcessor(spans))
    meters = MeterProvider([EXPOSED.reader()], shutdown_on_exit=False)
    yield Told(tracers, meters)
    meters.shutdown()
    EXPOSED.forget()


def tell_everything(told: Told) -> None:
    by_kind = {"counter": told.count, "histogram": told.measure, "gauge": told.level}
    for metric in METRICS:
        by_kind[metric.kind](metric.name, 1, **dict.fromkeys(metric.labels, "some"))


def shown() -> dict[str, float]:
    """Every line of ``/metrics``, by its name without labels."""
    found = EXPOSED.text()
    assert found is not None
    lines = [line for line in found[0].decode().splitlines() if not line.startswith("#")]
    return {re.split(r"[{ ]", line)[0]: float(line.rpartition(" ")[2]) for line in lines}


def test_every_figure_of_the_catalogue_is_shown_and_no_other(told: Told) -> None:
    tell_everything(told)
    names = {re.sub(r"_(bucket|sum|count|total)$", "", name) for name in shown()}
    assert len(names) == len(METRICS)


@pytest.mark.parametrize("file", ["dashboard.json", "alerts.yaml"])
def test_dashboard_and_alerts_name_only_figures_that_exist(told: Told, file: str) -> None:
    tell_everything(told)
    text = (DEPLOY / "telemetry" / file).read_text("utf-8")
    named = set(re.findall(r"\b(?:staging|http_server)_\w+", text))
    for family in ("staging_", "http_server_request_duration_seconds_"):
        assert any(name.startswith(family) for name in named), family
    assert named <= shown().keys()


def test_every_alert_is_documented_with_what_to_do() -> None:
    groups = yaml.safe_load((DEPLOY / "telemetry" / "alerts.yaml").read_text("utf-8"))["groups"]
    told = [(rule["alert"], rule["annotations"]) for group in groups for rule in group["rules"]]
    rows = [f"| `{name}` | {each['summary']} | {each['action']} |" for name, each in told]
    page = (DEPLOY.parents[2] / "docs/how-to/operate.md").read_text("utf-8")
    assert re.findall(r"^\| `Staging.*", page, re.MULTILINE) == rows


def test_the_collector_gives_every_figure_the_name_that_metrics_has(told: Told) -> None:
    """As its Prometheus exporter makes names, unless told otherwise: unit and kind at the end."""
    collector = yaml.safe_load((DEPLOY / "telemetry/collector.yaml").read_text("utf-8"))
    exporter = collector["exporters"]["prometheus"]
    assert exporter.keys() == {"endpoint", "resource_to_telemetry_conversion"}
    units = {"s": ["seconds"]} | {each.unit: [] for each in METRICS if "{" in each.unit}
    kinds = {"counter": ["total"], "gauge": [], "histogram": []}
    names = set()
    for each in METRICS:
        words = [*re.split(r"[._]", each.name), *units.get(each.unit, [each.unit])]
        names.add("_".join([*words, *kinds[each.kind]]))
    tell_everything(told)
    assert names == {re.sub(r"_(bucket|sum|count)$", "", name) for name in shown()}


def test_a_level_is_shown_until_nobody_knows_it(told: Told) -> None:
    told.level("staging.queue.depth", 207)
    assert [shown()["staging_queue_depth"] for _ in range(2)] == [207, 207]
    told.level("staging.queue.depth", 0)
    assert shown()["staging_queue_depth"] == 0
    told.forget("staging.queue.depth")
    assert "staging_queue_depth" not in shown()


def test_an_alert_for_nothing_happening_is_one_for_nothing_being_told_too() -> None:
    groups = yaml.safe_load((DEPLOY / "telemetry" / "alerts.yaml").read_text("utf-8"))["groups"]
    rules = {rule["alert"]: rule["expr"] for group in groups for rule in group["rules"]}
    for_nothing = [expr for expr in rules.values() if "== 0" in expr]
    assert for_nothing
    for expr in for_nothing:
        assert all(f"absent({name})" in expr for name in re.findall(r"\bstaging_\w+", expr))
    levels = {name for expr in rules.values() for name in re.findall(r"max\((staging_\w+)\)", expr)}
    assert levels == set(re.findall(r"absent\((\w+)\)", rules["StagingQueueUnknown"]))


def test_a_job_goes_on_with_the_trace_of_its_caller(
    told: Told, spans: InMemorySpanExporter
) -> None:
    with told.span("POST /images", parent=CALLER):
        kept = told.current()
    with told.span("staging.job", parent=kept), told.span("staging.provider create"):
        pass
    request, call, job = spans.get_finished_spans()
    trace = int(CALLER.split("-")[1], 16)
    assert {each.context.trace_id for each in (request, call, job)} == {trace}
    assert job.parent is not None
    assert job.parent.span_id == request.context.span_id
    assert call.parent is not None
    assert call.parent.span_id == job.context.span_id


def test_a_span_links_to_others_that_are_not_above_it(
    told: Told, spans: InMemorySpanExporter
) -> None:
    with told.span("staging.job", parent=CALLER):
        job = told.current()
    assert job is not None
    with told.linked("staging.stream tell", links=[job], events=1):
        pass
    step, tell = spans.get_finished_spans()
    (link,) = tell.links
    assert link.context.trace_id == step.context.trace_id
    assert link.context.span_id == step.context.span_id
    assert tell.context.trace_id != step.context.trace_id


def test_a_failure_is_told_by_its_code_and_never_by_its_words(
    told: Told, spans: InMemorySpanExporter
) -> None:
    with pytest.raises(Busy), told.span("staging.provider create"):
        raise Busy("https://replicate.example/?token=very-secret")
    (span,) = spans.get_finished_spans()
    assert span.attributes is not None
    assert span.attributes["error.type"] == "busy"
    assert "very-secret" not in span.to_json()


def test_nothing_is_told_where_nobody_listens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OTEL_EXPORTER_OTLP_ENDPOINT", raising=False)
    with telemetry("tool") as silent:
        assert silent is SILENT
        assert EXPOSED.text() is None


def test_spans_are_names_in_the_log_where_there_is_nothing_else(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("OTEL_EXPORTER_OTLP_ENDPOINT", raising=False)
    log = logging.getLogger("staging_core")
    with telemetry("worker", log_format="json") as logged:
        with logged.span("staging.job", parent=CALLER, **{"staging.job": "7f3a"}):
            logged.note(**{"staging.model": "render"})
            kept = logged.current()
            log.warning("within")
        with logged.span("staging.job", parent=kept):
            log.warning("elsewhere")
        log.warning("after")
        assert logged.current() is None
        assert not tells_figures(logged)
    within, elsewhere, after = map(json.loads, capsys.readouterr().err.splitlines())
    trace = CALLER.split("-")[1]
    assert (within["trace_id"], within["job"], within["model"]) == (trace, "7f3a", "render")
    assert (elsewhere["trace_id"], elsewhere.get("job")) == (trace, None)
    assert not {"trace_id", "span_id", "job", "model"} & after.keys()


def test_figures_are_shown_as_long_as_the_process_tells_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("OTEL_EXPORTER_OTLP_ENDPOINT", raising=False)
    with telemetry("worker", exposed=True) as open_one:
        open_one.count("staging.jobs.moved", state="ready")
        assert shown()["staging_jobs_moved_total"] == 1
    assert EXPOSED.text() is None
