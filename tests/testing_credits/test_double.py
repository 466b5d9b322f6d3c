"""The double of a credit service: what it does, what it refuses, how it fails, what it logs."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from staging_core.testing import credits as package
from staging_core.testing.credits import (
    FAULTS,
    Chaos,
    RunningCredits,
    Settings,
    credits_process,
    running_credits,
)
from staging_core.testing.credits.__main__ import _parser, main

PAGE = Path(__file__).resolve().parents[2] / "docs/reference/test-doubles.md"
HOLD: dict[str, Any] = {"id": "h1", "account": "ada", "images": 2}


@pytest.fixture
def service() -> Iterator[RunningCredits]:
    with running_credits(Settings(credits=3)) as running:
        yield running


@pytest.fixture
def client(service: RunningCredits) -> Iterator[httpx.Client]:
    headers = {"authorization": f"Bearer {service.token}"}
    with httpx.Client(base_url=service.url, headers=headers) as client:
        yield client


def left(client: httpx.Client) -> tuple[int, int]:
    told = client.get("/v1/accounts/ada").json()
    return told["left"], told["held"]


def settled(client: httpx.Client, id: str, captured: int, released: int) -> int:
    ending = {"captured": captured, "released": released}
    return client.post(f"/v1/holds/{id}/settle", json=ending).status_code


def test_a_hold_is_made_once_and_settled_once(client: httpx.Client) -> None:
    for _ in range(2):
        assert client.post("/v1/holds", json=HOLD).status_code == 201
    assert left(client) == (1, 2)
    for _ in range(2):
        assert settled(client, "h1", 1, 1) == 200
    assert left(client) == (2, 0)
    assert client.get("/v1/holds/h1").json()["state"] == "settled"


def test_what_was_released_before_it_came_is_never_held(client: httpx.Client) -> None:
    assert settled(client, "h1", 0, 2) == 200
    assert client.post("/v1/holds", json=HOLD).json()["code"] == "over"
    assert left(client) == (3, 0)


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({**HOLD, "images": 4}, 402, "insufficient_credits"),
        ({**HOLD, "id": "h0", "images": 1}, 409, "differs"),
        ({**HOLD, "images": 0}, 422, "invalid"),
        ({**HOLD, "cents": -1}, 422, "invalid"),
        ({**HOLD, "id": ""}, 422, "invalid"),
        ({**HOLD, "more": 1}, 422, "invalid"),
        ([], 422, "invalid"),
    ],
)
def test_a_hold_that_cannot_be_is_refused_and_changes_nothing(
    client: httpx.Client, body: object, status: int, code: str
) -> None:
    client.post("/v1/holds", json={**HOLD, "id": "h0", "images": 2})
    answer = client.post("/v1/holds", json=body)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert left(client) == (1, 2)


def test_an_ending_that_cannot_be_is_refused_and_changes_nothing(client: httpx.Client) -> None:
    client.post("/v1/holds", json=HOLD)
    assert settled(client, "h1", 2, 1) == 422
    assert settled(client, "h1", -1, 3) == 422
    assert settled(client, "nobody", 1, 0) == 404
    assert left(client) == (1, 2)
    assert settled(client, "h1", 2, 0) == 200
    assert settled(client, "h1", 0, 2) == 409
    assert left(client) == (1, 0)


def test_nobody_is_let_in_without_the_token(service: RunningCredits) -> None:
    for headers in ({}, {"authorization": "Bearer guessed"}):
        answer = httpx.post(f"{service.url}/v1/holds", json=HOLD, headers=headers)
        assert answer.status_code == 401
    assert service.holds() == []


@pytest.mark.parametrize(
    ("fault", "is_held"),
    [("busy", 0), ("error_before", 0), ("error_after", 1), ("lost_answer", 1), ("slow_after", 1)],
)
def test_each_fault_does_what_it_says(
    client: httpx.Client, service: RunningCredits, fault: str, is_held: int
) -> None:
    service.chaos(slow_s=0.2)
    service.then(fault, "POST /v1/holds")
    try:
        status = client.post("/v1/holds", json=HOLD, timeout=0.05).status_code
    except httpx.HTTPError:
        status = 0
    statuses = {"busy": 429, "error_before": 500, "error_after": 500}
    assert status == statuses.get(fault, 0)
    assert len(service.holds()) == is_held
    assert client.post("/v1/holds", json=HOLD).status_code == 201


def test_chances_are_drawn_by_the_seed() -> None:
    def fates(seed: int) -> list[int]:
        with running_credits(Settings(seed=seed), Chaos(busy=0.5)) as running:
            headers = {"authorization": f"Bearer {running.token}"}
            url = f"{running.url}/v1/accounts/ada"
            return [httpx.get(url, headers=headers).status_code for _ in range(12)]

    assert fates(1) == fates(1) != fates(2)
    assert set(fates(1)) == {200, 429}


def test_a_double_is_a_process_of_its_own_and_logs_the_truth(tmp_path: Path) -> None:
    log = tmp_path / "truth.jsonl"
    with credits_process(["--log", str(log), "--token", "mine", "--credits", "5"]) as running:
        running.give("ada", 1)
        headers = {"authorization": "Bearer mine"}
        answer = httpx.post(f"{running.url}/v1/holds", json=HOLD, headers=headers)
        assert answer.status_code == 201
        told = running.truth()
    assert [one["event"] for one in told] == ["given", "held", "request"]
    lines = [json.loads(line) for line in log.read_text("utf-8").splitlines()]
    assert lines == told


def test_wrong_options_are_told_at_the_start(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--busy", "2"]) == 2
    assert "not between 0 and 1" in capsys.readouterr().err
    with pytest.raises(ValueError, match="no fault 'rain'"), running_credits() as running:
        running.then("rain")


def test_the_reference_names_every_option_fault_and_event() -> None:
    section = re.search(r"(?ms)^## A credit service$.*?(?=^## )", PAGE.read_text("utf-8"))
    assert section is not None
    words = set(re.findall(r"[\w-]+", " ".join(re.findall(r"`[^`]+`", section[0]))))
    options = {option for action in _parser()._actions for option in action.option_strings}
    faults = {"--" + name.replace("_", "-") for name in Chaos.__struct_fields__}
    assert options - faults - {"-h", "--help"} <= words
    assert {*FAULTS, *Chaos.__struct_fields__} <= words
    assert set(package.__all__) - {"TOKEN"} <= words
    assert {"given", "held", "settled", "never_held", "request"} <= words
    assert {name for name in vars(RunningCredits) if not name.startswith("_")} <= words
