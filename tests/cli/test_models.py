"""``staging models``: list, show, and verify against the double."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from staging_core.testing.replicate import running_replicate

from .conftest import Cli

QWEN = "qwen/qwen-image-edit"


@pytest.fixture
def replicate(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A double that the variables point to."""
    with running_replicate() as double:
        monkeypatch.setenv("REPLICATE_API_TOKEN", double.token)
        monkeypatch.setenv("REPLICATE_BASE_URL", double.url)
        yield


def own_card(cli: Cli, folder: Path, *changes: tuple[str, str]) -> str:
    """A card of one's own: Qwen's, changed."""
    text = cli("models", "show", QWEN, "--toml").out
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    (folder / "own.toml").write_text(text)
    return "own.toml"


def test_every_model_is_listed_with_its_url_and_price(cli: Cli) -> None:
    listed = {one["url"]: one["card"] for one in cli("models", "list", "--json").json["models"]}
    assert {"render:", "fake:", f"replicate:{QWEN}"} <= listed.keys()
    assert listed[f"replicate:{QWEN}"]["price"]["usd"] == 0.03
    assert f"replicate:{QWEN} " in cli("models", "list").out


def test_a_card_is_shown_whole(cli: Cli) -> None:
    shown = cli("models", "show", QWEN, "--json").json
    assert shown["card"]["id"] == QWEN
    assert shown["card"]["options"]["properties"]["go_fast"] == {"type": "boolean"}
    assert "prompt_limit" in cli("models", "show", QWEN).out


def test_an_unknown_model_names_the_nearest(cli: Cli) -> None:
    ran = cli("models", "show", "qwen/qwen-image-edti", "--json")
    assert ran.code == 2
    assert ran.json["error"]["code"] == "unknown_model"
    assert QWEN in ran.json["error"]["remedy"]


def test_a_card_that_is_code_has_no_file(cli: Cli) -> None:
    assert cli("models", "show", "render", "--toml").code != 0


@pytest.mark.usefixtures("replicate")
def test_cards_that_fit_end_well(cli: Cli) -> None:
    ran = cli("models", "verify", "--json")
    assert ran.code == 0
    assert len(ran.json["models"]) == 10
    assert all(one["version"] and not one["differences"] for one in ran.json["models"])


@pytest.mark.usefixtures("replicate")
def test_a_card_that_does_not_fit_is_told_by_field_and_ends_with_1(cli: Cli, folder: Path) -> None:
    path = own_card(cli, folder, ('field = "image"', 'field = "picture"'), ('"png"', '"tiff"'))
    ran = cli("models", "verify", "--card", path)
    assert ran.code == 1
    assert f"{QWEN}: differs" in ran.out
    assert "picture is no input of the model" in ran.out
    assert "image is required, and the card does not send it" in ran.out
    assert "output_format takes webp, jpg, png, not 'tiff'" in ran.out


@pytest.mark.usefixtures("replicate")
def test_a_model_that_replicate_does_not_have_is_a_problem(cli: Cli, folder: Path) -> None:
    path = own_card(cli, folder, (f'id = "{QWEN}"', 'id = "acme/none"'))
    ran = cli("models", "verify", "--card", path, "--json")
    assert ran.code == 1
    assert "404" in ran.json["models"][0]["problem"]


def test_without_a_token_the_variable_is_named(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("REPLICATE_API_TOKEN", raising=False)
    ran = cli("models", "verify", "--json")
    assert ran.code == 2
    assert ran.json["error"]["code"] == "setting_missing"
    assert "REPLICATE_API_TOKEN" in ran.json["error"]["message"]
