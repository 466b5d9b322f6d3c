"""A deferring stager whose provider is a dictionary: for tests of what waits, fails and is lost.

It implements ``Defers``, ``Finds`` and the ``Faults`` of the conformance suite. Predictions wait
until ``finish`` or ``fail``; with ``finish_after`` they succeed by themselves at that check.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from itertools import count
from typing import Literal

import msgspec

from staging_core.errors import Busy
from staging_core.interfaces import OpenContext, Photo
from staging_core.models import (
    Absent,
    Attempt,
    CannotTell,
    Failed,
    Found,
    ModelCard,
    Output,
    Staged,
    StageRequest,
    Waiting,
)
from staging_core.urls import BackendURL

Status = Literal["running", "succeeded", "failed", "moderated", "cancelled", "perplexed"]
FAKE_DEFERRED_CARD = ModelCard(
    id="fake-deferred",
    name="Fake deferring stager",
    summary="Draws a striped block on the floor, later; for tests.",
    honours=frozenset({"furniture", "prompt", "seed"}),
    in_flight=100,
    idempotent_create=True,
)


class Prediction(msgspec.Struct):
    """One prediction at the provider. ``hidden``: how many times ``find`` will not see it yet."""

    handle: str
    attempt_id: str
    output: bytes | None
    status: Status = "running"
    checks: int = 0
    hidden: int = 0


class FakeDeferred:
    """``predictions``: all that were ever made, by handle."""

    def __init__(self, *, finish_after: int | None = None) -> None:
        self.card = FAKE_DEFERRED_CARD
        self.predictions: dict[str, Prediction] = {}
        self._finish_after = finish_after
        self._numbers = count(1)
        self._next: Literal["answered", "busy", "lost", "late"] = "answered"

    # --- Defers ---------------------------------------------------------------------------------

    async def create(self, request: StageRequest, photo: Photo, attempt: Attempt) -> str:
        """See ``Defers.create``."""
        fault, self._next = self._next, "answered"
        if fault == "busy":
            raise Busy("The fake provider is busy.", retry_after_s=0.05)
        made = self._of(attempt) or await self._make(request, photo, attempt)
        if fault == "answered":
            return made.handle
        made.hidden = 2 if fault == "late" else 0
        raise TimeoutError("the fake provider's answer is lost")

    async def check(self, handle: str) -> Waiting | Staged | Failed:
        """See ``Defers.check``."""
        prediction = self.predictions.get(handle)
        if prediction is None:
            return Failed(message="The provider does not know this prediction.")
        prediction.checks += 1
        if prediction.status == "running" and prediction.checks == self._finish_after:
            prediction.status = "succeeded"
        return _outcome(prediction)

    async def cancel(self, handle: str) -> None:
        """See ``Defers.cancel``."""
        prediction = self.predictions.get(handle)
        if prediction and prediction.status in ("running", "perplexed"):
            prediction.status = "cancelled"

    # --- Finds ----------------------------------------------------------------------------------

    async def find(self, attempt: Attempt) -> Found | Absent | CannotTell:
        """See ``Finds.find``."""
        prediction = self._of(attempt)
        if prediction is None:
            return Absent()
        if prediction.hidden:
            prediction.hidden -= 1
            return CannotTell()
        return Found(handle=prediction.handle)

    # --- Faults ---------------------------------------------------------------------------------

    def made(self) -> int:
        """How many predictions were ever made."""
        return len(self.predictions)

    def be_busy(self) -> None:
        """The next create is turned away."""
        self._next = "busy"

    def lose_answer(self) -> None:
        """The next create's answer is lost."""
        self._next = "lost"

    def land_late(self) -> None:
        """The next create's answer is lost and its prediction is hidden for two finds."""
        self._next = "late"

    def finish(self, handle: str) -> None:
        """The prediction succeeds, unless it has ended."""
        self._settle(handle, "succeeded")

    def fail(self, handle: str, *, moderated: bool = False) -> None:
        """The prediction fails, unless it has ended."""
        self._settle(handle, "moderated" if moderated else "failed")

    def say_strangely(self, handle: str) -> None:
        """The prediction's status is a word that nobody knows."""
        self._settle(handle, "perplexed")

    def expire_output(self, handle: str) -> None:
        """The output is gone."""
        self.predictions[handle].output = None

    # --- inside ---------------------------------------------------------------------------------

    def _settle(self, handle: str, status: Status) -> None:
        if self.predictions[handle].status == "running":
            self.predictions[handle].status = status

    def _of(self, attempt: Attempt) -> Prediction | None:
        return next(self._all_of(attempt.id), None)

    def _all_of(self, attempt_id: str) -> Iterator[Prediction]:
        return (made for made in self.predictions.values() if made.attempt_id == attempt_id)

    async def _make(self, request: StageRequest, photo: Photo, attempt: Attempt) -> Prediction:
        from .fake_picture import furnish

        output, _ = furnish(await photo.read(), request)
        made = Prediction(self._handle(next(self._numbers)), attempt.id, output)
        self.predictions[made.handle] = made
        return made

    def _handle(self, number: int) -> str:
        return f"fake-{number}"


def _outcome(prediction: Prediction) -> Waiting | Staged | Failed:
    match prediction.status:
        case "succeeded" if prediction.output is None:
            return Failed(message="The output has expired.")
        case "succeeded":
            return Staged(outputs=(Output(data=prediction.output),))
        case "failed":
            return Failed(message="The fake prediction failed.")
        case "moderated":
            return Failed(message="The safety filter said no.", moderated=True, retryable=False)
        case "cancelled":
            return Failed(message="The prediction was cancelled.", retryable=False)
        case _:
            return Waiting()


@asynccontextmanager
async def open_fake_deferred(url: BackendURL, context: OpenContext) -> AsyncIterator[FakeDeferred]:
    """Open a double of its own provider; predictions succeed at their second check."""
    yield FakeDeferred(finish_after=2)
