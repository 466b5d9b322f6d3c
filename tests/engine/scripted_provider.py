"""A provider that does as it is told: asked twice it makes two, and it charges for what it made."""

from __future__ import annotations

from typing import Any

import msgspec

from staging_core.audit import KnownPrediction
from staging_core.imaging.canvas import Layout
from staging_core.imaging.decoder import Verified, WorkingCopy
from staging_core.interfaces import Photo
from staging_core.models import Attempt, Failed, Staged, StageRequest, Waiting
from staging_core.photo import sha256_of
from staging_core.testing.fake_deferred import FakeDeferred, Prediction


class ScriptedProvider(FakeDeferred):
    """Not idempotent. ``silent``: whether its answers to checks are lost."""

    def __init__(self) -> None:
        super().__init__(cost_usd=0.04)
        self.card = msgspec.structs.replace(self.card, idempotent_create=False)
        self.silent = False
        self._creating = False

    async def create(self, request: StageRequest, photo: Photo, attempt: Attempt) -> str:
        """See ``Defers.create``."""
        self._creating = True
        try:
            return await super().create(request, photo, attempt)
        finally:
            self._creating = False

    async def check(self, handle: str) -> Waiting | Staged | Failed:
        """See ``Defers.check``."""
        if self.silent:
            raise TimeoutError("the answer is lost")
        return await super().check(handle)

    def running(self) -> list[str]:
        """Handles of what has not ended."""
        going = ("running", "perplexed")
        return [made.handle for made in self.predictions.values() if made.status in going]

    def end_all(self) -> None:
        """Everything comes to its good end; nothing is hidden or lost any more."""
        self.silent, self._next = False, "answered"
        for made in self.predictions.values():
            made.hidden = 0
            if made.status in ("running", "perplexed"):
                made.status = "succeeded"

    def books(self) -> tuple[KnownPrediction, ...]:
        """What was made for whom, and its price."""
        return tuple(
            KnownPrediction(
                handle=made.handle, attempt_id=made.attempt_id, cost_usd=self._charged(made)
            )
            for made in self.predictions.values()
        )

    def _charged(self, made: Prediction) -> float:
        outcome = self._outcome(made)
        return 0.0 if isinstance(outcome, Waiting) else outcome.cost_usd

    def _of(self, attempt: Attempt) -> Prediction | None:
        return None if self._creating else super()._of(attempt)

    async def _make(self, request: StageRequest, photo: Photo, attempt: Attempt) -> Prediction:
        made = Prediction(self._handle(next(self._numbers)), attempt.id, b"a furnished room")
        self.predictions[made.handle] = made
        return made


class TrustingDecoder:
    """Takes every picture for sound: these tests are of rows, not of pixels."""

    async def working_copy(self, data: bytes) -> WorkingCopy:
        """See ``Decoder.working_copy``."""
        return WorkingCopy(data=data, width=96, height=64)

    async def verify(self, data: bytes, **_: Any) -> Verified:
        """See ``Decoder.verify``."""
        return Verified(
            data=data, content_type="image/png", width=96, height=64, sha256=sha256_of(data)
        )

    async def model_input(self, data: bytes, layout: Layout, content_type: str) -> bytes:
        """See ``Decoder.model_input``."""
        return data
