"""What a caller asks for: one picture of one room in one style."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec

Seed = Annotated[int, msgspec.Meta(ge=1, le=4_294_967_295)]
Prompt = Annotated[str, msgspec.Meta(min_length=10, max_length=2000)]


class StageRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One output picture.

    ``room`` and ``style`` are catalog names. ``seed`` fixes every random choice (1..2^32-1).
    ``variant`` counts from 0 within a group. ``furniture`` names wished pieces ("sofa", "two
    armchairs"). ``options`` are the model's own, checked against its card at submit.
    """

    room: str
    style: str
    seed: Seed
    variant: int = 0
    prompt: Prompt | None = None
    furniture: tuple[str, ...] = ()
    model: str | None = None
    options: dict[str, Any] = {}
