"""A prompt from the library: what must stay, what is wished, and as much guidance as there is room.

The order is also the order of importance, since models read the beginning best and some cut the end
off: the structure block, the task, the caller's own words, the wished pieces, the placement rules,
the style, the room.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from staging_core.errors import NotHonoured
from staging_core.models import ModelCard, StageRequest

from .library import Library, library


class Prompt(msgspec.Struct, frozen=True):
    """The text as a model is given it, and the version of the library that it is made from."""

    text: str
    version: str


def build_prompt(request: StageRequest, card: ModelCard) -> Prompt:
    """The prompt for ``request`` within ``card.prompt_limit`` characters (0: no limit).

    The structure block, the task, the custom prompt and the wished pieces are always in, word for
    word; of the guidance, the least important is left out first. ``NotHonoured`` when what must
    be in is longer than the model reads.
    """
    texts = library()
    must = list(_must(request, texts))
    least = _joined(must)
    if card.prompt_limit and len(least) > card.prompt_limit:
        raise NotHonoured(
            f"The model {card.id} reads {card.prompt_limit} characters; with the structure of the "
            f"room, this prompt has {len(least)}.",
            remedy=f"Shorten it by {len(least) - card.prompt_limit} characters.",
            part="prompt",
        )
    return Prompt(_filled(must, _guidance(request, texts), card.prompt_limit), texts.version)


def version_of(text: str) -> str | None:
    """The version of the library that made ``text``; None when this one did not."""
    texts = library()
    return texts.version if text.startswith(texts.structure.text) else None


def _must(request: StageRequest, texts: Library) -> Iterable[str]:
    yield texts.structure.text
    room, style = texts.rooms[request.room], texts.styles[request.style]
    yield texts.task.text.replace("{room}", room.name).replace("{style}", style.name)
    if request.prompt:
        yield texts.task.custom.replace("{wish}", request.prompt)
    if request.furniture:
        yield texts.task.furniture.replace("{pieces}", ", ".join(request.furniture))


def _guidance(request: StageRequest, texts: Library) -> Iterable[str]:
    yield texts.placement.text
    yield texts.styles[request.style].text
    yield texts.rooms[request.room].text


def _filled(parts: list[str], guidance: Iterable[str], limit: int) -> str:
    for passage in guidance:
        if not limit or len(_joined([*parts, passage])) <= limit:
            parts.append(passage)
    return _joined(parts)


def _joined(parts: Iterable[str]) -> str:
    return "\n".join(parts)
