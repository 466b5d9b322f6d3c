"""Submitting, working and looking after jobs."""

from __future__ import annotations

import time
from typing import Any

import pytest

from .conftest import Cli

WISH = ("--room", "bedroom", "--style", "modern")


def submit(cli: Cli, *words: str) -> dict[str, Any]:
    told: dict[str, Any] = cli("submit", "one.jpg", *WISH, *words, "--json").json
    return told


def dead(cli: Cli, jobs: int) -> list[str]:
    """Jobs that ended in an error, the oldest first."""
    with pytest.MonkeyPatch.context() as broken:
        broken.setenv("STAGING_STAGER", "fake:?script=refused")
        made = [submit(cli, "--seed", str(n + 1))["jobs"][0]["id"] for n in range(jobs)]
        cli("worker", "--until-idle")
    return made


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


def test_jobs_are_found_by_error_model_account_and_time(cli: Cli) -> None:
    (job,) = dead(cli, 1)
    queued = submit(cli, "--seed", "9")["jobs"][0]["id"]
    assert _ids(cli, "--code", "refused") == [job]
    assert _ids(cli, "--code", "attempts_exhausted") == []
    assert _ids(cli, "--model", "fake", "--since", "1h") == [queued, job]
    assert _ids(cli, "--model", "other") == _ids(cli, "--account", "nobody") == []
    assert _ids(cli, "--account", "local", "--state", "queued") == [queued]
    assert _ids(cli, "--since", "0s", "--state", "error") == []
    wrong = cli("jobs", "list", "--since", "yesterday", "--json")
    assert (wrong.code, wrong.json["error"]["code"]) == (2, "wrong_use")


def test_a_dead_job_is_made_anew_and_the_record_says_by_whom(cli: Cli) -> None:
    (job,) = dead(cli, 1)
    told = cli("jobs", "requeue", job, "--by", "Ada", "--json").json
    ((pair,), refused) = (told["requeued"], told["refused"])
    assert (pair["from"], pair["job"]["state"], refused) == (job, "queued", [])
    first = cli("jobs", "show", pair["job"]["id"], "--json").json["history"][0]
    assert first["data"] == {"requeued_by": "Ada", "requeued_from": job}
    assert abs(first["at"] - time.time()) < 600
    assert f"requeued by Ada in place of {job}" in cli("jobs", "show", pair["job"]["id"]).out
    assert cli("jobs", "show", job, "--json").json["newest_job_id"] == pair["job"]["id"]
    assert f"newest job is {pair['job']['id']}" in cli("jobs", "show", job).out


def test_only_the_dead_are_made_anew_and_only_once(cli: Cli) -> None:
    (job,) = dead(cli, 1)
    (new,) = cli("jobs", "requeue", job, "--json").json["requeued"]
    for each in (job, new["job"]["id"]):
        again = cli("jobs", "requeue", each, "--json")
        assert (again.code, again.json["error"]["code"]) == (1, "already_final")
    cli("jobs", "cancel", new["job"]["id"])
    assert cli("jobs", "requeue", new["job"]["id"]).code == 1
    nothing = cli("jobs", "requeue", "nothing", "--json")
    assert (nothing.code, nothing.json["error"]["code"]) == (1, "not_found")


def test_many_are_made_anew_after_a_look_at_which(cli: Cli) -> None:
    jobs = dead(cli, 3)
    look = cli("jobs", "requeue", "--code", "refused", "--since", "1h", "--dry-run", "--json").json
    assert [one["from"] for one in look["requeued"]] == jobs[::-1]
    assert (look["dry_run"], {one["job"] for one in look["requeued"]}) == (True, {None})
    assert _ids(cli, "--state", "queued") == []
    assert "2 made anew, 0 not" in cli("jobs", "requeue", "--state", "error", "--limit", "2").out
    assert len(_ids(cli, "--state", "queued")) == 2
    assert "1 made anew, 0 not" in cli("jobs", "requeue", "--state", "error").out
    assert "0 made anew, 0 not" in cli("jobs", "requeue", "--state", "error").out
    cli("worker", "--until-idle")
    assert len(_ids(cli, "--state", "ready")) == 3


def test_one_that_cannot_be_made_anew_does_not_keep_the_others(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    dead(cli, 2)
    monkeypatch.setenv("STAGING_MAX_QUEUED", "1")
    ran = cli("jobs", "requeue", "--state", "error", "--json")
    assert (ran.code, ran.json["error"]["code"]) == (1, "too_many_queued")
    assert (len(ran.json["requeued"]), len(ran.json["refused"])) == (1, 1)


def test_requeueing_wants_one_job_or_a_choice(cli: Cli) -> None:
    for words in ((), ("j", "--state", "error"), ("j", "--dry-run"), ("--limit", "5")):
        assert cli("jobs", "requeue", *words).code == 2


def test_a_job_of_nobody_is_not_found(cli: Cli) -> None:
    ran = cli("jobs", "show", "nothing", "--json")
    assert (ran.code, ran.json["error"]["code"]) == (1, "not_found")


def _ids(cli: Cli, *words: str) -> list[str]:
    return [job["id"] for job in cli("jobs", "list", *words, "--json").json["jobs"]]
