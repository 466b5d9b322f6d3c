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


UNKNOWN = {"detail": "The requested resource could not be found.", "status": 404}


def asked(provider: Provider, *, at: list[float], **card: Any) -> list[Waiting | Staged | Failed]:
    """What is said at each time, in seconds."""
    now = 0.0
    stager = provider.stager(clock=lambda: now, **card)

    async def ask() -> list[Waiting | Staged | Failed]:
        nonlocal now
        told = []
        for now in at:  # noqa: B007 - the clock's
            told.append(await stager.check("p1"))
        return told

    return asyncio.run(ask())


@pytest.mark.parametrize("status", [404, 410])
def test_a_prediction_that_is_not_known_is_believed_when_that_is_said_again(status: int) -> None:
    provider = Provider(says(status, {**UNKNOWN, "status": status}))
    *early, last = asked(provider, at=[0, 1, 4, 6])
    assert early == [Waiting()] * 3
    assert isinstance(last, Failed)
    assert last.retryable
    assert last.cost_usd == CARD.price.usd > 0, "what is not known is not for nothing"


def test_a_prediction_that_is_known_after_all_was_never_missing() -> None:
    answers = [UNKNOWN, {"id": "p1", "status": "processing"}, UNKNOWN, UNKNOWN]
    said = iter(answers)
    provider = Provider(
        lambda request: httpx.Response(404 if (one := next(said)) is UNKNOWN else 200, json=one)
    )
    *early, last = asked(provider, at=[0, 10, 20, 26])
    assert all(isinstance(one, Waiting) for one in early)
    assert isinstance(last, Failed)


def test_a_model_that_is_charged_by_time_may_have_taken_all_of_it() -> None:
    provider = Provider(says(404, UNKNOWN))
    *_, last = asked(provider, at=[0, 6], usd_per_second=0.001, time_limit_s=300.0, price=Price())
    assert isinstance(last, Failed)
    assert last.cost_usd == pytest.approx(0.3)


@pytest.mark.parametrize(
    "answer",
    [
        says(404, {}),
        says(404, "<html>no such page"),
        says(404, {"message": "no Route matched with those values"}),
        says(404, {"detail": "not here", "status": 502}),
        says(410, ["gone"]),
    ],
)
def test_what_a_gateway_on_the_way_does_not_find_is_no_news(answer: object) -> None:
    provider = Provider(answer)  # type: ignore[arg-type]
    with pytest.raises(Retryable):
        asked(provider, at=[0, 60])


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
    provider = Provider(says(404, UNKNOWN))
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
