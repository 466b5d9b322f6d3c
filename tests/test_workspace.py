"""The workspace holds together: pins, versions, scripts."""

from __future__ import annotations

import importlib.util
import os
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

import staging_core

ROOT = Path(__file__).resolve().parents[1]
PROJECTS = [
    ROOT / "pyproject.toml",
    *sorted(ROOT.glob("plugins/*/pyproject.toml")),
    *sorted(ROOT.glob("apps/*/pyproject.toml")),
]
SCRIPTS = [".ci/run", *(f"script/{name}" for name in ("bootstrap", "demo", "pin", "test"))]


def read(project: Path) -> dict[str, Any]:
    return tomllib.loads(project.read_text("utf-8"))


def pins(name: str) -> dict[str, str]:
    """Package to version, as a requirements file pins them."""
    text = (ROOT / "requirements" / name).read_text("utf-8")
    return dict(re.findall(r"^([a-z0-9.-]+)==([^ ;\n]+)", text, re.MULTILINE))


def package(requirement: str) -> str:
    found = re.match(r"[A-Za-z0-9._-]+", requirement)
    assert found is not None
    return re.sub(r"[._-]+", "-", found[0]).lower()


@pytest.mark.parametrize("project", PROJECTS, ids=lambda path: path.parent.name)
def test_every_dependency_is_pinned(project: Path) -> None:
    told = read(project)
    wanted = [*told["project"].get("dependencies", [])]
    for group in told["project"].get("optional-dependencies", {}).values():
        wanted += group
    for group in told.get("dependency-groups", {}).values():
        wanted += [item for item in group if isinstance(item, str)]  # the rest name other groups
    ours = {read(each)["project"]["name"] for each in PROJECTS}
    assert {package(item) for item in wanted} - ours <= pins("dev.txt").keys()


def test_the_wheel_and_the_image_are_tested_with_the_versions_we_develop_with() -> None:
    for shipped in ("runtime.txt", "service.txt", "build.txt"):
        assert pins(shipped).items() <= pins("dev.txt").items()


def test_the_service_reads_heic_and_its_image_has_what_that_needs() -> None:
    """Phones send it; an application that mounts the API chooses for itself."""
    core, service = read(ROOT / "pyproject.toml"), read(ROOT / "apps/server/pyproject.toml")
    assert "staging-core[heif]" in service["project"]["dependencies"]
    needed = core["project"]["optional-dependencies"]["heif"]
    assert {package(item) for item in needed} <= pins("service.txt").keys()


@pytest.mark.parametrize("name", ["dev.txt", "runtime.txt", "service.txt", "build.txt"])
def test_every_pin_has_hashes_and_no_file_names_an_index(name: str) -> None:
    text = (ROOT / "requirements" / name).read_text("utf-8")
    assert "://" not in text
    assert "--index" not in text
    blocks = re.split(r"^(?=\S)", text, flags=re.MULTILINE)
    assert all("--hash=sha256:" in block for block in blocks if "==" in block)


def test_the_version_is_told_once() -> None:
    assert staging_core.__version__ == read(ROOT / "pyproject.toml")["project"]["version"]


@pytest.mark.parametrize("script", SCRIPTS)
def test_every_script_can_be_run_and_stops_at_the_first_error(script: str) -> None:
    path = ROOT / script
    assert os.access(path, os.X_OK)
    assert "set -euo pipefail" in path.read_text("utf-8")


def test_the_fault_suite_makes_the_long_form_of_every_file_of_payment_runs() -> None:
    tests = ROOT / "tests" / "payments"
    files = [path for path in tests.glob("test_*.py") if "PAYMENT_RUNS" in path.read_text("utf-8")]
    named = {f"tests/payments/{path.name}" for path in files}
    spec = importlib.util.spec_from_file_location("noxfile", ROOT / "noxfile.py")
    assert spec is not None
    assert spec.loader is not None
    noxfile = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(noxfile)
    ran: list[tuple[tuple[str, ...], dict[str, Any]]] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(noxfile, "pytest", lambda _, *words, **env: ran.append((words, env)))
        noxfile.faults.func(None)
    [words] = [words for words, env in ran if env.get("STAGING_TEST_PAYMENT_RUNS") == "1000"]
    assert named <= set(words)
    assert "--timeout=7200" in words
