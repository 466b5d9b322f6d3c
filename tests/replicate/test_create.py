"""A create: what is sent, exactly once, and what each answer means for the attempt."""

from __future__ import annotations

import asyncio
import base64
import io
import traceback

import httpx
import msgspec
import pytest
from PIL import Image

from staging_core.backends.replicate.shelf import card_names, card_of
from staging_core.errors import Busy, OutcomeUnknown, ProviderClosed, Refused
from staging_core.models import StageRequest
from staging_core.testing.fake_photo import FakePhoto

from .provider import (
    API,
    PUBLIC,
    QWEN,
    REQUEST,
    TOKEN,
    Provider,
    attempt,
    breaks,
    created,
    photo,
    says,
)

SIGNED = "https://bucket.example/photo.png?X-Amz-Signature=secret"


def made(
    provider: Provider, model: str = QWEN, given: FakePhoto | None = None, **more: object
) -> dict:
    """The body of the one create."""
    stager = provider.stager(model, **more)
    assert asyncio.run(stager.create(REQUEST, given or photo(url=SIGNED), attempt())) == "p1"
    (body,) = provider.creates()
    return body


def test_an_official_model_is_asked_by_its_name() -> None:
    provider = Provider(created)
    made(provider)
    (request,) = provider.requests
    assert request.url == f"{API}/v1/models/{QWEN}/predictions"
    assert request.headers["authorization"] == f"Bearer {TOKEN}"
    assert request.headers["cancel-after"] == "300s"
    assert "prefer" not in request.headers


def test_a_community_model_is_asked_by_its_version() -> None:
    provider = Provider(created)
    body = made(provider, version="abc123")
    assert provider.requests[0].url == f"{API}/v1/predictions"
    assert body["version"] == "abc123"


def test_the_callback_is_asked_for_at_the_end_only() -> None:
    body = made(Provider(created))
    assert body["webhook"] == f"{PUBLIC}/a1"
    assert body["webhook_events_filter"] == ["completed"]


@pytest.mark.parametrize(
    ("api", "callback", "sent"),
    [
        (API, "https://staging.example/c/a1", True),
        (API, "http://staging.example/c/a1", False),
        (API, "https://localhost/c/a1", False),
        (API, "https://192.168.1.5/c/a1", False),
        (API, "https://web/c/a1", False),
        (API, "https://[::1]/c/a1", False),
        ("http://127.0.0.1:9", "http://127.0.0.1:8/c/a1", True),
        ("http://127.0.0.1:9", "https://staging.example/c/a1", True),
    ],
)
def test_a_callback_is_only_asked_for_where_the_provider_reaches_us(
    api: str, callback: str, sent: bool
) -> None:
    provider = Provider(created, api=api)
    called = msgspec.structs.replace(attempt(), callback_url=callback)
    asyncio.run(provider.stager().create(REQUEST, photo(url=SIGNED), called))
    assert ("webhook" in provider.creates()[0]) is sent


@pytest.mark.parametrize("seconds", [-5, 0, 3])
def test_a_deadline_that_is_near_gives_the_least_that_is_taken(seconds: float) -> None:
    provider = Provider(created)
    given = photo(url=SIGNED)
    asyncio.run(provider.stager().create(REQUEST, given, attempt(seconds=seconds)))
    assert provider.requests[-1].headers["cancel-after"] == "5s"


# --- the input ------------------------------------------------------------------------------------


def test_only_what_the_card_lists_is_sent() -> None:
    given = made(Provider(created))["input"]
    assert given.keys() == {
        "image",
        "prompt",
        "seed",
        "aspect_ratio",
        "output_format",
        "output_quality",
        "go_fast",
    }
    assert (given["seed"], given["output_format"], given["go_fast"]) == (7, "png", False)


@pytest.mark.parametrize("model", card_names())
def test_every_model_gets_the_photo_and_the_prompt_in_its_own_fields(model: str) -> None:
    given = made(Provider(created), model, photo(1248, 832, url=SIGNED))["input"]
    card = card_of(model)
    picture = given[card.picture.field]
    assert (picture[0] if card.picture.list else picture).startswith(SIGNED)
    assert "japandi" in given[card.prompt].lower()
    assert ("seed" in given) is ("seed" in card.honours)
    assert given.get("safety_tolerance", 2) <= 2


@pytest.mark.parametrize(
    ("size", "ratio"), [((96, 64), "3:2"), ((64, 64), "1:1"), ((60, 96), "2:3")]
)
def test_the_nearest_ratio_is_chosen(size: tuple[int, int], ratio: str) -> None:
    given = made(Provider(created), "openai/gpt-image-1.5", photo(*size, url=SIGNED))["input"]
    assert given["aspect_ratio"] == ratio


def test_a_size_is_asked_for_in_the_shape_of_the_photo() -> None:
    given = made(Provider(created), "bytedance/seedream-4.5", photo(1248, 832, url=SIGNED))["input"]
    assert (given["width"], given["height"]) == (2496, 1664)


def test_a_shape_that_the_model_cannot_answer_in_is_refused_before_anything_is_sent() -> None:
    provider = Provider(created)
    stager = provider.stager("black-forest-labs/flux-2-pro")
    with pytest.raises(Refused, match="1600x64"):
        asyncio.run(stager.create(REQUEST, photo(1600, 64), attempt()))
    assert not provider.requests


def test_an_option_wins_over_the_default_and_an_unknown_one_is_refused() -> None:
    fast = StageRequest(room="office", style="modern", seed=1, options={"go_fast": True})
    strange = StageRequest(room="office", style="modern", seed=1, options={"steps": 9})
    provider = Provider(created)
    asyncio.run(provider.stager().create(fast, photo(url=SIGNED), attempt()))
    assert provider.creates()[0]["input"]["go_fast"] is True
    with pytest.raises(Refused, match="steps"):
        asyncio.run(provider.stager().create(strange, photo(url=SIGNED), attempt()))


def test_a_seed_is_folded_into_what_the_model_takes_and_stays_the_same() -> None:
    from staging_core.backends.replicate.model_input import folded

    assert folded(7, 100) == 7
    assert folded(2**32 - 1, 2**31 - 1) == folded(2**32 - 1, 2**31 - 1) <= 2**31 - 1
    assert min(folded(seed, 3) for seed in range(1, 10)) == 1


# --- the photo ------------------------------------------------------------------------------------


def uploads(request: httpx.Request) -> httpx.Response:
    if request.url.path == "/v1/files":
        return httpx.Response(
            201,
            json={"id": "f1", "urls": {"get": f"{API}/v1/files/f1"}},
        )
    return created(request)


def test_an_address_that_the_provider_reaches_is_sent_with_the_attempt_in_its_fragment() -> None:
    assert made(Provider(created))["input"]["image"] == f"{SIGNED}#staging-attempt=a1"


def without_files(request: httpx.Request) -> httpx.Response:
    return httpx.Response(404) if request.url.path == "/v1/files" else created(request)


def test_without_a_files_api_the_photo_is_in_the_request_and_shows_the_same_pixels() -> None:
    image = made(Provider(without_files), given=photo())["input"]["image"]
    head, _, data = image.partition(",")
    assert head == "data:image/png;base64"
    sent = Image.open(io.BytesIO(base64.b64decode(data)))
    sent.load()
    assert sent.text == {"staging-attempt": "a1"}
    original = Image.open(io.BytesIO(asyncio.run(photo().read())))
    assert sent.tobytes() == original.tobytes()


def test_else_it_goes_through_the_files_api_under_the_attempts_name() -> None:
    provider = Provider(uploads)
    assert made(provider, given=photo())["input"]["image"] == f"{API}/v1/files/f1"
    assert b'filename="a1.png"' in provider.requests[0].content


def test_an_address_of_this_network_is_not_sent_to_replicate() -> None:
    image = made(Provider(uploads), given=photo(url="http://10.0.0.5/photo.png"))["input"]["image"]
    assert image == f"{API}/v1/files/f1"


@pytest.mark.parametrize("answer", [says(429), says(422, {"detail": "no"})])
def test_the_upload_of_a_refused_create_is_deleted(answer: object) -> None:
    def sometimes(request: httpx.Request) -> httpx.Response:
        return uploads(request) if request.url.path == "/v1/files" else answer(request)  # type: ignore[operator, no-any-return]

    provider = Provider(sometimes)
    with pytest.raises((Busy, Refused)):
        asyncio.run(provider.stager().create(REQUEST, photo(), attempt()))
    assert provider.requests[-1].method == "DELETE"
    assert provider.requests[-1].url.path == "/v1/files/f1"


@pytest.mark.parametrize("answer", [says(500), says(429), breaks(httpx.ReadError)])
def test_an_upload_that_fails_means_that_nothing_was_made(answer: object) -> None:
    provider = Provider(answer)  # type: ignore[arg-type]
    with pytest.raises(Busy):
        asyncio.run(provider.stager().create(REQUEST, photo(), attempt()))
    assert not provider.creates()


# --- what an answer means -------------------------------------------------------------------------


def failure(answer: object) -> Exception:
    provider = Provider(answer)  # type: ignore[arg-type]
    with pytest.raises(Exception) as told:  # noqa: PT011 - which one is what is asked
        asyncio.run(provider.stager().create(REQUEST, photo(url=SIGNED), attempt()))
    assert len(provider.creates()) == 1
    return told.value


@pytest.mark.parametrize("status", [400, 404, 413, 422])
def test_these_are_certainly_not_created_and_never_will_be(status: int) -> None:
    error = failure(says(status, {"detail": "because"}))
    assert isinstance(error, Refused)
    assert "because" in error.message
    assert error.remedy


@pytest.mark.parametrize(("status", "whole"), [(401, True), (402, True), (403, False)])
def test_what_concerns_the_account_is_no_jobs_fault(status: int, whole: bool) -> None:
    error = failure(says(status, {"detail": "because"}))
    assert isinstance(error, ProviderClosed)
    assert error.whole is whole
    assert error.retry_after_s == 60
    assert "because" in error.message
    assert "REPLICATE_API_TOKEN" in error.remedy


@pytest.mark.parametrize("status", [204, 301, 302, 408, 409, 418, 500, 502, 503, 504, 520])
def test_everything_else_is_unknown(status: int) -> None:
    assert isinstance(failure(says(status, {"detail": "because"})), OutcomeUnknown)


@pytest.mark.parametrize(
    "body", ["<html>", "", "[]", "{}", '{"id": 7}', '{"id": "a b"}', '{"id": ""}']
)
def test_an_answer_that_names_no_prediction_is_unknown(body: str) -> None:
    assert isinstance(failure(says(201, body)), OutcomeUnknown)


@pytest.mark.parametrize("error", [httpx.ReadTimeout, httpx.ReadError, httpx.RemoteProtocolError])
def test_a_connection_that_breaks_is_unknown_and_nothing_is_posted_again(error: type) -> None:
    assert isinstance(failure(breaks(error)), OutcomeUnknown)


@pytest.mark.parametrize("error", [httpx.ConnectError, httpx.ConnectTimeout])
def test_a_connection_that_never_came_about_is_busy(error: type) -> None:
    assert isinstance(failure(breaks(error)), Busy)


@pytest.mark.parametrize(
    ("answer", "seconds"),
    [
        (says(429, {"detail": "slow"}, retry_after="12"), 12),
        (says(429, {"detail": "Your rate limit resets in ~30s."}), 30),
        (says(429, {"detail": "slow", "retry_after": 4}), 4),
        (says(429, {"detail": "slow"}), 10),
        (says(429, "<html>busy</html>"), 10),
        (says(429, {"detail": "slow"}, retry_after="999999"), 3600),
        (says(429, {"detail": "slow"}, retry_after="soon"), 10),
        (says(429, {"detail": "slow"}, retry_after="nan"), 10),
        (says(429, f'{{"detail": "slow", "retry_after": {"9" * 400}}}'), 3600),
        (says(429, {"detail": "Try again, retry after " + "9" * 200 + "s."}), 3600),
    ],
)
def test_busy_waits_as_long_as_replicate_says(answer: object, seconds: float) -> None:
    error = failure(answer)
    assert isinstance(error, Busy)
    assert error.retry_after_s == seconds


def test_busy_understands_a_date() -> None:
    from email.utils import formatdate
    from time import time

    error = failure(says(429, {"detail": "slow"}, retry_after=formatdate(time() + 60, usegmt=True)))
    assert isinstance(error, Busy)
    assert 55 < error.retry_after_s <= 61


@pytest.mark.parametrize(
    "answer",
    [
        says(422, {"detail": f"- input.image: {SIGNED} cannot be fetched"}),
        says(500, {"detail": SIGNED}),
        breaks(httpx.ReadError),
    ],
)
def test_no_error_shows_the_photos_address_or_the_token(answer: object) -> None:
    error = failure(answer)
    told = "".join(traceback.format_exception(error))
    assert "ignature" not in told.split("The above exception")[0].split("Traceback")[0]
    assert "Signature=secret" not in f"{error} {error!r} {error.__cause__}"
    assert TOKEN not in told


def test_no_repr_shows_the_token() -> None:
    stager = Provider(created).stager()
    assert TOKEN not in f"{stager!r} {stager._account!r} {stager._account._async_client!r}"
