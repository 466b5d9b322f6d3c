"""An order as it is sent: the parts of a wish, under their names in the API."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import msgspec

from staging_core.errors import BadInput
from staging_core.models import Image, Principal
from staging_core.models.order_limits import LONGEST_PIECE, check_limits

from .asked import as_json
from .problem import ShortfallTold
from .told import ImageTold


class CreatedTold(msgspec.Struct, frozen=True, kw_only=True):
    """What was made of one photo."""

    group_id: str
    variants: list[ImageTold]


class ErrorTold(msgspec.Struct, frozen=True, kw_only=True):
    """Why one of several was refused."""

    index: int
    code: str
    message: str
    remedy: str = ""
    shortfall: ShortfallTold | None = None


class GroupTold(msgspec.Struct, frozen=True, kw_only=True):
    """One of several that was accepted."""

    index: int
    id: str
    replayed: bool


class BatchTold(msgspec.Struct, frozen=True, kw_only=True):
    """What became of several."""

    images: list[ImageTold]
    groups: list[GroupTold]
    errors: list[ErrorTold]

    def images_of(self, group_id: str, who: Principal) -> tuple[Image, ...]:
        """The variants of one of them."""
        return tuple(each.image(who) for each in self.images if each.group_id == group_id)


Piece = Annotated[str, msgspec.Meta(max_length=LONGEST_PIECE)]


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """The types of an order: one that does not have them would spoil a whole batch."""

    upload_id: str | None = None
    original_url: Annotated[str, msgspec.Meta(max_length=2048)] | None = None
    project_id: str | msgspec.UnsetType = msgspec.UNSET
    room_type: Annotated[str, msgspec.Meta(max_length=64)] | None = None
    style: Annotated[str, msgspec.Meta(max_length=64)] | None = None
    seed: Annotated[int, msgspec.Meta(ge=1, le=4_294_967_295)] | None = None
    prompt: Annotated[str, msgspec.Meta(min_length=10, max_length=2000)] | None = None
    model: Annotated[str, msgspec.Meta(max_length=255)] | None = None
    furniture: Annotated[list[Piece], msgspec.Meta(max_length=50)] = []
    options: dict[str, Any] = {}
    variants: Annotated[int, msgspec.Meta(ge=1, le=20)] = 1


def order_of(
    *,
    room: str | None = None,
    style: str | None = None,
    variants: int = 1,
    seed: int | None = None,
    prompt: str | None = None,
    furniture: object = (),
    model: str | None = None,
    options: object = None,
    upload_id: str | None = None,
    original_url: str | None = None,
    project_id: str | None = None,
) -> dict[str, Any]:
    """The order of a wish; ``BadInput`` where a part of it is of a wrong type or out of range."""
    parts = {
        "room_type": room,
        "style": style,
        "variants": variants,
        "seed": seed,
        "prompt": prompt,
        "furniture": list(furniture) if isinstance(furniture, (list, tuple)) else furniture,
        "model": model,
        "options": dict(options) if isinstance(options, Mapping) else options or {},
        "upload_id": upload_id,
        "original_url": original_url,
        "project_id": msgspec.UNSET if project_id is None else project_id,
    }
    told = {name: value for name, value in parts.items() if value is not msgspec.UNSET}
    try:
        msgspec.convert(told, Item)
    except msgspec.ValidationError as wrong:
        raise BadInput(f"The request is not valid: {wrong}.") from wrong
    as_json(told)
    check_limits(told)
    return {name: value for name, value in told.items() if value is not None}
