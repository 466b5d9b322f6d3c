"""Each benchmark of the engine runs, in its quick form; whether it is fast is not tested here."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SQLITE = ("--database", "sqlite")
QUICK = {
    "queue": ("--n", "20"),
    "presign": ("--n", "50"),
    "writes": ("--n", "2"),
    "ledger": ("--n", "10"),
    "scale": ("--n", "400", "--few", "200", "--samples", "10", *SQLITE),
    "inflight": ("--n", "40", "--finish", "2", *SQLITE),
    "engine": ("--jobs", "20", "--rounds", "1"),
    "http": ("--n", "100"),
    "sse": ("--streams", "20", "--n", "5", "--rate", "50", "--seconds", "1"),
    "bytes": ("--photos", "2", "--at-once", "2", "--megabytes", "0.5", "--rounds", "1"),
    "staging": ("--n", "2", "--warm", "1", "--rate", "4", "--run-s", "0.1"),
}
LOST = ("ended as", "came nowhere", "are left of")


@pytest.mark.parametrize("name", QUICK)
def test_it_prints_its_figures_and_loses_nothing(name: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", name, "--json", *QUICK[name]],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode in (0, 1), done.stderr
    result = json.loads(done.stdout)
    assert result["name"] == name
    assert result["subject"] > 0
    assert result["floor"] > 0
    assert not [error for error in result["errors"] if any(word in error for word in LOST)]


def test_crash_takes_its_forms_from_the_fault_suite() -> None:
    code = "from benchmarks.crash import form_of; print(form_of(short=True).jobs)"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert int(done.stdout) > 0
