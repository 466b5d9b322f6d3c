"""The cards that staging-core brings along, each read when somebody asks for it."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from staging_core.errors import SettingError
from staging_core.models import ModelCard

from .card import ReplicateCard, read_card

FOLDER = Path(__file__).parent / "cards"


def card_names() -> list[str]:
    """The ids of all shipped cards, sorted; nothing is read."""
    return sorted(_id_of(path) for path in FOLDER.glob("*/*.toml"))


@cache
def card_of(model: str) -> ReplicateCard:
    """The shipped card of ``owner/name``; ``SettingError`` names the nearest ones."""
    if model not in card_names():
        raise SettingError(f"There is no card for Replicate's model {model!r}.", remedy=_own(model))
    return read_card(card_file(model))


def card_file(model: str) -> Path:
    """Where the shipped card of a model lies."""
    return FOLDER / f"{model}.toml"


def all_cards() -> tuple[ModelCard, ...]:
    """Every shipped card, as the core goes by them."""
    return tuple(card_of(name).model_card() for name in card_names())


def _id_of(path: Path) -> str:
    return f"{path.parent.name}/{path.stem}"


def _own(model: str) -> str:
    from difflib import get_close_matches

    names = card_names()
    last = {name.partition("/")[2]: name for name in names}
    near = [*get_close_matches(model, names, n=3), *_by_last(model, last)]
    nearest = f"Did you mean {' or '.join(dict.fromkeys(near))}? " if near else ""
    return (
        f"{nearest}`staging models list` shows all; bring your own card with "
        f"replicate:{model}?card=PATH.toml."
    )


def _by_last(model: str, names: dict[str, str]) -> list[str]:
    from difflib import get_close_matches

    found = get_close_matches(model.rpartition("/")[2], names, n=3, cutoff=0.7)
    return [names[name] for name in found]
