"""Holding a card against what a model publishes."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from staging_core.backends.replicate.card import ReplicateCard, SeedInput
from staging_core.backends.replicate.schema import published
from staging_core.backends.replicate.shelf import card_names, card_of
from staging_core.backends.replicate.verify import differences
from staging_core.testing.replicate.catalogue import BY_ID
from staging_core.testing.replicate.model import openapi_schema

QWEN = "qwen/qwen-image-edit"


def document(model: str = QWEN) -> dict[str, Any]:
    """A model as Replicate shows it."""
    return {"latest_version": {"id": "v1", "openapi_schema": openapi_schema(BY_ID[model])}}


def told(card: ReplicateCard, shown: dict[str, Any]) -> dict[str, str]:
    schema = published(shown)
    assert schema is not None
    return {one.field: one.message for one in differences(card, schema)}


@pytest.mark.parametrize("model", card_names())
def test_every_card_fits_the_schema_of_the_double(model: str) -> None:
    assert told(card_of(model), document(model)) == {}


def changed(**properties: Any) -> dict[str, Any]:
    """QwenImageEdit's model with other properties; None takes one away."""
    shown = document()
    given = shown["latest_version"]["openapi_schema"]["components"]["schemas"]["Input"]
    for name, shape in properties.items():
        given["properties"].pop(name, None)
        if shape is not None:
            given["properties"][name] = shape
    return shown


@pytest.mark.parametrize(
    ("properties", "field", "message"),
    [
        ({"image": None}, "image", "is no input"),
        ({"image": {"type": "array"}}, "image", "takes a array"),
        ({"prompt": None}, "prompt", "is no input"),
        ({"seed": None}, "seed", "is no input"),
        ({"seed": {"type": "integer", "maximum": 2147483647}}, "seed", "2147483647|2.14748e\\+09"),
        (
            {"output_format": {"enum": ["webp", "jpg"]}},
            "output_format",
            "takes webp, jpg, not 'png'",
        ),
        ({"output_quality": {"type": "integer", "maximum": 95}}, "output_quality", "95 at most"),
        ({"output_quality": {"type": "string"}}, "output_quality", "takes a string"),
        ({"go_fast": {"type": "string"}}, "go_fast", "is a string|takes a string"),
    ],
)
def test_each_kind_of_difference_is_named(
    properties: dict[str, Any], field: str, message: str
) -> None:
    import re

    found = told(card_of(QWEN), changed(**properties))
    assert found.keys() == {field}
    assert re.search(message, found[field])


def test_an_input_that_became_required_and_another_form_of_output() -> None:
    shown = changed(strength={"type": "number"})
    schemas = shown["latest_version"]["openapi_schema"]["components"]["schemas"]
    schemas["Input"]["required"].append("strength")
    schemas["Output"] = {"type": "string", "format": "uri"}
    assert told(card_of(QWEN), shown) == {
        "strength": "is required, and the card does not send it",
        "output": "is one address, not a list",
    }


def test_references_choices_and_nullable_inputs_are_understood() -> None:
    card = msgspec.structs.replace(card_of(QWEN), seed=SeedInput(field="seed", max=100))
    shown = changed(seed={"anyOf": [{"type": "integer", "maximum": 100}, {"type": "null"}]})
    assert told(card, shown) == {}


@pytest.mark.parametrize(
    "shown", [{}, {"latest_version": None}, {"latest_version": {"openapi_schema": {}}}]
)
def test_a_model_that_publishes_nothing_has_no_schema(shown: dict[str, Any]) -> None:
    assert published(shown) is None


def test_a_schema_that_refers_to_itself_ends() -> None:
    shown = changed(image={"$ref": "#/components/schemas/loop"})
    schemas = shown["latest_version"]["openapi_schema"]["components"]["schemas"]
    schemas["loop"] = {"$ref": "#/components/schemas/loop"}
    assert published(shown) is not None
