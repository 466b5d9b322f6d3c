"""Real processes: what goes to which output, and how signals end them."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from .conftest import Cli, ended

Start = Callable[..., subprocess.Popen[str]]
STAGE = ("stage", "one.jpg", "--room", "bedroom", "--style", "modern", "--seed", "3")


def test_in_a_pipe_there_is_an_answer_and_nothing_else(process: Start) -> None:
    ran = ended(process(*STAGE, "-o", "out.png", "--json"))
    assert ran.code == 0
    assert ran.err == ""
    assert ran.json["outputs"][0]["path"] == "out.png"


def test_on_a_terminal_there_are_bars_and_the_answer_stays_readable(folder: Path) -> None:
    leader, follower = pty.openpty()
    command = [sys.executable, "-m", "staging_core", *STAGE, "-o", "out.png"]
    environment = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "100"}
    done = subprocess.run(
        command, stdout=subprocess.PIPE, stderr=follower, env=environment, check=True
    )
    os.close(follower)
    shown = os.read(leader, 1 << 16).decode()
    os.close(leader)
    assert "one.jpg" in shown
    assert "━" in shown
    assert done.stdout.decode() == "out.png: 96 x 64, modern, seed 3\n"


def test_ctrl_c_cancels_the_job_and_leaves_nothing_running(
    process: Start, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STAGING_STAGER", "fake:?delay_ms=60000")
    monkeypatch.setenv("STAGING_SHUTDOWN_S", "0.2")
    started = process(*STAGE, "--json")
    wait_for(lambda: _states(cli) == ["staging"])
    started.send_signal(signal.SIGINT)
    ran = ended(started)
    assert (ran.code, ran.json["error"]["code"]) == (130, "interrupted")
    assert _states(cli) == ["cancelled"]


def test_a_worker_works_until_it_is_told_to_stop(process: Start, cli: Cli) -> None:
    cli("submit", "one.jpg", "--room", "bedroom", "--style", "modern")
    worker = process("worker", "--json")
    wait_for(lambda: _states(cli) == ["ready"])
    worker.send_signal(signal.SIGTERM)
    ran = ended(worker)
    assert (ran.code, ran.json) == (0, {"stopped": "signal"})
    assert ran.err.startswith("Working on the jobs in ")


def test_a_worker_touches_the_file_that_shows_it_alive(process: Start, folder: Path) -> None:
    worker = process("worker", "--alive-file", "alive", "--json")
    wait_for((folder / "alive").exists)
    long_ago = time.time() - 3600
    os.utime(folder / "alive", (long_ago, long_ago))
    wait_for(lambda: (folder / "alive").stat().st_mtime > long_ago + 60)
    worker.send_signal(signal.SIGTERM)
    assert ended(worker).code == 0


def test_a_file_that_cannot_be_touched_is_named_before_any_work(cli: Cli) -> None:
    ran = cli("worker", "--until-idle", "--alive-file", "nowhere/alive", "--json")
    assert (ran.code, ran.json["error"]["code"]) == (2, "setting_invalid")
    assert "nowhere/alive" in ran.json["error"]["message"]


def test_whoever_stops_reading_gets_no_complaint(process: Start) -> None:
    started = process("backends")
    assert started.stdout is not None
    started.stdout.close()
    assert started.stderr is not None
    assert started.stderr.read() == ""
    started.stderr.close()
    assert started.wait(timeout=60) == 1


def _states(cli: Cli) -> list[str]:
    return [job["state"] for job in cli("jobs", "list", "--json").json["jobs"]]


def wait_for(true: Callable[[], bool], seconds: float = 60) -> None:
    """Until another process has got that far."""
    last = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < last, "it never came true"
        time.sleep(0.05)
