"""What the double answers has the shapes that Replicate publishes."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from openapi_schema_validator import OAS30Validator
from replicate.client import Client
from replicate.exceptions import ReplicateError

from staging_core.testing.replicate import RunningReplicate
from staging_core.testing.replicate.catalogue import MODELS
from staging_core.testing.replicate.model import Model

from .conftest import Connect, Start
from .replicate_schema import (
    ACCOUNT,
    FILE,
    MODEL,
    PREDICTION,
    PROBLEM,
    SECRET,
    VERSION,
    check,
    page_of,
)

QWEN = "qwen/qwen-image-edit"
ISSUE_MODELS = {
    "qwen/qwen-image-edit",
    "qwen/qwen-image-edit-plus",
    "black-forest-labs/flux-kontext-max",
    "black-forest-labs/flux-kontext-pro",
    "black-forest-labs/flux-2-pro",
    "bytedance/seedream-4",
    "bytedance/seedream-4.5",
    "google/nano-banana-pro",
    "openai/gpt-image-1.5",
    "openai/gpt-image-2",
}


def asked(
    web: httpx.Client, replicate: RunningReplicate, path: str, method: str = "GET", **more: Any
) -> Any:
    """What the API answers to a path, as JSON."""
    headers = {"authorization": f"Bearer {replicate.token}", **more.pop("headers", {})}
    url = replicate.url + path
    return web.request(method, url, headers=headers, **more).json()


def test_everything_that_is_read_has_its_published_shape(
    web: httpx.Client,
    replicate: RunningReplicate,
    client: Client,
    staged: dict[str, Any],
    photo: bytes,
) -> None:
    made = client.predictions.create(model=QWEN, input=staged)
    made.wait()
    upload = {"content": ("room.png", photo, "image/png")}
    file = asked(web, replicate, "/v1/files", "POST", files=upload)
    version = asked(web, replicate, f"/v1/models/{QWEN}")["latest_version"]["id"]
    check(asked(web, replicate, f"/v1/predictions/{made.id}"), PREDICTION)
    check(asked(web, replicate, "/v1/predictions"), page_of(PREDICTION))
    check(asked(web, replicate, f"/v1/predictions/{made.id}/cancel", "POST"), PREDICTION)
    check(asked(web, replicate, f"/v1/models/{QWEN}"), MODEL)
    check(asked(web, replicate, "/v1/models"), page_of(MODEL))
    check(asked(web, replicate, f"/v1/models/{QWEN}/versions"), page_of(VERSION))
    check(asked(web, replicate, f"/v1/models/{QWEN}/versions/{version}"), VERSION)
    check(file, FILE)
    check(asked(web, replicate, f"/v1/files/{file['id']}"), FILE)
    check(asked(web, replicate, "/v1/files"), page_of(FILE))
    check(asked(web, replicate, "/v1/account"), ACCOUNT)
    check(asked(web, replicate, "/v1/webhooks/default/secret"), SECRET)


def test_a_prediction_has_its_shape_at_every_stage(
    web: httpx.Client, start: Start, staged: dict[str, Any]
) -> None:
    replicate = start(manual=True)
    path, body = f"/v1/models/{QWEN}/predictions", {"input": staged}
    seen = []
    for deed in ("finish", "fail", "moderate"):
        made = asked(web, replicate, path, "POST", json=body, headers={"cancel-after": "5m"})
        seen += [made, asked(web, replicate, f"/v1/predictions/{made['id']}")]
        replicate.act(made["id"], deed)
        seen.append(asked(web, replicate, f"/v1/predictions/{made['id']}"))
    for prediction in seen:
        check(prediction, PREDICTION)
    assert {one["status"] for one in seen} == {"starting", "processing", "succeeded", "failed"}


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.id)
def test_a_models_schema_is_one_and_takes_its_own_defaults(model: Model, client: Client) -> None:
    found = client.models.get(model.id)
    assert found.latest_version is not None
    schemas = found.latest_version.openapi_schema["components"]["schemas"]
    OAS30Validator.check_schema(schemas["Input"])
    for field in model.fields:
        shape = schemas["Input"]["properties"][field.name]
        assert (field.name in schemas) == bool(field.enum)
        if "default" in shape and field.enum:
            assert shape["default"] in schemas[field.name]["enum"]
    assert schemas["Output"]["type"] == ("array" if model.many else "string")


def test_every_model_that_ships_a_card_is_there() -> None:
    assert {model.id for model in MODELS} >= ISSUE_MODELS


@pytest.mark.parametrize(
    ("wrong", "fault"),
    [
        ({"colour": "red"}, ("input", "additional_property_not_allowed")),
        ({"prompt": 7}, ("input.prompt", "invalid_type")),
        ({"seed": "7"}, ("input.seed", "invalid_type")),
        ({"go_fast": 1}, ("input.go_fast", "invalid_type")),
        ({"output_format": "tiff"}, ("input.output_format", "enum")),
        ({"output_quality": 101}, ("input.output_quality", "number_lte")),
        ({"output_quality": -1}, ("input.output_quality", "number_gte")),
        ({"image": ["http://a/b.png"]}, ("input.image", "invalid_type")),
        ({"image": "room.png"}, ("input.image", "format")),
    ],
)
def test_an_input_that_does_not_fit_is_refused_and_makes_nothing(
    web: httpx.Client,
    replicate: RunningReplicate,
    staged: dict[str, Any],
    wrong: dict[str, Any],
    fault: tuple[str, str],
) -> None:
    body = {"input": {**staged, **wrong}}
    answer = asked(web, replicate, f"/v1/models/{QWEN}/predictions", "POST", json=body)
    check(answer, PROBLEM)
    assert (answer["status"], answer["title"]) == (422, "Input validation failed")
    assert [(one["field"], one["type"]) for one in answer["invalid_fields"]] == [fault]
    assert answer["detail"].startswith(f"- {fault[0]}: ")
    assert replicate.predictions() == []


def test_what_is_required_must_be_there(client: Client) -> None:
    with pytest.raises(ReplicateError, match="image is required"):
        client.predictions.create(model=QWEN, input={"prompt": "a sofa"})


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{", 400),
        (b"[]", 400),
        (b"{}", 422),
        (b'{"input": {}, "colour": 1}', 422),
        (b'{"input": {}, "webhook": "ftp://a/b"}', 422),
        (b'{"input": {}, "webhook_events_filter": ["finished"]}', 422),
        (b'{"input": {}, "webhook_events_filter": [[]]}', 422),
    ],
)
def test_a_malformed_request_is_refused(
    web: httpx.Client, replicate: RunningReplicate, body: bytes, status: int
) -> None:
    answer = web.post(
        f"{replicate.url}/v1/models/{QWEN}/predictions",
        content=body,
        headers={"authorization": f"Token {replicate.token}"},
    )
    assert answer.status_code == status
    check(answer.json(), PROBLEM)


def test_an_unknown_version_and_a_community_models_path_are_refused(
    client: Client, staged: dict[str, Any]
) -> None:
    with pytest.raises(ReplicateError) as told:
        client.predictions.create(version="0" * 64, input=staged)
    assert (told.value.status, told.value.title) == (422, "Invalid version or not permitted")
    with pytest.raises(ReplicateError) as told:
        client.predictions.create(model="staging-core/community-edit", input=staged)
    assert told.value.status == 404


def test_an_unknown_status_is_no_shape_of_the_client(
    web: httpx.Client, start: Start, connect: Connect, staged: dict[str, Any]
) -> None:
    """The unmodified client cannot read ``aborted`` or what comes after it: its users must not use
    its models for statuses."""
    replicate = start(start_s=60)
    client = connect(replicate)
    made = asked(
        web,
        replicate,
        f"/v1/models/{QWEN}/predictions",
        "POST",
        json={"input": staged},
        headers={"cancel-after": "5"},
    )
    replicate.advance(6)
    assert asked(web, replicate, f"/v1/predictions/{made['id']}")["status"] == "aborted"
    with pytest.raises(ValueError, match="unexpected value"):
        client.predictions.get(made["id"])
