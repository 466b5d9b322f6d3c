"""A deferring stager whose provider is a dictionary: for tests of what waits, fails and is lost.

It implements ``Defers``, ``Finds``, ``ReceivesCallbacks`` and the ``Faults`` of the conformance
suite. Predictions wait until ``finish`` or ``fail``; with ``finish_after`` they succeed by
themselves at that check. ``fake-deferred:NAME?option=value`` with the options ``finish_after``
(2), ``cost_usd`` and ``in_flight``; its provider lives and dies with the process.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from itertools import count
from typing import Literal

import msgspec

from staging_core.errors import Busy, InvalidCallback, InvalidSignature, SettingError
from staging_core.interfaces import OpenContext, Photo
from staging_core.models import (
    Absent,
    Attempt,
    Callback,
    CannotTell,
    Failed,
    Found,
    Notice,
    Output,
    Price,
    Staged,
    StageRequest,
    Waiting,
)
from staging_core.urls import BackendURL

from .fake_card import FAKE_DEFERRED_CARD

Status = Literal["running", "succeeded", "failed", "moderated", "cancelled", "perplexed"]
_TOLERANCE_S = 300.0


class Prediction(msgspec.Struct):
    """One prediction at the provider. ``hidden``: how many times ``find`` will not see it yet."""

    handle: str
    attempt_id: str
    output: bytes | None
    status: Status = "running"
    checks: int = 0
    hidden: int = 0


class FakeDeferred:
    """``predictions``: all that were ever made, by handle; ``posts``: the attempts asked for."""

    def __init__(
        self,
        *,
        finish_after: int | None = None,
        name: str = "",
        cost_usd: float = 0.0,
        in_flight: int = 100,
    ) -> None:
        self.card = msgspec.structs.replace(
            FAKE_DEFERRED_CARD,
            id=f"fake-deferred:{name}" if name else "fake-deferred",
            price=Price(usd=cost_usd),
            in_flight=in_flight,
        )
        self.predictions: dict[str, Prediction] = {}
        self.posts: list[str] = []
        self._secret = b"the fake provider's webhook secret"
        self._finish_after = finish_after
        self._numbers = count(1)
        self._next: Literal["answered", "busy", "lost", "late"] = "answered"

    # --- Defers ---------------------------------------------------------------------------------

    async def create(self, request: StageRequest, photo: Photo, attempt: Attempt) -> str:
        """See ``Defers.create``."""
        fault, self._next = self._next, "answered"
        if fault == "busy":
            raise Busy("The fake provider is busy.", retry_after_s=0.05)
        self.posts.append(attempt.id)
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
        return self._outcome(prediction)

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

    # --- ReceivesCallbacks ----------------------------------------------------------------------

    async def receive(self, callback: Callback) -> Notice:
        """See ``ReceivesCallbacks.receive``."""
        signature = callback.headers.get("x-fake-signature", "")
        if not hmac.compare_digest(self._sign(callback.body), signature):
            raise InvalidSignature("The signature is not the fake provider's.")
        try:
            said = msgspec.json.decode(callback.body, type=_Said)
        except msgspec.DecodeError as error:
            raise InvalidCallback(f"The callback is not understood: {error}.") from error
        if abs(callback.received_at - said.at) > _TOLERANCE_S:
            raise InvalidSignature("The callback is too old to be believed.")
        return Notice(event_id=said.event, handle=said.handle)

    def callback(self, handle: str, *, at: float, event: str = "") -> Callback:
        """The signed callback about ``handle`` that the provider sends at ``at`` (Unix seconds)."""
        said = _Said(event=event or f"{handle}-completed", handle=handle, at=at)
        body = msgspec.json.encode(said)
        return Callback(body=body, headers={"x-fake-signature": self._sign(body)}, received_at=at)

    def _sign(self, body: bytes) -> str:
        return hmac.new(self._secret, body, hashlib.sha256).hexdigest()

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

    def _outcome(self, prediction: Prediction) -> Waiting | Staged | Failed:
        cost_usd = self.card.price.usd
        match prediction.status:
            case "succeeded" if prediction.output is None:
                return Failed(message="The output has expired.", cost_usd=cost_usd)
            case "succeeded":
                return Staged(outputs=(Output(data=prediction.output),), cost_usd=cost_usd)
            case "failed":
                return Failed(message="The fake prediction failed.", cost_usd=cost_usd)
            case "moderated":
                return Failed(message="The safety filter said no.", moderated=True, retryable=False)
            case "cancelled":
                return Failed(message="The prediction was cancelled.", retryable=False)
            case _:
                return Waiting()


class _Said(msgspec.Struct):
    """A callback's body."""

    event: str
    handle: str
    at: float


class _Options(msgspec.Struct, forbid_unknown_fields=True):
    finish_after: int = 2
    cost_usd: float = 0.0
    in_flight: int = 100


@asynccontextmanager
async def open_fake_deferred(url: BackendURL, context: OpenContext) -> AsyncIterator[FakeDeferred]:
    """Open ``fake-deferred:NAME?options``; ``SettingError`` names an option that is wrong."""
    try:
        options = msgspec.convert(dict(url.options), _Options, strict=False)
    except msgspec.ValidationError as error:
        raise SettingError(f"{url}: {error}.") from error
    yield FakeDeferred(
        finish_after=options.finish_after,
        name=url.path,
        cost_usd=options.cost_usd,
        in_flight=options.in_flight,
    )
