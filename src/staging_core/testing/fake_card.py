"""The fake stagers' model cards."""

from __future__ import annotations

from staging_core.models import ModelCard

FAKE_CARD = ModelCard(
    id="fake",
    name="Fake stager",
    summary="Draws a striped block on the floor; for tests.",
    honours=frozenset({"furniture", "prompt", "seed"}),
    in_flight=16,
)

FAKE_DEFERRED_CARD = ModelCard(
    id="fake-deferred",
    name="Fake deferring stager",
    summary="Draws a striped block on the floor, later; for tests.",
    honours=frozenset({"furniture", "prompt", "seed"}),
    in_flight=100,
    idempotent_create=True,
)
