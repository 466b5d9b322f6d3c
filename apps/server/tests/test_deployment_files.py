"""What is shipped to deploy with: the files are sound, and name only what there is."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from staging_core import Settings
from staging_core.errors import SettingError
from staging_core.readiness import _TIME_LIMIT_S

from .processes import serving

ROOT = Path(__file__).resolve().parents[3]
DEPLOY = ROOT / "apps/server/deploy"
COMPOSE: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text("utf-8"))
OURS = [name for name, each in COMPOSE["services"].items() if each.get("image") == "staging"]
SETTINGS = {f"STAGING_{name.upper()}" for name in Settings.__struct_fields__}
OTHERS = {
    "OTEL_EXPORTER_OTLP_ENDPOINT", "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY", "REPLICATE_API_TOKEN", "REPLICATE_WEBHOOK_SECRET",
    "STRIPE_SECRET_KEY", "STRIPE_WEBHOOK_SECRETS",
}  # fmt: skip


def manifests() -> Iterator[tuple[str, dict[str, Any]]]:
    for path in sorted((DEPLOY / "kubernetes").rglob("*.yaml")):
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
    named = re.findall(
        r"^(?:# )?(\w+)=", (DEPLOY / "staging.env.example").read_text(), re.MULTILINE
    )
    assert set(named) <= SETTINGS | OTHERS


def test_the_example_has_every_variable_that_compose_asks_for() -> None:
    asked = set(re.findall(r"\$\{(\w+)", (DEPLOY / "compose.yaml").read_text("utf-8")))
    given = set(re.findall(r"^(\w+)=", (DEPLOY / ".env.example").read_text("utf-8"), re.MULTILINE))
    assert asked == given


def test_the_proxy_in_front_is_named_and_nobody_else_is_believed() -> None:
    example = (DEPLOY / "staging.env.example").read_text("utf-8")
    (named,) = re.findall(r"^STAGING_TRUSTED_PROXIES=(\S+)$", example, re.MULTILINE)
    (network,) = COMPOSE["networks"]["default"]["ipam"]["config"]
    assert named == network["gateway"]
    assert ip_address(named) in ip_network(network["subnet"])
    (api,) = [pod["containers"][0] for name, pod in PODS if name == "api-Deployment"]
    (told,) = [each for each in api["env"] if each["name"] == "STAGING_TRUSTED_PROXIES"]
    for value in (named, told["value"]):
        read = Settings.from_env({"STAGING_TRUSTED_PROXIES": value}).trusted_proxies
        assert read == (value,)


def told_to_deployers() -> set[str]:
    """Every variable of settings and secrets that a page for deployers says to set."""
    pages = ("deploy", "serve-over-http", "authentication", "run-in-containers", "operate")
    text = "".join((ROOT / f"docs/how-to/{page}.md").read_text("utf-8") for page in pages)
    told = set(re.findall(r"\b(?:STAGING|REPLICATE|AWS)_[A-Z_]+[A-Z]\b", text))
    return told - {"STAGING_DATABASE_ADMIN", "STAGING_CONFIG"}


@pytest.mark.parametrize("process", ["api", "worker", "migrate"])
def test_what_the_documentation_tells_a_deployer_to_set_reaches_every_process(process: str) -> None:
    service = COMPOSE["services"][process]
    assert {"STAGING_TRUSTED_PROXIES", "STAGING_SECRETS_KEY"} <= told_to_deployers()
    assert service["env_file"] == ["staging.env"]
    # What compose says itself wins over the file, so it may be only what compose starts.
    settled = service["environment"].keys() & told_to_deployers()
    assert settled == {
        "STAGING_DATABASE", "STAGING_QUEUE", "STAGING_STORAGE",
        "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY",
    }  # fmt: skip


def test_the_examples_hold_no_secret_that_could_be_left_as_it_is() -> None:
    for example in (".env.example", "staging.env.example"):
        lines = (DEPLOY / example).read_text("utf-8").splitlines()
        secret = re.compile(r"(# )?\w+(PASSWORD|SECRET|TOKEN|_KEY)=")
        assert [line for line in lines if secret.match(line) and not line.endswith("=")] == []
    # And compose refuses what is empty, as the settings do.
    text = (DEPLOY / "compose.yaml").read_text("utf-8")
    assert re.findall(r"\$\{\w+(?!\w|:\?)", text) == []


def test_the_owner_of_the_tables_is_known_to_the_migration_only() -> None:
    told = [name for name in OURS if "STAGING_OWNER_PASSWORD" in str(COMPOSE["services"][name])]
    assert told == ["migrate"]
    assert "STAGING_DATABASE_ADMIN" in COMPOSE["services"]["migrate"]["environment"]
    assert "STAGING_DATABASE_ADMIN" not in (DEPLOY / "staging.env.example").read_text("utf-8")
    secrets = {name: secrets_of(pod) for name, pod in PODS}
    assert secrets == {
        "api-Deployment": {"staging"},
        "worker-Deployment": {"staging"},
        "job-Job": {"staging", "staging-owner"},
    }


def secrets_of(pod: dict[str, Any]) -> set[str]:
    """Every secret that a pod names, wherever it does."""
    found = re.findall(r"'secret(?:Ref|KeyRef|Name)?': (?:\{[^}]*'name': )?'([^']+)'", str(pod))
    return set(found)


def test_compose_waits_for_a_server_that_others_can_reach() -> None:
    asked = COMPOSE["services"]["postgres"]["healthcheck"]["test"]
    assert asked[asked.index("--host") + 1] == "127.0.0.1"


def test_images_of_others_are_those_that_were_chosen() -> None:
    for name, each in COMPOSE["services"].items():
        _, _, tag = each["image"].partition(":")
        assert name in OURS or (tag and tag != "latest"), name


def test_what_compose_serves_is_for_this_machine_only_and_the_proxy_on_it() -> None:
    """Figures are for nobody else; API and storage would be reached without TLS."""
    served = {name: each["ports"] for name, each in COMPOSE["services"].items() if "ports" in each}
    assert served.keys() == {"api", "storage", "collector"}
    assert all(port.startswith("127.0.0.1:") for ports in served.values() for port in ports)


def test_where_browsers_reach_the_storage_is_for_whoever_deploys_to_say() -> None:
    example = (DEPLOY / ".env.example").read_text("utf-8")
    comment = example.partition("STORAGE_PUBLIC_URL=")[0].rpartition("\n\n")[2]
    assert "The address under which browsers reach the storage" in comment
    page = (ROOT / "docs/how-to/run-in-containers.md").read_text("utf-8")
    assert "STORAGE_PUBLIC_URL" in page


def test_a_migration_is_made_anew_for_every_version() -> None:
    (job,) = [each for name, each in manifests() if name == "job-Job"]
    assert "name" not in job["metadata"]
    assert job["metadata"]["generateName"]
    assert job["spec"]["ttlSecondsAfterFinished"] > 0


def test_what_an_autoscaler_counts_no_manifest_counts_too() -> None:
    scaled = {
        each["spec"]["scaleTargetRef"]["name"]
        for name, each in manifests()
        if name.endswith("-HorizontalPodAutoscaler")
    }
    deployed = {
        each["metadata"]["name"]: each["spec"]
        for name, each in manifests()
        if name.endswith("-Deployment")
    }
    assert deployed.keys() == scaled
    assert not any("replicas" in spec for spec in deployed.values())


def worker_probes() -> Iterator[tuple[str, ...]]:
    (worker,) = [pod["containers"][0] for name, pod in PODS if name == "worker-Deployment"]
    for kind in ("startupProbe", "livenessProbe"):
        yield tuple(worker[kind]["exec"]["command"])
    (_, *words) = COMPOSE["services"]["worker"]["healthcheck"]["test"]
    yield tuple(word.replace("$$", "$") for word in words)


@pytest.mark.parametrize("probe", sorted(set(worker_probes())))
def test_a_workers_probe_tells_one_that_lives_from_one_that_hangs(
    probe: tuple[str, ...], tmp_path: Path
) -> None:
    file = "/tmp/alive"  # noqa: S108 - in a container
    (worker,) = [pod["containers"][0] for name, pod in PODS if name == "worker-Deployment"]
    for words in (worker["args"], COMPOSE["services"]["worker"]["command"]):
        assert words[words.index("--alive-file") + 1] == file
    alive = tmp_path / "alive"
    command = [word.replace(file, str(alive)) for word in probe]

    def healthy() -> bool:
        return subprocess.run(command, check=False, capture_output=True).returncode == 0

    assert not healthy()
    alive.touch()
    assert healthy()
    long_ago = time.time() - 120
    os.utime(alive, (long_ago, long_ago))
    assert not healthy()


def test_the_apis_probe_tells_one_that_serves_from_one_that_does_not(tmp_path: Path) -> None:
    (_, python, *words) = COMPOSE["services"]["api"]["healthcheck"]["test"]
    assert python == "python"

    def healthy(port: int | None) -> bool:
        command = [sys.executable, *(word.replace("8080", str(port)) for word in words)]
        return subprocess.run(command, check=False, capture_output=True).returncode == 0

    with serving(tmp_path, STAGING_STAGER="fake:", STAGING_PLUGINS="server") as served:
        port = httpx.URL(served.url).port
        assert healthy(port)
        assert served.stop() == 0
    assert not healthy(port)


def test_an_image_that_serves_is_asked_for_its_health_and_what_else_it_is_says_how() -> None:
    """The image's own check would hold a worker for a sick API."""
    image = (DEPLOY / "Containerfile").read_text("utf-8")
    (asked,) = re.findall(r"^HEALTHCHECK .*CMD (\[.*\])$", image, re.MULTILINE)
    checks = {name: COMPOSE["services"][name]["healthcheck"] for name in OURS}
    assert ["CMD", *json.loads(asked)] == checks["api"]["test"]
    assert checks["migrate"] == {"disable": True}
    assert "alive" in str(checks["worker"]["test"])


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
    assert pod["enableServiceLinks"] is False
    confined = container["securityContext"]
    assert confined["readOnlyRootFilesystem"]
    assert not confined["allowPrivilegeEscalation"]
    assert confined["capabilities"] == {"drop": ["ALL"]}
    assert container["resources"]["limits"]["memory"]


def test_what_a_cluster_tells_of_its_services_would_be_taken_for_settings() -> None:
    """Why no pod may have service links, as it has unless it says otherwise."""
    (service,) = [each for name, each in manifests() if name == "api-Service"]
    prefix = service["metadata"]["name"].upper().replace("-", "_")
    with pytest.raises(SettingError, match=f"{prefix}_SERVICE_HOST"):
        Settings.from_env({f"{prefix}_SERVICE_HOST": "10.0.0.9"})


ITSELF, PICTURE, RENDER = 256, 600, 1024
"""MiB that an API or a worker keeps, and the most that a picture process and the one of `render:`
were seen to take for a photo of 50 megapixels, the largest by default (`max_pixels`)."""


@pytest.mark.parametrize(("part", "besides"), [("api", 0), ("worker", RENDER)])
def test_a_pods_memory_is_enough_for_its_picture_processes(part: str, besides: int) -> None:
    """On nodes of any size: by default there is one for each core that a process sees."""
    (container,) = [pod["containers"][0] for name, pod in PODS if name == f"{part}-Deployment"]
    named = {each["name"]: each["value"] for each in container["env"]}
    processes = int(named["STAGING_PICTURE_PROCESSES"])
    assert mib(container["resources"]["limits"]["memory"]) >= (
        ITSELF + processes * PICTURE + besides
    )


def mib(quantity: str) -> int:
    """Memory as manifests write it."""
    return int(quantity[:-2]) * {"Mi": 1, "Gi": 1024}[quantity[-2:]]


def test_the_api_is_probed_and_what_may_be_moved_has_a_budget() -> None:
    (api,) = [pod["containers"][0] for name, pod in PODS if name == "api-Deployment"]
    assert api["livenessProbe"]["httpGet"]["path"] == "/health"
    kinds = [name for name, _ in manifests()]
    for part in ("api", "worker"):
        assert f"{part}-PodDisruptionBudget" in kinds
        assert f"{part}-HorizontalPodAutoscaler" in kinds


def test_what_all_apis_share_keeps_a_new_one_out_and_takes_no_old_one_out() -> None:
    """A Redis that is away costs wakes, and no request; one that needs what is away is told so."""
    (api,) = [pod["containers"][0] for name, pod in PODS if name == "api-Deployment"]
    startup = api["startupProbe"]
    assert startup["httpGet"]["path"] == "/ready"
    assert startup["timeoutSeconds"] > _TIME_LIMIT_S
    assert startup["periodSeconds"] * startup["failureThreshold"] >= 300
    assert api["readinessProbe"]["httpGet"]["path"] == "/health"


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
