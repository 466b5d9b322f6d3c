"""Deferring stagers that break one sentence each."""

from __future__ import annotations

from typing import Any

import msgspec

from staging_core.errors import Busy, Refused
from staging_core.interfaces import Photo
from staging_core.models import (
    Absent,
    Attempt,
    CannotTell,
    Failed,
    Found,
    Staged,
    StageRequest,
    Waiting,
)
from staging_core.testing.conformance import DefersConformance
from staging_core.testing.fake_deferred import FakeDeferred

from .row import Broken, broken

Outcome = Waiting | Staged | Failed


class CardChanges(FakeDeferred):
    """Counts its version up with every prediction."""

    async def create(self, request: StageRequest, photo: Photo, attempt: Attempt) -> str:
        self.card = msgspec.structs.replace(self.card, version=f"{self.made()}-{attempt.id}")
        return await super().create(request, photo, attempt)


class HandleWithSpaces(FakeDeferred):
    """Gives a sentence for a handle."""

    def _handle(self, number: int) -> str:
        return f"prediction number {number}"


class OneHandleForAll(FakeDeferred):
    """Names every prediction alike."""

    def _handle(self, number: int) -> str:
        return "fake-1"


class PostsTwice(FakeDeferred):
    """Makes a spare prediction."""

    async def create(self, request: StageRequest, photo: Photo, attempt: Attempt) -> str:
        handle = await super().create(request, photo, attempt)
        await self._make(request, photo, msgspec.structs.replace(attempt, id=f"{attempt.id}-2"))
        return handle


class PostsAgainWhenLost(FakeDeferred):
    """Takes a lost answer for "not created"."""

    async def create(self, request: StageRequest, photo: Photo, attempt: Attempt) -> str:
        try:
            return await super().create(request, photo, attempt)
        except TimeoutError:
            await self._make(request, photo, attempt)
            raise


class BusyAfterAll(FakeDeferred):
    """Says busy after it has made the prediction."""

    async def create(self, request: StageRequest, photo: Photo, attempt: Attempt) -> str:
        try:
            return await super().create(request, photo, attempt)
        except Busy:
            await self._make(request, photo, attempt)
            raise


class RefusesWhenLost(FakeDeferred):
    """Takes a lost answer for a refusal."""

    async def create(self, request: StageRequest, photo: Photo, attempt: Attempt) -> str:
        try:
            return await super().create(request, photo, attempt)
        except TimeoutError as error:
            raise Refused("The provider did not answer.") from error


class NotIdempotent(FakeDeferred):
    """Promises idempotent creation and makes another prediction."""

    async def create(self, request: StageRequest, photo: Photo, attempt: Attempt) -> str:
        if self._of(attempt):
            return (await self._make(request, photo, attempt)).handle
        return await super().create(request, photo, attempt)


class StagesNothing(FakeDeferred):
    """Succeeds without a picture."""

    async def check(self, handle: str) -> Outcome:
        outcome = await super().check(handle)
        return Staged(outputs=()) if isinstance(outcome, Staged) else outcome


class FailsWithoutAWord(FakeDeferred):
    """Does not say what failed."""

    async def check(self, handle: str) -> Outcome:
        outcome = await super().check(handle)
        if isinstance(outcome, Failed):
            return msgspec.structs.replace(outcome, message="")
        return outcome


class HidesModeration(FakeDeferred):
    """Calls a moderated prediction failed."""

    async def check(self, handle: str) -> Outcome:
        outcome = await super().check(handle)
        if isinstance(outcome, Failed):
            return msgspec.structs.replace(outcome, moderated=False)
        return outcome


class FailsStrangeStatus(FakeDeferred):
    """Takes a status that it does not know for a failure."""

    async def check(self, handle: str) -> Outcome:
        if handle in self.predictions and self.predictions[handle].status == "perplexed":
            return Failed(message="unknown status")
        return await super().check(handle)


class RaisesWhenExpired(FakeDeferred):
    """Trips over an output that is gone."""

    async def check(self, handle: str) -> Outcome:
        outcome = await super().check(handle)
        if isinstance(outcome, Failed) and "expired" in outcome.message:
            raise LookupError("404")
        return outcome


class DeliversOnce(FakeDeferred):
    """Forgets a prediction as soon as it has delivered."""

    async def check(self, handle: str) -> Outcome:
        outcome = await super().check(handle)
        if isinstance(outcome, Staged):
            self.expire_output(handle)
        return outcome


class ReadsOnlyNewHandles(FakeDeferred):
    """Does not know how its last version wrote handles."""

    async def check(self, handle: str) -> Outcome:
        int(handle.removeprefix("fake-"))
        return await super().check(handle)


class CancelsNothing(FakeDeferred):
    """Says done and lets it run."""

    async def cancel(self, handle: str) -> None:
        """Nothing."""


class CancelsOnce(FakeDeferred):
    """Complains when it is cancelled already."""

    async def cancel(self, handle: str) -> None:
        if handle in self.predictions and self.predictions[handle].status == "cancelled":
            raise ValueError("cancelled already")
        await super().cancel(handle)


class CancelsTheFinished(FakeDeferred):
    """Takes back what it has delivered."""

    async def cancel(self, handle: str) -> None:
        if handle in self.predictions:
            self.predictions[handle].status = "cancelled"


class CancelsOnlyTheKnown(FakeDeferred):
    """Complains when there is nothing to cancel."""

    async def cancel(self, handle: str) -> None:
        self.predictions[handle].checks += 0
        await super().cancel(handle)


class FindsAnother(FakeDeferred):
    """Finds a handle that create never gave."""

    async def find(self, attempt: Attempt) -> Found | Absent | CannotTell:
        answer = await super().find(attempt)
        return Found(handle=f"{answer.handle}-x") if isinstance(answer, Found) else answer


class FindsTheLatest(FakeDeferred):
    """Takes the latest prediction for the one that is sought."""

    async def find(self, attempt: Attempt) -> Found | Absent | CannotTell:
        answer = await super().find(attempt)
        if isinstance(answer, Absent) and self.predictions:
            return Found(handle=list(self.predictions)[-1])
        return answer


class ForgetsTheLost(FakeDeferred):
    """Finds only what it has given a handle for."""

    def __init__(self) -> None:
        super().__init__(finish_after=2)
        self._lost: set[str] = set()

    async def create(self, request: StageRequest, photo: Photo, attempt: Attempt) -> str:
        try:
            return await super().create(request, photo, attempt)
        except TimeoutError:
            if isinstance(await super().find(attempt), Found):
                self._lost.add(attempt.id)
            raise

    async def find(self, attempt: Attempt) -> Found | Absent | CannotTell:
        answer = await super().find(attempt)
        return Absent() if attempt.id in self._lost and isinstance(answer, Found) else answer


class AbsentTooSoon(FakeDeferred):
    """Says absent while it may still land."""

    async def find(self, attempt: Attempt) -> Found | Absent | CannotTell:
        answer = await super().find(attempt)
        return Absent() if isinstance(answer, CannotTell) else answer


class _Suite(DefersConformance):
    recorded_handles = ("fake-1",)
    patience_s = 20.0

    def faults(self, stager: Any) -> Any:
        return stager


def _deferred(backend: type[FakeDeferred], *fails: str, **attributes: Any) -> Broken:
    return broken(_Suite, backend, *fails, **attributes)


BROKEN_DEFERRED = (
    _deferred(CardChanges, "test_the_card_stays_the_same"),
    _deferred(HandleWithSpaces, "test_the_handle_is_short_and_visible"),
    _deferred(
        OneHandleForAll,
        "test_every_attempt_has_its_own_handle",
        "test_finding_gives_the_handle_that_create_gave",
    ),
    _deferred(PostsTwice, "test_one_call_makes_one_prediction"),
    _deferred(PostsAgainWhenLost, "test_a_lost_answer_is_not_posted_again"),
    _deferred(BusyAfterAll, "test_busy_means_that_nothing_was_made"),
    _deferred(RefusesWhenLost, "test_a_lost_answer_is_neither_busy_nor_refused"),
    _deferred(NotIdempotent, "test_a_repeated_create_makes_one_prediction"),
    _deferred(StagesNothing, "test_a_finished_prediction_is_staged"),
    _deferred(FailsWithoutAWord, "test_a_failed_prediction_is_failed"),
    _deferred(HidesModeration, "test_a_moderated_prediction_says_so"),
    _deferred(FailsStrangeStatus, "test_a_strange_status_is_waiting"),
    _deferred(RaisesWhenExpired, "test_an_expired_output_is_failed_and_retryable"),
    _deferred(
        DeliversOnce,
        "test_checking_changes_nothing",
        "test_cancelling_what_is_finished_changes_nothing",
    ),
    _deferred(
        ReadsOnlyNewHandles, "test_recorded_handles_can_be_checked", recorded_handles=("v0/1",)
    ),
    _deferred(CancelsNothing, "test_a_cancelled_prediction_does_not_succeed"),
    _deferred(CancelsOnce, "test_cancelling_may_be_repeated"),
    _deferred(CancelsTheFinished, "test_cancelling_what_is_finished_changes_nothing"),
    _deferred(CancelsOnlyTheKnown, "test_cancelling_what_is_absent_is_done"),
    _deferred(FindsAnother, "test_finding_gives_the_handle_that_create_gave"),
    _deferred(FindsTheLatest, "test_what_was_never_made_is_not_found"),
    _deferred(ForgetsTheLost, "test_a_lost_answer_is_never_absent"),
    _deferred(AbsentTooSoon, "test_what_lands_late_is_never_absent"),
)
