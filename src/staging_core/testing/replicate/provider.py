"""What all parts of one double share."""

from __future__ import annotations

import msgspec

from staging_core.testing.double.timeline import Timeline
from staging_core.testing.double.truth import Truth

from .chaos import Dice
from .predictions import Predictions
from .settings import Settings


class Provider(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """Its settings, its time, its chances, its memory and its truth."""

    settings: Settings
    timeline: Timeline
    dice: Dice
    predictions: Predictions
    truth: Truth

    def now(self) -> float:
        """Unix seconds of the double."""
        return self.timeline.now()
