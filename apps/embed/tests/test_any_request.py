"""Whatever the API is asked, within its document or beside it, it answers as the document says.

Schemathesis makes the requests up and runs all its checks: no fault of the server's, no status,
type, header or body that is not documented, nothing taken that is forbidden, nothing done without a
token. ``schemathesis.toml`` beside this file says what is excepted, and why.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from .asked_anything import TOKEN

HERE = Path(__file__).parent
AT_LEAST = 20_000
RUNS_IN_TURN = 10
both = pytest.mark.parametrize("database", ["sqlite", "postgresql"], indirect=True)


@contextmanager
def served(settings: dict[str, Any]) -> Iterator[str]:
    """The URL of a server in a process of its own; it lives until the end."""
    words = [sys.executable, str(HERE / "asked_anything.py"), json.dumps(settings)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
            assert process.poll() is None
        finally:
            process.kill()


def ask(home: Path, settings: dict[str, Any], *words: str, every: bool = True) -> int:
    """How many requests were answered as they must be; it tells which were not, and fails.

    ``every``: each operation has to have been asked.
    """
    home.mkdir(exist_ok=True)
    report = home / "report.json"
    with served({"home": str(home), **settings}) as url:
        command = [
            *(sys.executable, "-m", "schemathesis.cli", "--no-color"),
            *("--config-file", str(HERE / "schemathesis.toml")),
            *("run", f"{url}/schema/openapi.json", "--checks", "all"),
            *("--report", "json", "--report-json-path", str(report), *words),
        ]
        done = subprocess.run(command, capture_output=True, text=True, cwd=home, check=False)
        print(done.stdout)
        assert done.returncode == 0, done.stderr
        # Nobody was shut out meanwhile, so that the answers are about what was asked.
        headers = {"Authorization": f"Bearer {TOKEN}"}
        made = httpx.post(f"{url}/api/v1/projects", json={"name": "last"}, headers=headers)
        assert made.status_code == 201
    told = json.loads(report.read_bytes())
    if every:
        assert told["operations"]["tested"] == told["operations"]["selected"]
    return int(told["test_cases"]["generated"])


@both
@pytest.mark.timeout(600)
def test_some_requests_to_every_route_are_answered_as_documented(
    tmp_path: Path, database: dict[str, Any]
) -> None:
    """The same ones each time; a few for each kind of value that each parameter may have."""
    phases = ("--phases", "examples,coverage,fuzzing")
    asked = ask(tmp_path, database, *phases, "-n", "1", "--generation-deterministic", "--no-shrink")
    assert asked > 1_000


@pytest.mark.full
@both
@pytest.mark.timeout(7200)
def test_any_requests_alone_and_one_after_another_are_answered_as_documented(
    tmp_path: Path, database: dict[str, Any]
) -> None:
    """Other ones each time; the report names the seed."""
    alone = ("--phases", "examples,coverage,fuzzing", "-n", "250")
    assert ask(tmp_path / "alone", database, *alone) >= AT_LEAST
    # A run ends once an answer is not what it was in the same place before, so there are some.
    in_turn = ("--phases", "stateful", "-n", "300")
    for number in range(RUNS_IN_TURN):
        assert ask(tmp_path / f"in-turn-{number}", database, *in_turn, every=False) > 0
