"""What becomes of a prediction: each status, each kind of failure, what it costs."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx
import pytest

from staging_core.backends.replicate.outcome import outcome
from staging_core.backends.replicate.shelf import card_of
from staging_core.errors import Busy, Retryable
from staging_core.models import Failed, Price, Staged, Waiting
from staging_core.prompts import build_prompt

from .provider import API, QWEN, REQUEST, Provider, breaks, says

OUT = "https://replicate.delivery/x/out-0.png"
CARD = card_of(QWEN)


def stands(model: str = QWEN, **prediction: Any) -> Waiting | Staged | Failed:
    return outcome(card_of(model), {"id": "p1", **prediction})


@pytest.mark.parametrize(
    "status", ["starting", "processing", "queued", "perplexed", "", None, 7, []]
)
def test_a_status_that_is_no_end_or_not_understood_is_waiting(status: object) -> None:
    assert isinstance(stands(status=status, output=OUT), Waiting)


def test_a_success_names_its_outputs_and_what_made_them() -> None:
    prompt = build_prompt(REQUEST, CARD.model_card()).text
    staged = stands(
        status="succeeded",
        output=[OUT, f"{OUT}?2"],
        version="v1",
        logs="secret logs",
        metrics={"predict_time": 9.1, "image_count": 2},
        input={"prompt": prompt, "seed": 7, "image": "https://bucket.example/x?Signature=y"},
    )
    assert isinstance(staged, Staged)
    assert [output.url for output in staged.outputs] == [OUT, f"{OUT}?2"]
    assert staged.cost_usd == pytest.approx(0.06)
    assert staged.report == {
        "provider": "replicate",
        "prediction": "p1",
        "model": QWEN,
        "version": "v1",
        "card_version": "1",
        "metrics": {"predict_time": 9.1, "image_count": 2},
        "prompt": prompt,
        "prompt_version": "1",
        "seed": 7,
    }


def test_one_address_is_a_list_of_one() -> None:
    staged = stands(status="succeeded", output=OUT)
    assert isinstance(staged, Staged)
    assert [output.url for output in staged.outputs] == [OUT]


@pytest.mark.parametrize("output", [None, [], "", "data:x", ["ftp://x"], {"a": 1}, 7, [None]])
def test_a_success_without_a_picture_may_be_tried_again(output: object) -> None:
    told = stands(status="succeeded", output=output, data_removed=output is None)
    assert isinstance(told, Failed)
    assert told.retryable
    assert not told.moderated


@pytest.mark.parametrize(
    "message",
    [
        "NSFW content detected. Try running it again, or try a different prompt.",
        "The input or output was flagged as sensitive. Please try again. (E005) (abc)",
        "Request blocked by our safety system",
        "Content moderation: Request Moderated",
        "Your request was rejected as a result of our safety system.",
        "This prompt violates our usage policies",
    ],
)
def test_a_safety_filters_no_is_moderated(message: str) -> None:
    told = stands(status="failed", error=message)
    assert isinstance(told, Failed)
    assert told.moderated
    assert not told.retryable
    assert told.cost_usd == 0


@pytest.mark.parametrize(
    ("message", "meaning"),
    [
        ("CUDA out of memory. Tried to allocate 2 GiB", "ran out of memory"),
        ("Prediction timed out after 30 minutes", "did not answer in time"),
        ("Model setup failed to start", "did not answer in time"),
        ("Service is at capacity (E003)", "is busy"),
        ("KeyError: 'x'", "model failed"),
        (None, "no reason given"),
    ],
)
def test_other_failures_may_pass(message: str | None, meaning: str) -> None:
    told = stands(status="failed", error=message)
    assert isinstance(told, Failed)
    assert told.retryable
    assert not told.moderated
    assert meaning in told.message


def test_a_failures_message_shows_no_address() -> None:
    told = stands(status="failed", error="cannot read https://bucket.example/p?Signature=x today")
    assert isinstance(told, Failed)
    assert "Signature" not in told.message


def test_an_aborted_prediction_is_free_and_a_cancelled_one_is_not() -> None:
    aborted, cancelled = stands(status="aborted"), stands(status="canceled")
    assert isinstance(aborted, Failed)
    assert isinstance(cancelled, Failed)
    assert (aborted.cost_usd, cancelled.cost_usd) == (0.0, 0.03)
    assert aborted.retryable
    assert cancelled.retryable


def test_a_model_that_is_charged_by_time_costs_its_time_also_when_it_fails() -> None:
    provider = Provider(
        says(200, {"id": "p", "status": "failed", "error": "x", "metrics": {"predict_time": 10}})
    )
    told = asyncio.run(provider.stager(usd_per_second=0.001, price=Price()).check("p"))
    assert isinstance(told, Failed)
    assert told.cost_usd == pytest.approx(0.01)


def test_a_price_by_the_megapixel_counts_what_was_asked_for() -> None:
    staged = stands(
        "black-forest-labs/flux-2-pro",
        status="succeeded",
        output=OUT,
        input={"width": 1000, "height": 1000},
    )
    assert isinstance(staged, Staged)
    assert staged.cost_usd == pytest.approx(0.045)


@pytest.mark.parametrize(
    "metrics", [None, [], {"image_count": -3}, {"image_count": "many"}, {"image_count": True}]
)
def test_strange_metrics_are_not_believed(metrics: object) -> None:
    staged = stands(status="succeeded", output=OUT, metrics=metrics)
    assert isinstance(staged, Staged)
    assert staged.cost_usd == pytest.approx(0.03)


# --- asking ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("answer", [says(404, {}), says(410, {})])
def test_a_prediction_that_is_not_known_may_be_tried_again(answer: object) -> None:
    told = asyncio.run(Provider(answer).stager().check("p1"))  # type: ignore[arg-type]
    assert isinstance(told, Failed)
    assert told.retryable


@pytest.mark.parametrize(
    "answer",
    [
        says(429, {}),
        says(500, {}),
        says(503, {}),
        says(200, "<html>"),
        says(401, {}),
        breaks(httpx.ReadError),
    ],
)
def test_while_replicate_cannot_be_asked_it_is_asked_once_and_that_is_said(answer: object) -> None:
    provider = Provider(answer)  # type: ignore[arg-type]
    with pytest.raises((Busy, Retryable)):
        asyncio.run(provider.stager().check("p1"))
    assert len(provider.requests) == 1


def test_a_handle_stays_within_its_path() -> None:
    provider = Provider(says(404, {}))
    asyncio.run(provider.stager().check("../models/x?y=1#z"))
    assert provider.requests[0].url.raw_path == b"/v1/predictions/..%2Fmodels%2Fx%3Fy%3D1%23z"
    assert str(provider.requests[0].url).startswith(API)


@pytest.mark.parametrize(
    "answer", [says(200, {}), says(404, {}), says(409, {}), says(422, {}), says(200, "ok")]
)
def test_cancelling_what_has_ended_or_is_absent_is_done(answer: object) -> None:
    asyncio.run(Provider(answer).stager().cancel("p1"))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (says(500, {}), Retryable),
        (breaks(httpx.ReadError), Retryable),
        (says(429, {}, retry_after="3"), Busy),
    ],
)
def test_cancelling_that_did_not_reach_replicate_is_to_be_repeated(
    answer: object, error: type
) -> None:
    with pytest.raises(error):
        asyncio.run(Provider(answer).stager().cancel("p1"))  # type: ignore[arg-type]


def test_an_answer_without_end_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("staging_core.backends.replicate.transport.MAX_BYTES", 1000)
    endless = httpx.ByteStream(json.dumps({"id": "p1", "logs": "x" * 2000}).encode())
    provider = Provider(lambda request: httpx.Response(200, stream=endless))
    with pytest.raises(Retryable, match="Garbled"):
        asyncio.run(provider.stager().check("p1"))
