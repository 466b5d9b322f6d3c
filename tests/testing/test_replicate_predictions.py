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

from staging_core.testing.replicate import RunningReplicate, running_replicate
from staging_core.testing.replicate.catalogue import BY_ID, MODELS
from staging_core.testing.replicate.model import Model
from staging_core.testing.replicate.sizes import output_size

from .conftest import Connect, Start, data_uri

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


def test_outputs_may_be_served_on_a_port_of_their_own(
    web: httpx.Client, connect: Connect, staged: dict[str, Any]
) -> None:
    with running_replicate(outputs_elsewhere=True) as replicate:
        made = connect(replicate).predictions.create(model=QWEN, input=staged)
        made.wait()
        assert output(web, made).startswith(b"\x89PNG")
        assert isinstance(made.output, list)
        assert not made.output[0].startswith(replicate.url)


def test_an_input_is_fetched_from_its_url_and_nowhere_else(
    start: Start, client: Client, connect: Connect, staged: dict[str, Any]
) -> None:
    """One double's output is another one's input, unless it redirects."""
    other = start()
    made = connect(other).predictions.create(model=QWEN, input=staged)
    made.wait()
    assert isinstance(made.output, list)
    then = client.predictions.create(model=QWEN, input={**staged, "image": made.output[0]})
    then.wait()
    assert then.status == "succeeded"
    assert other.truth("leak") == []
    other.then("private_redirect")
    away = connect(other).predictions.create(model=QWEN, input=staged)
    away.wait()
    assert isinstance(away.output, list)
    failed = client.predictions.create(model=QWEN, input={**staged, "image": away.output[0]})
    failed.wait()
    assert (failed.status, failed.error) == ("failed", "The input answered 302.")


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.id)
def test_every_model_stages_with_no_more_than_it_asks_for(
    web: httpx.Client, client: Client, photo: bytes, model: Model
) -> None:
    picture: Any = data_uri(photo)
    given = {model.picture.name: [picture] if model.picture.type == "array" else picture}
    if any(field.name == "prompt" for field in model.fields):
        given["prompt"] = "a sofa"
    version = model.id if model.official else model.version
    made = client.predictions.create(version=version, input=given)
    made.wait()
    assert made.status == "succeeded", made.error
    assert isinstance(made.output, list) == model.many
    url = made.output[0] if isinstance(made.output, list) else made.output
    drawn = Image.open(io.BytesIO(web.get(str(url)).content))
    assert drawn.size == output_size(model, model.filled(given), (240, 160))


def test_sizes_are_those_of_the_models() -> None:
    photo = (3000, 2000)

    def size(id: str, **given: Any) -> tuple[int, int]:
        return output_size(BY_ID[id], BY_ID[id].filled(given), photo)

    assert size("black-forest-labs/flux-kontext-max") == (1248, 832)
    assert size("black-forest-labs/flux-kontext-pro", aspect_ratio="1:1") == (1024, 1024)
    assert size("qwen/qwen-image-edit") == (1248, 832)
    custom = {"aspect_ratio": "custom", "width": 1400, "height": 930}
    assert size("black-forest-labs/flux-2-pro", **custom) == (1408, 928)
    assert size("bytedance/seedream-4", size="custom", width=1500, height=1000) == (1500, 1000)
    assert size("google/nano-banana-pro", resolution="1K") == (1248, 832)
    assert size("openai/gpt-image-2", aspect_ratio="3:2") == (1536, 1024)
    assert size("philz1337x/crystal-upscaler", scale_factor=1.5) == (4500, 3000)
    assert size("topazlabs/image-upscale", upscale_factor="None") == (3000, 2000)


def test_several_pictures_are_several_outputs_and_cost_as_many(
    replicate: RunningReplicate, client: Client, photo: bytes
) -> None:
    given = {"input_images": [data_uri(photo)], "prompt": "a sofa", "number_of_images": 3}
    made = client.predictions.create(model="openai/gpt-image-2", input=given)
    made.wait()
    assert isinstance(made.output, list)
    assert len(set(made.output)) == 3
    assert replicate.predictions()[0]["cost_usd"] == pytest.approx(0.18)
