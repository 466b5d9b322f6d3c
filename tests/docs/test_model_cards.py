"""The reference tells of the models at Replicate what their cards say."""

from __future__ import annotations

from pathlib import Path
from typing import get_type_hints

import msgspec
import pytest

from staging_core.backends.replicate.card import ReplicateCard
from staging_core.backends.replicate.shelf import card_names, card_of

ROOT = Path(__file__).resolve().parents[2]
REFERENCE = (ROOT / "docs/reference/models.md").read_text("utf-8")
HOW_TO = (ROOT / "docs/how-to/use-replicate.md").read_text("utf-8")


def rows() -> dict[str, list[str]]:
    """The table's rows by model."""
    section = REFERENCE.partition("## At Replicate")[2].partition("\n## ")[0]
    cells = [line.strip("| ").split(" | ") for line in section.splitlines() if line[:3] == "| `"]
    return {row[0].strip("`"): row[1:] for row in cells}


def test_every_model_has_a_row_and_no_other() -> None:
    assert list(rows()) == card_names()


@pytest.mark.parametrize("model", card_names())
def test_a_row_says_what_the_card_says(model: str) -> None:
    card = card_of(model)
    seed, price, reads, answers, options = rows()[model]
    assert seed == ("yes" if card.seed else "no")
    more = f" + {card.price.usd_per_megapixel:g} a megapixel" * bool(card.price.usd_per_megapixel)
    assert price == f"{card.price.usd:g}{more}"
    assert reads == f"{card.prompt_limit} characters"
    assert options == (", ".join(f"`{name}`" for name in card.options) or "none")
    if card.canvas.ratios:
        assert answers.startswith(f"{len(card.canvas.ratios)} shapes")
    else:
        assert answers.startswith("the photo's shape")
    if card.size:
        assert f"{card.size.min_side} to {card.size.max_side} pixels" in answers
    assert card.checked in REFERENCE


@pytest.mark.parametrize("field", get_type_hints(ReplicateCard))
def test_every_part_of_a_card_is_explained(field: str) -> None:
    table = HOW_TO.partition("A card has these parts")[2]
    assert f"`{field}`" in table or f"`[{field}]`" in table or f"`[{field}." in table


def test_every_field_of_a_cards_parts_is_explained() -> None:
    hints = get_type_hints(ReplicateCard)
    parts = [hints["picture"], *(hints[name].__args__[0] for name in ("seed", "ratio", "size"))]
    for part in parts:
        for field in msgspec.structs.fields(part):
            assert f"`{field.name}`" in HOW_TO, field.name
