"""What is shipped to deploy with: the files are sound, and name only what there is."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

import pytest
import yaml

from staging_core import Settings

ROOT = Path(__file__).resolve().parents[3]
DEPLOY = ROOT / "apps/server/deploy"
COMPOSE: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text("utf-8"))
OURS = [name for name, each in COMPOSE["services"].items() if each.get("image") == "staging"]
SETTINGS = {f"STAGING_{name.upper()}" for name in Settings.__struct_fields__}
OTHERS = {
    "OTEL_EXPORTER_OTLP_ENDPOINT", "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY", "REPLICATE_API_TOKEN", "REPLICATE_WEBHOOK_SECRET",
}  # fmt: skip


def manifests() -> Iterator[tuple[str, dict[str, Any]]]:
    for path in sorted((DEPLOY / "kubernetes").glob("*.yaml")):
        for each in yaml.safe_load_all(path.read_text("utf-8")):
            yield f"{path.stem}-{each['kind']}", each


PODS = [
    (name, each["spec"]["template"]["spec"])
    for name, each in manifests()
    if each["kind"] in ("Deployment", "Job")
]


def commands() -> Iterator[tuple[str, ...]]:
    for name in OURS:
        yield tuple(COMPOSE["services"][name]["command"])
    for _, pod in PODS:
        yield tuple(pod["containers"][0]["args"])
    (told,) = re.findall(r"^CMD (\[.*\])$", (DEPLOY / "Containerfile").read_text(), re.MULTILINE)
    yield tuple(json.loads(told))


@pytest.mark.parametrize("command", sorted(set(commands())), ids=" ".join)
def test_every_command_is_one_of_ours_with_options_that_it_has(command: tuple[str, ...]) -> None:
    words = [word for word in command if re.fullmatch(r"[a-z]+", word)]
    options = [word for word in command if word.startswith("--")]
    done = subprocess.run(
        [sys.executable, "-m", "staging_core", *words, "--help"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert all(option in done.stdout for option in options)


def test_compose_sets_only_variables_that_mean_something() -> None:
    for name in OURS:
        assert COMPOSE["services"][name]["environment"].keys() <= SETTINGS | OTHERS


def test_the_example_has_every_variable_that_compose_asks_for() -> None:
    asked = set(re.findall(r"\$\{(\w+)", (DEPLOY / "compose.yaml").read_text("utf-8")))
    given = set(re.findall(r"^(\w+)=", (DEPLOY / ".env.example").read_text("utf-8"), re.MULTILINE))
    assert asked == given


def test_the_proxy_in_front_is_named_and_nobody_else_is_believed() -> None:
    example = (DEPLOY / ".env.example").read_text("utf-8")
    (named,) = re.findall(r"^STAGING_TRUSTED_PROXIES=(\S+)$", example, re.MULTILINE)
    (network,) = COMPOSE["networks"]["default"]["ipam"]["config"]
    assert named == network["gateway"]
    assert ip_address(named) in ip_network(network["subnet"])
    assert "STAGING_TRUSTED_PROXIES" in COMPOSE["services"]["api"]["environment"]
    assert all(each.startswith("127.0.0.1:") for each in COMPOSE["services"]["api"]["ports"])
    (api,) = [pod["containers"][0] for name, pod in PODS if name == "api-Deployment"]
    (told,) = [each for each in api["env"] if each["name"] == "STAGING_TRUSTED_PROXIES"]
    for value in (named, told["value"]):
        read = Settings.from_env({"STAGING_TRUSTED_PROXIES": value}).trusted_proxies
        assert read == (value,)


def test_every_process_of_ours_has_time_to_stop_and_no_rights() -> None:
    for name in OURS:
        each = COMPOSE["services"][name]
        assert int(each["stop_grace_period"].removesuffix("s")) > 25
        assert (each["read_only"], each["cap_drop"]) == (True, ["ALL"])
    assert "USER 10001" in (DEPLOY / "Containerfile").read_text("utf-8")


@pytest.mark.parametrize(("name", "pod"), PODS, ids=[name for name, _ in PODS])
def test_a_pod_is_confined(name: str, pod: dict[str, Any]) -> None:
    (container,) = pod["containers"]
    assert pod["securityContext"]["runAsNonRoot"]
    assert pod["automountServiceAccountToken"] is False
    confined = container["securityContext"]
    assert confined["readOnlyRootFilesystem"]
    assert not confined["allowPrivilegeEscalation"]
    assert confined["capabilities"] == {"drop": ["ALL"]}
    assert container["resources"]["limits"]["memory"]


def test_the_api_is_probed_and_what_may_be_moved_has_a_budget() -> None:
    (api,) = [pod["containers"][0] for name, pod in PODS if name == "api-Deployment"]
    assert api["livenessProbe"]["httpGet"]["path"] == "/health"
    assert api["readinessProbe"]["httpGet"]["path"] == "/ready"
    kinds = [name for name, _ in manifests()]
    for part in ("api", "worker"):
        assert f"{part}-PodDisruptionBudget" in kinds
        assert f"{part}-HorizontalPodAutoscaler" in kinds


def test_the_image_installs_what_is_pinned() -> None:
    pinned = (ROOT / "requirements/service.txt").read_text("utf-8")
    assert "--require-hashes -r requirements/service.txt" in (DEPLOY / "Containerfile").read_text()
    for package in ("asyncpg", "litestar", "uvicorn", "s3fs", "taskiq-redis", "replicate"):
        assert re.search(rf"^{package}==", pinned, re.MULTILINE), package


def test_the_collector_takes_what_the_processes_tell() -> None:
    collector = yaml.safe_load((DEPLOY / "telemetry/collector.yaml").read_text("utf-8"))
    for kind in ("traces", "metrics", "logs"):
        pipeline = collector["service"]["pipelines"][kind]
        assert pipeline["receivers"] == ["otlp"]
        assert set(pipeline["exporters"]) <= collector["exporters"].keys()
        assert set(pipeline["processors"]) <= collector["processors"].keys()
    port = collector["receivers"]["otlp"]["protocols"]["http"]["endpoint"].rpartition(":")[2]
    told = COMPOSE["services"]["api"]["environment"]["OTEL_EXPORTER_OTLP_ENDPOINT"]
    assert told.endswith(f":{port}")
