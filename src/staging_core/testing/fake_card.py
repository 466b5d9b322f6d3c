"""The fake stager's model card."""

from __future__ import annotations

from staging_core.models import ModelCard

FAKE_CARD = ModelCard(
    id="fake",
    name="Fake stager",
    summary="Draws a striped block on the floor; for tests.",
    honours=frozenset({"furniture", "prompt", "seed"}),
    in_flight=16,
)
