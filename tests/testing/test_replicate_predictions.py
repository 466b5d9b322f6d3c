"""The double makes, shows, lists, cancels and ends predictions as Replicate does."""

from __future__ import annotations

import io
from typing import Any

import httpx
import pytest
from PIL import Image, ImageChops
from replicate.client import Client
from replicate.exceptions import ReplicateError
from replicate.prediction import Prediction

from staging_core.testing.replicate import RunningReplicate

from .conftest import Connect, Start

QWEN = "qwen/qwen-image-edit"


def output(web: httpx.Client, prediction: Prediction) -> bytes:
    """The first picture that a prediction made."""
    assert isinstance(prediction.output, list)
    return web.get(prediction.output[0]).raise_for_status().content


def test_a_prediction_goes_from_starting_to_succeeded(
    client: Client, staged: dict[str, Any]
) -> None:
    prediction = client.predictions.create(model=QWEN, input=staged)
    assert (prediction.status, prediction.output, prediction.version) == (
        "starting",
        None,
        "hidden",
    )
    prediction.wait()
    assert prediction.status == "succeeded"
    assert prediction.error is None
    assert prediction.metrics is not None
    assert prediction.metrics["predict_time"] >= 0


def test_the_output_is_the_input_changed(
    web: httpx.Client, client: Client, staged: dict[str, Any], photo: bytes
) -> None:
    prediction = client.predictions.create(model=QWEN, input=staged)
    prediction.wait()
    picture = Image.open(io.BytesIO(output(web, prediction)))
    assert picture.format == "PNG"
    assert picture.width * picture.height == pytest.approx(1024 * 1024, rel=0.05)
    assert picture.width / picture.height == pytest.approx(240 / 160, rel=0.02)
    original = Image.open(io.BytesIO(photo)).convert("RGB").resize(picture.size)
    changed = ImageChops.difference(picture.convert("RGB"), original).convert("L")
    share = sum(changed.histogram()[40:]) / (picture.width * picture.height)
    assert 0.01 < share < 0.6


def test_a_seed_repeats_the_output_and_another_changes_it(
    web: httpx.Client, client: Client, staged: dict[str, Any]
) -> None:
    def bytes_of(seed: int) -> bytes:
        prediction = client.predictions.create(model=QWEN, input={**staged, "seed": seed})
        prediction.wait()
        return output(web, prediction)

    assert bytes_of(1) == bytes_of(1) != bytes_of(2)


def test_the_client_may_wait_in_the_call(client: Client, staged: dict[str, Any]) -> None:
    version = client.models.get("staging-core/community-edit").latest_version
    assert version is not None
    community = {"image": staged["image"], "prompt": "a sofa"}
    prediction = client.predictions.create(version=version, input=community, wait=5)
    assert prediction.status == "succeeded"
    assert prediction.version == version.id


def test_an_official_model_is_also_a_version(client: Client, staged: dict[str, Any]) -> None:
    assert client.predictions.create(version=QWEN, input=staged).model == QWEN


def test_predictions_are_listed_the_newest_first_by_pages(
    replicate: RunningReplicate, client: Client, staged: dict[str, Any]
) -> None:
    made = [client.predictions.create(model=QWEN, input=staged).id for _ in range(105)]
    first = client.predictions.list()
    assert [one.id for one in first] == made[:4:-1]
    assert first.previous is None
    assert first.next is not None
    second = client.predictions.list(first.next)
    assert [one.id for one in second] == made[4::-1]
    assert second.next is None
    assert second.previous is not None
    assert [one.id for one in client.predictions.list(second.previous)] == made[:4:-1]


def test_a_running_prediction_is_cancelled_and_stays_so(
    start: Start, connect: Connect, staged: dict[str, Any]
) -> None:
    client = connect(start(run_s=60))
    prediction = client.predictions.create(model=QWEN, input=staged)
    prediction.cancel()
    assert prediction.status == "canceled"
    prediction.cancel()
    prediction.reload()
    assert prediction.status == "canceled"


def test_cancelling_what_has_ended_changes_nothing(client: Client, staged: dict[str, Any]) -> None:
    prediction = client.predictions.create(model=QWEN, input=staged)
    prediction.wait()
    prediction.cancel()
    assert prediction.status == "succeeded"


def test_what_was_never_made_is_not_found(client: Client) -> None:
    for call in (client.predictions.get, client.predictions.cancel):
        with pytest.raises(ReplicateError) as told:
            call("no-such-prediction")
        assert told.value.status == 404


@pytest.mark.parametrize("token", [None, "r8_wrong"])
def test_without_its_token_nobody_is_let_in(
    web: httpx.Client, replicate: RunningReplicate, token: str | None
) -> None:
    headers = {"authorization": f"Bearer {token}"} if token else {}
    answer = web.get(f"{replicate.url}/v1/account", headers=headers)
    assert answer.status_code == 401
    assert answer.json()["title"] == "Unauthenticated"
