"""The log of the truth: complete, in a file too, and open to the checker of another process."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from replicate.client import Client

from staging_core.testing.conformance.defers import Faults
from staging_core.testing.replicate import ReplicateFaults, RunningReplicate, replicate_process

from .conftest import Connect, Start
from .receiver import Receiver

QWEN = "qwen/qwen-image-edit"


def test_every_request_prediction_status_and_callback_is_in_it(
    replicate: RunningReplicate, client: Client, staged: dict[str, Any], receiver: Receiver
) -> None:
    webhook = f"{receiver.url}/api/v1/callbacks/attempt-7"
    made = client.predictions.create(
        model=QWEN, input=staged, webhook=webhook, webhook_events_filter=["completed"]
    )
    receiver.wait_for(1)
    made.reload()
    truth = replicate.truth()
    assert [line["n"] for line in truth] == list(range(len(truth)))
    told = {line["event"]: line for line in truth}
    assert told["prediction"]["attempt"] == "attempt-7"
    assert (told["status"]["status"], told["status"]["cost_usd"]) == ("succeeded", 0.03)
    assert (told["callback"]["sending"], told["callback"]["answer"]) == (1, 200)
    requests = [(line["method"], line["status"]) for line in truth if line["event"] == "request"]
    assert requests == [("POST", 201), ("GET", 200)]
    (outcome,) = replicate.predictions()
    assert outcome | {"created_at": 0, "completed_at": 0} == {
        "id": made.id,
        "model": QWEN,
        "attempt": "attempt-7",
        "status": "succeeded",
        "cost_usd": 0.03,
        "created_at": 0,
        "completed_at": 0,
        "faults": [],
    }


def test_a_token_that_reaches_an_output_is_a_leak(
    web: httpx.Client, replicate: RunningReplicate, client: Client, staged: dict[str, Any]
) -> None:
    made = client.predictions.create(model=QWEN, input=staged)
    made.wait()
    assert isinstance(made.output, list)
    web.get(made.output[0])
    assert replicate.truth("leak") == []
    web.get(made.output[0], headers={"authorization": f"Bearer {replicate.token}"})
    (leak,) = replicate.truth("leak")
    assert leak["prediction"] == made.id
    assert replicate.token not in json.dumps(replicate.truth())


def test_the_file_has_the_same_lines(start: Start, connect: Connect, tmp_path: Path) -> None:
    log = tmp_path / "truth.jsonl"
    replicate = start(log=log)
    connect(replicate).accounts.current()
    replicate.chaos(busy=0.5)
    lines = [json.loads(line) for line in log.read_text("utf-8").splitlines()]
    assert lines == replicate.truth()
    assert [line["event"] for line in lines] == ["request", "chaos"]


def test_a_double_is_a_process_of_its_own(
    connect: Connect, staged: dict[str, Any], tmp_path: Path
) -> None:
    log = tmp_path / "truth.jsonl"
    options = ["--seed", "4", "--log", str(log), "--failed", "1", "--token", "r8_mine"]
    with replicate_process(options) as replicate:
        client = connect(replicate)
        assert replicate.token == "r8_mine"  # noqa: S105 - of this test
        assert client.webhooks.default.secret().key == replicate.secret
        made = client.predictions.create(model=QWEN, input=staged)
        made.wait()
        assert made.status == "failed"
        told = replicate.truth()
    lines = [json.loads(line) for line in log.read_text("utf-8").splitlines()]
    assert lines[: len(told)] == told


def test_wrong_options_are_told_at_the_start(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(RuntimeError, match="did not start"), replicate_process(["--busy", "2"]):
        pass
    assert "not between 0 and 1" in capfd.readouterr().err


def test_the_conformance_suite_may_ask_it_to_misbehave(
    start: Start, connect: Connect, staged: dict[str, Any]
) -> None:
    replicate = start(manual=True)
    client = connect(replicate)
    faults: Faults = ReplicateFaults(replicate)

    def made() -> str:
        return client.predictions.create(model=QWEN, input=staged).id

    finished, failed, moderated, cancelled = (made() for _ in range(4))
    assert faults.made() == 4
    assert client.predictions.get(finished).status == "processing"
    faults.finish(finished)
    faults.fail(failed)
    faults.fail(moderated, moderated=True)
    client.predictions.cancel(cancelled)
    faults.finish(cancelled)
    ends = [client.predictions.get(id).status for id in (finished, failed, moderated, cancelled)]
    assert ends == ["succeeded", "failed", "failed", "canceled"]
    assert "NSFW" in (client.predictions.get(moderated).error or "")
    for fault in (faults.lose_answer, faults.land_late):
        fault()
        with pytest.raises(httpx.RemoteProtocolError):
            made()
    assert faults.made() == 6
    faults.be_busy()
    with pytest.raises(Exception, match="throttled"):
        made()
    assert ReplicateFaults(replicate).made() == 0


def test_an_output_that_expires_and_a_strange_status_are_done_on_request(
    web: httpx.Client, start: Start, connect: Connect, staged: dict[str, Any]
) -> None:
    replicate = start(manual=True)
    client, faults = connect(replicate), ReplicateFaults(replicate)
    made = client.predictions.create(model=QWEN, input=staged)
    faults.finish(made.id)
    made.reload()
    assert isinstance(made.output, list)
    url = made.output[0]
    faults.expire_output(made.id)
    made.reload()
    assert made.status == "succeeded"
    assert made.dict()["output"] is None
    assert web.get(url).status_code == 404
    strange = client.predictions.create(model=QWEN, input=staged)
    faults.say_strangely(strange.id)
    assert replicate.predictions()[-1]["status"] == "preempted"
