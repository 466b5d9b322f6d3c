"""Opening a model: what is named when something is missing or wrong, and what is never risked."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from staging_core.backends.replicate.opening import base_url, card_for, version_for, webhook_secrets
from staging_core.backends.replicate.shelf import all_cards, card_file, card_names, card_of
from staging_core.config import Settings
from staging_core.errors import MissingSetting, SettingError
from staging_core.hooks import Hooks
from staging_core.interfaces import Defers, Finds, ReceivesCallbacks, supports
from staging_core.models import ROOMS, STYLES, StageRequest
from staging_core.plugins import load_plugins
from staging_core.prompts import build_prompt
from staging_core.registry import Registry
from staging_core.urls import BackendURL, is_local

TOKEN = {"REPLICATE_API_TOKEN": "r8_x"}
MODELS = {
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


def opened(tmp_path: Path, url: str, **secrets: str) -> object:
    """What the registry opens, with these variables."""

    async def run() -> object:
        settings = Settings.from_keywords(home=tmp_path)
        registry = Registry(Hooks(load_plugins([])), settings, secrets=secrets)
        async with AsyncExitStack() as stack:
            return await registry.open("stager", url, stack=stack, role="worker")

    return asyncio.run(run())


def test_it_opens_without_asking_replicate_anything(tmp_path: Path) -> None:
    stager = opened(tmp_path, "replicate:qwen/qwen-image-edit", **TOKEN)
    for shape in (Defers, Finds, ReceivesCallbacks):
        assert supports(stager, shape) is not None
    assert "api.replicate.com" not in stager.card.output_hosts  # type: ignore[attr-defined]


def test_without_a_token_the_variable_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("REPLICATE_API_TOKEN", raising=False)
    with pytest.raises(MissingSetting, match="REPLICATE_API_TOKEN"):
        opened(tmp_path, "replicate:qwen/qwen-image-edit")


@pytest.mark.parametrize("token", ["r8_EXAMPLE", "R8-TOKEN", "CHANGE-ME"])
def test_a_token_that_an_example_says_is_refused(tmp_path: Path, token: str) -> None:
    with pytest.raises(SettingError, match="REPLICATE_API_TOKEN is still what an example says"):
        opened(tmp_path, "replicate:qwen/qwen-image-edit", REPLICATE_API_TOKEN=token)


@pytest.mark.parametrize("token", [" ", "r8 x", "r8\nx", "r8_é"])
def test_a_token_that_no_header_can_carry_is_refused_and_not_shown(
    tmp_path: Path, token: str
) -> None:
    with pytest.raises(SettingError, match="REPLICATE_API_TOKEN is no token") as told:
        opened(tmp_path, "replicate:qwen/qwen-image-edit", REPLICATE_API_TOKEN=token)
    assert "r8" not in f"{told.value} {told.value.remedy}"


def test_the_host_of_another_api_may_serve_the_outputs(tmp_path: Path) -> None:
    stager = opened(
        tmp_path,
        "replicate:qwen/qwen-image-edit",
        **TOKEN,
        REPLICATE_BASE_URL="http://127.0.0.1:8010/",
    )
    assert stager.card.output_hosts == (  # type: ignore[attr-defined]
        "replicate.delivery",
        "*.replicate.delivery",
        "http://127.0.0.1",
    )


@pytest.mark.parametrize("model", ["qwen/qwen-image-edti", "openai/qwen-image-edit"])
def test_an_unknown_model_names_the_nearest_and_the_way_to_ones_own_card(model: str) -> None:
    with pytest.raises(SettingError) as told:
        card_for(BackendURL.parse(f"replicate:{model}"))
    assert "qwen/qwen-image-edit" in told.value.remedy
    assert f"replicate:{model}?card=PATH.toml" in told.value.remedy


@pytest.mark.parametrize(
    "text",
    [
        "http://api.replicate.com",
        "http://8.8.8.8",
        "ftp://api.replicate.com",
        "api.replicate.com",
        "https://",
        "https://user:word@api.replicate.com",
        "https://api.replicate.com?token=x",
    ],
)
def test_an_address_that_would_show_the_token_is_refused(text: str) -> None:
    with pytest.raises(SettingError, match="REPLICATE_BASE_URL"):
        base_url(text)


@pytest.mark.parametrize(
    ("text", "api"),
    [
        ("", "https://api.replicate.com"),
        ("https://gateway.example/", "https://gateway.example"),
        ("https://api.replicate.com/v1/", "https://api.replicate.com"),
        ("http://127.0.0.1:8010", "http://127.0.0.1:8010"),
        ("http://replicate:8010", "http://replicate:8010"),
    ],
)
def test_addresses_of_the_api(text: str, api: str) -> None:
    assert base_url(text) == api


@pytest.mark.parametrize(
    "text", ["  ", "hushhush", "whsec_", "whsec_c2hvcnQ=", "whsec_!!!!", "whsec_a_b"]
)
def test_a_webhook_secret_of_another_form_is_refused_and_not_shown(text: str) -> None:
    with pytest.raises(SettingError, match="REPLICATE_WEBHOOK_SECRET") as told:
        webhook_secrets(text)
    assert "hushhush" not in f"{told.value} {told.value.remedy}"


def test_several_webhook_secrets_are_separated_by_commas_or_spaces() -> None:
    first, second = "whsec_" + "a" * 32, "whsec_" + "b" * 32
    assert webhook_secrets(f"{first}, {second}") == (first, second)
    assert webhook_secrets(f"{first}\n{second} ") == (first, second)
    assert webhook_secrets("") == ()


@pytest.mark.parametrize(
    ("url", "local"),
    [
        ("https://staging.example", False),
        ("https://8.8.8.8", False),
        ("http://localhost:1", True),
        ("http://me.localhost", True),
        ("http://127.0.0.1", True),
        ("http://10.1.2.3", True),
        ("http://169.254.169.254", True),
        ("http://[fe80::1]", True),
        ("http://[fd00::1]", True),
        ("http://printer.local", True),
        ("http://web:8080", True),
        ("http://localhost.", True),
    ],
)
def test_what_nobody_outside_reaches(url: str, local: bool) -> None:
    assert is_local(url) is local


# --- cards ----------------------------------------------------------------------------------------


def test_every_model_has_its_card() -> None:
    assert set(card_names()) == MODELS
    assert {card.id for card in all_cards()} == MODELS


@pytest.mark.parametrize("model", card_names())
def test_a_card_is_dated_and_says_what_it_stands_for(model: str) -> None:
    card = card_of(model)
    shown = card.model_card()
    assert card.id == model
    assert card.source.startswith("https://replicate.com/")
    assert len(card.checked) == len("2026-01-01")
    assert card.price.usd > 0
    assert shown.provider == "replicate"
    assert shown.canvas is not None
    assert not shown.idempotent_create
    assert {"replicate.delivery", "*.replicate.delivery"} == set(shown.output_hosts)
    assert card.always.get("safety_tolerance", 2) <= 2
    assert card.always.get("output_format", "png") == "png"


@pytest.mark.parametrize("model", card_names())
def test_the_longest_wish_of_most_people_is_read_whole(model: str) -> None:
    card = card_of(model).model_card()
    for room in ROOMS:
        for style in STYLES:
            plain = StageRequest(room=room, style=style, seed=1, prompt="w" * 1000)
            assert len(build_prompt(plain, card).text) <= card.prompt_limit


def test_ones_own_card_is_read_from_its_file(tmp_path: Path) -> None:
    text = card_file("qwen/qwen-image-edit").read_text("utf-8")
    own = tmp_path / "own.toml"
    own.write_text(text.replace('"qwen/qwen-image-edit"', '"acme/room-edit"', 1))
    card = card_for(BackendURL.parse(f"replicate:acme/room-edit?card={own}"))
    assert card.id == "acme/room-edit"
    with pytest.raises(SettingError, match="is of 'acme/room-edit'"):
        card_for(BackendURL.parse(f"replicate:acme/other?card={own}"))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("not toml", "not TOML|not valid"),
        ('id = "acme/x"', "missing required field"),
        ('id = "acme/x"\ncolour = "red"', "colour|missing"),
    ],
)
def test_a_wrong_card_says_what_is_wrong(tmp_path: Path, text: str, told: str) -> None:
    own = tmp_path / "own.toml"
    own.write_text(text)
    with pytest.raises(SettingError, match=told):
        card_for(BackendURL.parse(f"replicate:acme/x?card={own}"))


def test_a_community_model_needs_a_version(tmp_path: Path) -> None:
    text = card_file("qwen/qwen-image-edit").read_text("utf-8")
    own = tmp_path / "own.toml"
    own.write_text("official = false\n" + text.replace('"qwen/qwen-image-edit"', '"acme/x"', 1))
    url = BackendURL.parse(f"replicate:acme/x?card={own}")
    with pytest.raises(SettingError, match="needs a version"):
        version_for(url, card_for(url))
    versioned = BackendURL.parse(f"replicate:acme/x?card={own}&version=abc")
    assert version_for(versioned, card_for(versioned)) == "abc"


def test_the_price_is_configuration() -> None:
    cheap = card_for(BackendURL.parse("replicate:qwen/qwen-image-edit?usd=0.011"))
    assert cheap.model_card().price.usd == 0.011
    assert card_of("qwen/qwen-image-edit").price.usd == 0.03


@pytest.mark.parametrize("text", ["much", "-1", "nan", "inf", ""])
def test_a_price_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(SettingError, match="is no price"):
        card_for(BackendURL.parse(f"replicate:qwen/qwen-image-edit?usd={text}"))
