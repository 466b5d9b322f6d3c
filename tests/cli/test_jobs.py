"""Submitting, working and looking after jobs."""

from __future__ import annotations

from typing import Any

import pytest

from .conftest import Cli

WISH = ("--room", "bedroom", "--style", "modern")


def submit(cli: Cli, *words: str) -> dict[str, Any]:
    told: dict[str, Any] = cli("submit", "one.jpg", *WISH, *words, "--json").json
    return told


def test_submitted_jobs_wait_for_a_worker(cli: Cli) -> None:
    (job,) = submit(cli)["jobs"]
    assert (job["status"], job["state"], job["attempts"]) == ("queued", "queued", 0)
    assert cli("worker", "--until-idle", "--json").json == {"stopped": "idle"}
    (listed,) = cli("jobs", "list", "--json").json["jobs"]
    assert {"id", "image_id", "status", "state", "attempts", "error"} <= set(listed)
    assert (listed["id"], listed["status"], listed["attempts"]) == (job["id"], "ready", 1)
    assert listed["error"] is None


def test_each_photo_has_its_line_and_a_bad_one_its_error(cli: Cli) -> None:
    ran = cli("submit", "one.jpg", "text.jpg", "two.jpg", *WISH, "--variants", "2", "--json")
    assert ran.code == 1
    assert [len(told.get("jobs", ())) for told in ran.lines] == [2, 0, 2]
    assert ran.lines[1] == {"error": ran.lines[1]["error"]}


def test_the_same_key_never_makes_a_second_job(cli: Cli) -> None:
    first, second = (submit(cli, "--key", "order-4711", "--seed", "5") for _ in range(2))
    assert (first["replayed"], second["replayed"]) == (False, True)
    assert first["group"] == second["group"]
    other = cli("submit", "two.jpg", *WISH, "--key", "order-4711", "--json")
    assert (other.code, other.json["error"]["code"]) == (2, "idempotency_mismatch")
    both = cli("submit", "one.jpg", "two.jpg", *WISH, "--key", "k", "--json")
    assert (both.code, both.json["error"]["code"]) == (2, "wrong_use")


def test_a_job_is_shown_with_its_tries_and_history(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STAGING_STAGER", "fake:?script=retryable")
    (job,) = submit(cli)["jobs"]
    cli("worker", "--until-idle")
    shown = cli("jobs", "show", job["id"], "--json").json
    assert [one["state"] for one in shown["tries"]] == ["failed", "succeeded"]
    assert shown["history"][0]["state"] == "queued"
    assert shown["history"][-1]["state"] == "ready"
    for_people = cli("jobs", "show", job["id"])
    assert for_people.out.startswith(f"{job['id']}: ready\n")
    assert "try 1: failed" in for_people.out


def test_jobs_can_be_cancelled_once_and_retried(cli: Cli) -> None:
    (job,) = submit(cli)["jobs"]
    assert cli("jobs", "cancel", job["id"], "--json").json["state"] == "cancelled"
    again = cli("jobs", "cancel", job["id"], "--json")
    assert (again.code, again.json["error"]["code"]) == (1, "already_final")
    new = cli("jobs", "retry", job["id"], "--json").json
    assert (new["state"], new["image_id"]) == ("queued", job["image_id"])
    assert new["id"] != job["id"]


def test_jobs_are_listed_newest_first_by_state_and_up_to_a_limit(cli: Cli) -> None:
    jobs = [submit(cli, "--seed", str(seed))["jobs"][0]["id"] for seed in (1, 2, 3)]
    cli("jobs", "cancel", jobs[0])
    assert _ids(cli, "--limit", "2") == jobs[:0:-1]
    assert _ids(cli, "--state", "cancelled") == [jobs[0]]
    table = cli("jobs", "list").out.splitlines()
    assert table[0].split() == ["job", "state", "tries", "made", "error"]
    assert len(table) == 4


def test_a_job_of_nobody_is_not_found(cli: Cli) -> None:
    ran = cli("jobs", "show", "nothing", "--json")
    assert (ran.code, ran.json["error"]["code"]) == (1, "not_found")


def _ids(cli: Cli, *words: str) -> list[str]:
    return [job["id"] for job in cli("jobs", "list", *words, "--json").json["jobs"]]
