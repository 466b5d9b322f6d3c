"""Deadlines, expiry and limits of the double, on a clock that tests move."""

from __future__ import annotations

import io
from typing import Any

import httpx
import pytest
from replicate.client import Client
from replicate.exceptions import ReplicateError

from staging_core.testing.replicate import RunningReplicate

from .conftest import Connect, Start

QWEN = "qwen/qwen-image-edit"
PATH = f"/v1/models/{QWEN}/predictions"


def create(
    web: httpx.Client, replicate: RunningReplicate, given: dict[str, Any], **headers: str
) -> httpx.Response:
    """A create with these headers."""
    headers = {"authorization": f"Bearer {replicate.token}", **headers}
    url = replicate.url + PATH
    return web.post(url, json={"input": given}, headers=headers)


@pytest.mark.parametrize(
    "lifetime", [("30", 30.0), ("90s", 90.0), ("5m", 300.0), ("1h30m45s", 5445.0)]
)
def test_a_running_prediction_is_cancelled_at_its_deadline(
    web: httpx.Client, start: Start, staged: dict[str, Any], lifetime: tuple[str, float]
) -> None:
    replicate = start(manual=True)
    create(web, replicate, staged, **{"cancel-after": lifetime[0]})
    replicate.advance(lifetime[1] - 5)
    assert replicate.predictions()[0]["status"] == "processing"
    replicate.advance(6)
    (outcome,) = replicate.predictions()
    assert outcome["status"] == "canceled"
    assert outcome["cost_usd"] > 0


def test_what_never_started_is_aborted_and_not_charged(
    web: httpx.Client, start: Start, staged: dict[str, Any]
) -> None:
    replicate = start(start_s=60)
    create(web, replicate, staged, **{"cancel-after": "5s"})
    replicate.advance(6)
    (outcome,) = replicate.predictions()
    assert (outcome["status"], outcome["cost_usd"]) == ("aborted", 0.0)


@pytest.mark.parametrize("lifetime", ["4s", "soon", "", "-5"])
def test_a_lifetime_is_at_least_five_seconds(
    web: httpx.Client, replicate: RunningReplicate, staged: dict[str, Any], lifetime: str
) -> None:
    answer = create(web, replicate, staged, **{"cancel-after": lifetime})
    assert answer.status_code == 400
    assert replicate.predictions() == []


def test_waiting_in_the_call_ends_with_202_when_the_model_takes_longer(
    web: httpx.Client, start: Start, staged: dict[str, Any]
) -> None:
    replicate = start(run_s=600, time_factor=50)
    answer = create(web, replicate, staged, prefer="wait=5")
    assert (answer.status_code, answer.json()["status"]) == (202, "processing")
    assert create(web, replicate, staged).status_code == 201


def test_a_model_runs_as_long_as_it_was_told_to(
    start: Start, connect: Connect, staged: dict[str, Any]
) -> None:
    replicate = start(run_s=20, run_spread_s=10, seed=3)
    client = connect(replicate)
    made = [client.predictions.create(model=QWEN, input=staged).id for _ in range(4)]
    replicate.advance(9)
    assert {client.predictions.get(id).status for id in made} == {"processing"}
    replicate.advance(22)
    ended = [client.predictions.get(id) for id in made]
    assert {one.status for one in ended} == {"succeeded"}


def test_input_output_and_logs_are_gone_after_an_hour(
    web: httpx.Client, replicate: RunningReplicate, client: Client, staged: dict[str, Any]
) -> None:
    made = client.predictions.create(model=QWEN, input=staged)
    made.wait()
    assert isinstance(made.output, list)
    (url,) = made.output
    replicate.advance(3500)
    assert web.get(url).status_code == 200
    replicate.advance(200)
    made.reload()
    assert made.status == "succeeded"
    assert [made.input, made.output, made.logs] == [{}, None, ""]
    assert web.get(url).status_code == 404


def test_a_file_is_uploaded_used_listed_and_deleted(
    client: Client, staged: dict[str, Any], photo: bytes
) -> None:
    file = client.files.create(io.BytesIO(photo), filename="room.png", metadata={"room": 7})
    assert (file.name, file.content_type, file.size) == ("room.png", "image/png", len(photo))
    assert file.metadata == {"room": 7}
    made = client.predictions.create(model=QWEN, input={**staged, "image": file.urls["get"]})
    made.wait()
    assert made.status == "succeeded"
    assert [one.id for one in client.files.list()] == [file.id]
    assert client.files.delete(file.id)
    with pytest.raises(ReplicateError, match="File not found"):
        client.files.get(file.id)


def test_a_file_is_gone_after_an_hour(
    replicate: RunningReplicate, client: Client, staged: dict[str, Any], photo: bytes
) -> None:
    file = client.files.create(io.BytesIO(photo), filename="room.png")
    replicate.advance(3601)
    with pytest.raises(ReplicateError, match="File not found"):
        client.files.get(file.id)
    made = client.predictions.create(model=QWEN, input={**staged, "image": file.urls["get"]})
    made.wait()
    assert made.status == "failed"


def test_an_input_that_is_not_there_or_no_picture_fails(
    client: Client, staged: dict[str, Any]
) -> None:
    for image in ("http://127.0.0.1:9/room.png", "data:text/plain;base64,aGVsbG8="):
        made = client.predictions.create(model=QWEN, input={**staged, "image": image})
        made.wait()
        assert (made.status, bool(made.error)) == ("failed", True)


def test_the_client_hears_when_it_calls_too_often(
    web: httpx.Client, start: Start, staged: dict[str, Any]
) -> None:
    replicate = start(creates_per_minute=3)
    answers = [create(web, replicate, staged) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [201, 201, 201, 429]
    assert int(answers[3].headers["retry-after"]) == 20
    assert answers[3].json()["detail"].startswith("Request was throttled. Your rate limit resets")
    assert len(replicate.predictions()) == 3
    replicate.advance(20)
    assert create(web, replicate, staged).status_code == 201


def test_other_calls_have_a_limit_of_their_own(
    web: httpx.Client, start: Start, staged: dict[str, Any]
) -> None:
    replicate = start(others_per_minute=2)
    headers = {"authorization": f"Bearer {replicate.token}"}
    url = f"{replicate.url}/v1/account"
    answers = [web.get(url, headers=headers) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert create(web, replicate, staged).status_code == 201


def test_granted_credit_allows_six_creates_a_minute(
    web: httpx.Client, start: Start, staged: dict[str, Any]
) -> None:
    replicate = start(granted=True)
    statuses = [create(web, replicate, staged).status_code for _ in range(7)]
    assert statuses == [201] * 6 + [429]
