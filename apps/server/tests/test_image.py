"""What the image is made of: pinned packages, our sources, and nothing else that lies about."""

from __future__ import annotations

import re
import shlex
import tomllib
from pathlib import Path, PurePosixPath

import pytest

ROOT = Path(__file__).resolve().parents[3]
TEXT = (ROOT / "apps/server/deploy/Containerfile").read_text("utf-8").replace("\\\n", " ")
IGNORED = (ROOT / ".dockerignore").read_text("utf-8").splitlines()


def pinned(name: str) -> set[str]:
    """The packages of a file of pins."""
    text = (ROOT / "requirements" / f"{name}.txt").read_text("utf-8")
    return set(re.findall(r"^([a-z0-9-]+)==", text, re.MULTILINE))


def calls_of_pip() -> list[list[str]]:
    """The words of each, from its verb on."""
    runs = re.findall(r"^RUN (.*)$", TEXT, re.MULTILINE)
    commands = [shlex.split(each) for run in runs for each in run.split("&&")]
    return [words[1:] for words in commands if words[0].endswith("/pip")]


def copied() -> list[str]:
    """What is taken from this folder."""
    lines = [shlex.split(line) for line in re.findall(r"^COPY (.*)$", TEXT, re.MULTILINE)]
    return [word for line in lines if "--from" not in line[0] for word in line[:-1]]


def sent(path: str) -> bool:
    """Whether the builder gets it: the last pattern that fits it, or a folder above it, decides."""
    above = [PurePosixPath(path), *PurePosixPath(path).parents][:-1]
    told = True
    for line in IGNORED:
        if line and not line.startswith("#"):
            pattern = line.removeprefix("!")
            if any(each.match(pattern) for each in above):
                told = line.startswith("!")
    return told


@pytest.mark.parametrize("words", calls_of_pip(), ids=" ".join)
def test_the_image_fetches_only_what_is_pinned_with_its_hash(words: list[str]) -> None:
    if words[0] == "wheel":
        assert {"--no-deps", "--no-build-isolation"} <= set(words)
    elif "--no-index" not in words:
        assert "--require-hashes" in words
        assert set(words[words.index("-r") + 1 :]) <= set(copied())


def test_what_the_service_needs_is_pinned() -> None:
    assert {"asyncpg", "litestar", "uvicorn", "s3fs", "taskiq-redis", "replicate", "stripe"} <= (
        pinned("service")
    )


@pytest.mark.parametrize("project", [".", "apps/embed", "apps/server"])
def test_what_builds_our_distributions_is_pinned(project: str) -> None:
    told = tomllib.loads((ROOT / project / "pyproject.toml").read_text("utf-8"))
    needed = {re.split(r"[^a-z0-9-]", each)[0] for each in told["build-system"]["requires"]}
    assert needed <= pinned("build")


def test_the_builder_gets_all_that_is_copied() -> None:
    for name in copied():
        assert (ROOT / name).exists(), name
        assert sent(name), name
    assert sent("src/staging_core/py.typed")
    assert sent("apps/server/src/staging_server/serving.py")


@pytest.mark.parametrize(
    "path",
    [
        *(".env", "staging.env", ".git/config", ".venv/bin/python", ".staging/secret.key"),
        *("apps/server/deploy/.env", "apps/server/deploy/staging.env", "apps/embed/.env"),
        *("src/staging_core/production.env", "src/staging_core/__pycache__/staging.pyc"),
        *("tests/conftest.py", "apps/embed/tests/conftest.py", "requirements/dev.txt"),
    ],
)
def test_the_builder_gets_nothing_that_it_does_not_need(path: str) -> None:
    assert not sent(path)
