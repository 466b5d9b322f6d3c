"""What can be asked for."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from staging_core.models import ROOMS, STYLES, ModelCard
from staging_embed.access import member
from staging_embed.call import Call
from staging_embed.routing import Routes

catalog = Routes("catalog")


class PriceAnswer(Struct, frozen=True, kw_only=True):
    """What one picture costs at the model's provider, in US dollars."""

    usd: float
    usd_per_megapixel: float


class ModelAnswer(Struct, frozen=True, kw_only=True):
    """A model that is open here. `is_default`: requests that name none get it.

    `honours`: the parts of a request that have an effect on it.
    `rooms` and `styles`: empty means all of the catalog. `options`: JSON Schema of its own options.
    """

    id: str
    name: str
    summary: str
    version: str
    provider: str
    is_default: bool
    honours: list[str]
    rooms: list[str]
    styles: list[str]
    smallest_side: int
    largest_side: int
    most_pixels: int
    price: PriceAnswer
    time_limit_s: float
    options: dict[str, Any]


class Catalog(Struct, frozen=True, kw_only=True):
    """Room types, styles and models that a request may name."""

    room_types: list[str]
    styles: list[str]
    models: list[ModelAnswer]


@catalog.get("/catalog", member("images:read"))
async def get_catalog(call: Call) -> Catalog:
    """What can be asked for: room types, styles, and the models that are open here."""
    models = call.staging.operating("the catalog").models  # it only asks
    active = (await models.active()).value
    return Catalog(
        room_types=list(ROOMS),
        styles=list(STYLES),
        models=[_model(card, is_default=card.id == active) for card in models.cards()],
    )


def _model(card: ModelCard, *, is_default: bool) -> ModelAnswer:
    return ModelAnswer(
        id=card.id,
        name=card.name,
        summary=card.summary,
        version=card.version,
        provider=card.provider,
        is_default=is_default,
        honours=sorted(card.honours),
        rooms=list(card.rooms),
        styles=list(card.styles),
        smallest_side=card.sizes.min_side,
        largest_side=card.sizes.max_side,
        most_pixels=card.sizes.max_pixels,
        price=PriceAnswer(usd=card.price.usd, usd_per_megapixel=card.price.usd_per_megapixel),
        time_limit_s=card.time_limit_s,
        options=card.options,
    )
