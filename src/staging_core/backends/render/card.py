"""The offline renderer's model card; imports nothing but the models."""

from __future__ import annotations

from staging_core.models import ModelCard, Sizes

RENDER_CARD = ModelCard(
    id="render",
    name="Offline renderer",
    summary="Furnishes an empty, box-shaped room on this machine: no key, no network, no cost.",
    honours=frozenset({"seed", "furniture"}),
    rooms=("living_room", "bedroom", "dining_room"),
    sizes=Sizes(min_side=256),
    time_limit_s=120.0,
    in_flight=1,
    digital_source_type="compositeSynthetic",
    source="staging_core.backends.render",
    checked="2026-11-23",
)
