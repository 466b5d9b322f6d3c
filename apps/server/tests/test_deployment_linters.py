"""What is shipped to deploy with, as linters see it: each also finds what is wrong on purpose."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import kubernetes_validate
import promql_parser
import pytest
import yaml

from staging_core.telemetry import METRICS

DEPLOY = Path(__file__).resolve().parents[1] / "deploy"
MANIFESTS = sorted((DEPLOY / "kubernetes").rglob("*.yaml"))
CLUSTERS = ("1.30", "1.33", kubernetes_validate.latest_version())
"""Versions of Kubernetes whose schemas the manifests are held to."""
STYLE = "{extends: default, rules: {line-length: disable, document-start: disable}}"


def resources() -> Iterator[tuple[str, dict[str, Any]]]:
    for path in MANIFESTS:
        for each in yaml.safe_load_all(path.read_text("utf-8")):
            yield f"{path.stem}-{each['kind']}", each


RESOURCES = list(resources())


def lint(tool: str, *words: str | Path) -> str:
    """What the tool complains of; empty where it finds nothing."""
    command = [str(Path(sys.executable).with_name(tool)), *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 else done.stdout + done.stderr


# --- Kubernetes -----------------------------------------------------------------------------------


@pytest.mark.parametrize("version", CLUSTERS)
@pytest.mark.parametrize(("name", "resource"), RESOURCES, ids=[name for name, _ in RESOURCES])
def test_a_manifest_is_what_the_cluster_knows(
    name: str, resource: dict[str, Any], version: str
) -> None:
    kubernetes_validate.validate(resource, version, strict=True)


def test_a_misspelt_field_of_a_manifest_is_found() -> None:
    (deployment,) = [deepcopy(each) for name, each in RESOURCES if name == "worker-Deployment"]
    pod = deployment["spec"]["template"]["spec"]
    pod["enableServiceLink"] = pod.pop("enableServiceLinks")
    with pytest.raises(kubernetes_validate.ValidationError, match="enableServiceLink"):
        kubernetes_validate.validate(deployment, CLUSTERS[-1], strict=True)


# --- Compose, the Containerfile, YAML -------------------------------------------------------------

COMPOSE = ("check-jsonschema", "--builtin-schema", "vendor.compose-spec")


def test_the_compose_file_is_one() -> None:
    assert lint(*COMPOSE, DEPLOY / "compose.yaml") == ""


def test_a_misspelt_key_of_a_compose_file_is_found(tmp_path: Path) -> None:
    text = (DEPLOY / "compose.yaml").read_text("utf-8")
    wrong = tmp_path / "compose.yaml"
    wrong.write_text(text.replace("    healthcheck:", "    healthchek:"))
    assert "healthchek" in lint(*COMPOSE, wrong)


def test_the_containerfile_is_well_made() -> None:
    assert lint("hadolint", "--failure-threshold", "style", DEPLOY / "Containerfile") == ""


def test_an_image_without_a_version_is_found(tmp_path: Path) -> None:
    wrong = tmp_path / "Containerfile"
    wrong.write_text((DEPLOY / "Containerfile").read_text("utf-8").replace(":3.12-slim", ""))
    assert "DL3006" in lint("hadolint", wrong)


def test_yaml_says_what_it_seems_to_say(tmp_path: Path) -> None:
    assert lint("yamllint", "--strict", "-d", STYLE, DEPLOY) == ""
    wrong = tmp_path / "twice.yaml"
    wrong.write_text("memory: 1Gi\nmemory: 2Gi\n")
    assert "duplication" in lint("yamllint", "--strict", "-d", STYLE, wrong)


# --- What Prometheus is asked ---------------------------------------------------------------------


def questions() -> Iterator[str]:
    """Every expression of the alerts and the dashboard."""
    alerts = yaml.safe_load((DEPLOY / "telemetry/alerts.yaml").read_text("utf-8"))
    yield from (rule["expr"] for group in alerts["groups"] for rule in group["rules"])
    board = json.loads((DEPLOY / "telemetry/dashboard.json").read_text("utf-8"))
    for panel in board["panels"]:
        for target in panel["targets"]:
            yield target["expr"].replace("$__rate_interval", "5m")


def labels_of(figure: str) -> set[str]:
    """Those that a figure has, by the name that Prometheus knows it by."""
    (metric,) = [each for each in METRICS if figure.startswith(each.name.replace(".", "_"))]
    return {*metric.labels, "service_name"} | ({"le"} if figure.endswith("_bucket") else set())


def labels_asked(question: str) -> list[tuple[str, set[str]]]:
    """Each figure of the question with the labels that it is chosen, or summed up, by."""
    found: list[tuple[str, set[str]]] = []
    by: set[str] = set()

    def visit(node: promql_parser.Expr) -> None:
        if isinstance(node, promql_parser.AggregateExpr) and node.modifier is not None:
            by.update(node.modifier.labels)
        if isinstance(node, promql_parser.VectorSelector):
            assert node.name is not None
            found.append((node.name, {each.name for each in node.matchers.matchers}))

    promql_parser.walk(promql_parser.parse(question), visit)
    return [(name, labels | by) for name, labels in found]


@pytest.mark.parametrize("question", list(questions()))
def test_prometheus_understands_what_it_is_asked_by_labels_that_there_are(question: str) -> None:
    asked = labels_asked(question)
    assert asked
    for figure, labels in asked:
        assert labels <= labels_of(figure), figure


def test_a_question_that_is_cut_off_and_a_label_that_is_none_are_found() -> None:
    with pytest.raises(ValueError, match="unclosed"):
        promql_parser.parse("sum(rate(staging_attempts_total[5m])")
    (asked,) = labels_asked('sum by (state) (rate(staging_attempts_total{outcom="x"}[5m]))')
    assert asked == ("staging_attempts_total", {"state", "outcom"})
    assert not asked[1] & labels_of(asked[0])
