"""What to do when a safety filter refused: another seed, another model, or nothing."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

import msgspec

from .database import attempts, images
from .database.row import Row
from .errors import NotHonoured
from .honour import check_honoured
from .interfaces import Stager, supports
from .model_config import without_configured
from .models import StageRequest
from .ports import Ports

_SEEDS = 2**32 - 1


@dataclass(frozen=True, slots=True)
class Way:
    """How a job goes on: with another seed, or with another model."""

    seed: int | None = None
    model: str | None = None


async def another_way(ports: Ports, job: Row) -> Way | None:
    """How ``job``, just refused by its model's safety filter, goes on; None: it does not.

    A model that answers later gets one new seed, if it has seeds; then come the models of the
    setting ``fallback`` that were not tried and can honour the request.
    """
    if job["attempts"] >= ports.settings.max_attempts:
        return None
    async with ports.database.read(job["account_id"]) as tx:
        made = await attempts.of_job(tx, job["account_id"], job["id"])
        image = await images.row(tx, job["image_id"])
        original = await images.original(tx, image["original_id"])
    refused = [one for one in made if one["model"] == job["model"] and one["error"] == "moderated"]
    stager = ports.stagers[job["model"]]
    if not refused and "seed" in stager.card.honours and supports(stager, Stager) is None:
        return Way(seed=secrets.randbelow(_SEEDS) + 1)
    tried = {one["model"] for one in made}
    asked = msgspec.convert(image["request"], StageRequest)
    request = without_configured(asked, image["configured"])
    for name in ports.settings.fallback:
        if name not in tried and name in ports.stagers:
            card = ports.stagers[name].card
            try:
                check_honoured(card, request, width=original["width"], height=original["height"])
            except NotHonoured:
                continue
            return Way(model=name)
    return None
