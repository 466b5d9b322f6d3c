"""The contract of ``Defers`` and, where a stager has it, of ``Finds``."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import ClassVar, Protocol

import msgspec
import pytest

from staging_core.errors import Busy, Refused
from staging_core.interfaces import Defers, Finds, supports
from staging_core.models import (
    Absent,
    Attempt,
    Failed,
    Found,
    ModelCard,
    Staged,
    StageRequest,
    Waiting,
)
from staging_core.testing.fake_photo import FakePhoto

from .attempts import new_attempt
from .base import OpensConformance, check


class Faults(Protocol):
    """What the suite asks of the provider's double: to misbehave, and to tell the truth."""

    def made(self) -> int:
        """How many predictions the provider has ever made."""
        ...

    def be_busy(self) -> None:
        """The next create is turned away; nothing is made."""
        ...

    def lose_answer(self) -> None:
        """The next create makes its prediction, and the answer is lost."""
        ...

    def land_late(self) -> None:
        """The next create's answer is lost, and its prediction can be found only after a while."""
        ...

    def finish(self, handle: str) -> None:
        """The prediction succeeds now."""
        ...

    def fail(self, handle: str, *, moderated: bool = False) -> None:
        """The prediction fails now."""
        ...

    def say_strangely(self, handle: str) -> None:
        """The provider answers a status that nobody has heard of."""
        ...

    def expire_output(self, handle: str) -> None:
        """The finished prediction's output is gone."""
        ...


class DefersConformance(OpensConformance):
    """``url`` names the stager.

    Override ``faults`` with the provider's double: without it, what only a misbehaving provider
    shows is skipped. ``recorded_handles``: handles that older versions of the plugin gave.
    """

    kind = "stager"
    recorded_handles: ClassVar[Sequence[str]] = ()

    def faults(self, stager: Defers) -> Faults | None:
        """The double of the provider behind ``stager``."""
        return None

    def photo(self) -> FakePhoto:
        """A photo that the stager can stage."""
        return FakePhoto.drawn()

    def request(self, card: ModelCard) -> StageRequest:
        """A request that the card can honour."""
        room = next(iter(card.rooms), "living_room")
        style = next(iter(card.styles), "modern")
        return StageRequest(room=room, style=style, seed=7)

    # --- the card, create -----------------------------------------------------------------------

    @check("What the model honours; the same for the life of the backend.")
    async def test_the_card_stays_the_same(self, stager: Defers) -> None:
        before = msgspec.json.encode(stager.card)
        await self._create(stager)
        assert msgspec.json.encode(stager.card) == before

    @check("Start a prediction and give its handle (1..200 visible ASCII characters).")
    async def test_the_handle_is_short_and_visible(self, stager: Defers) -> None:
        handle = await self._create(stager)
        assert 1 <= len(handle) <= 200
        assert all("!" <= character <= "~" for character in handle)

    @check("Start a prediction and give its handle")
    async def test_every_attempt_has_its_own_handle(self, stager: Defers) -> None:
        assert await self._create(stager) != await self._create(stager)

    @check("At most one POST per call.")
    async def test_one_call_makes_one_prediction(self, stager: Defers) -> None:
        faults = self._faults(stager)
        await self._create(stager)
        assert faults.made() == 1

    @check("At most one POST per call.")
    async def test_a_lost_answer_is_not_posted_again(self, stager: Defers) -> None:
        faults = self._faults(stager)
        await self._lost(stager, faults)
        assert faults.made() == 1

    @check("``Busy`` means certainly not created")
    async def test_busy_means_that_nothing_was_made(self, stager: Defers) -> None:
        faults = self._faults(stager)
        faults.be_busy()
        with pytest.raises(Busy) as told:
            await self._create(stager)
        assert told.value.retry_after_s > 0
        assert faults.made() == 0

    @check("Every other error counts as ``OutcomeUnknown``")
    async def test_a_lost_answer_is_neither_busy_nor_refused(self, stager: Defers) -> None:
        error = await self._lost(stager, self._faults(stager))
        assert not isinstance(error, Busy | Refused)

    @check("``idempotent_create``: creating twice with one attempt id makes one prediction")
    async def test_a_repeated_create_makes_one_prediction(self, stager: Defers) -> None:
        if not stager.card.idempotent_create:
            return
        attempt = new_attempt()
        first = await self._create(stager, attempt)
        assert await self._create(stager, attempt) == first

    # --- check ----------------------------------------------------------------------------------

    @check("How the prediction stands.")
    async def test_a_finished_prediction_is_staged(self, stager: Defers) -> None:
        faults = self.faults(stager)
        handle = await self._create(stager)
        if faults:
            assert isinstance(await stager.check(handle), Waiting)
            faults.finish(handle)
        staged = await self._end(stager, handle)
        assert isinstance(staged, Staged)
        assert staged.outputs
        assert staged.cost_usd >= 0

    @check("How the prediction stands.")
    async def test_a_failed_prediction_is_failed(self, stager: Defers) -> None:
        faults = self._faults(stager)
        handle = await self._create(stager)
        faults.fail(handle)
        failed = await self._end(stager, handle)
        assert isinstance(failed, Failed)
        assert failed.message
        assert not failed.moderated

    @check("``moderated``: its safety filter did it")
    async def test_a_moderated_prediction_says_so(self, stager: Defers) -> None:
        faults = self._faults(stager)
        handle = await self._create(stager)
        faults.fail(handle, moderated=True)
        failed = await self._end(stager, handle)
        assert isinstance(failed, Failed)
        assert failed.moderated

    @check("A status that is not understood is ``Waiting``.")
    async def test_a_strange_status_is_waiting(self, stager: Defers) -> None:
        faults = self._faults(stager)
        handle = await self._create(stager)
        faults.say_strangely(handle)
        assert isinstance(await stager.check(handle), Waiting)

    @check("The model ended without a picture.")
    async def test_an_expired_output_is_failed_and_retryable(self, stager: Defers) -> None:
        faults = self._faults(stager)
        handle = await self._create(stager)
        faults.finish(handle)
        faults.expire_output(handle)
        outcome = await self._end(stager, handle)
        assert isinstance(outcome, Failed)
        assert outcome.retryable

    @check("How the prediction stands.")
    async def test_checking_changes_nothing(self, stager: Defers) -> None:
        faults = self._faults(stager)
        handle = await self._create(stager)
        faults.finish(handle)
        first = await self._end(stager, handle)
        assert await stager.check(handle) == first

    @check("Handles that older versions gave are understood.")
    async def test_recorded_handles_can_be_checked(self, stager: Defers) -> None:
        for handle in self.recorded_handles:
            assert isinstance(await stager.check(handle), Waiting | Staged | Failed)

    # --- cancel ---------------------------------------------------------------------------------

    @check("Stop the prediction.")
    async def test_a_cancelled_prediction_does_not_succeed(self, stager: Defers) -> None:
        faults = self._faults(stager)
        handle = await self._create(stager)
        await stager.cancel(handle)
        faults.finish(handle)
        assert not isinstance(await stager.check(handle), Staged)

    @check("Finished, cancelled or absent ones: done, no error.")
    async def test_cancelling_may_be_repeated(self, stager: Defers) -> None:
        handle = await self._create(stager)
        for _ in range(3):
            await stager.cancel(handle)

    @check("Finished, cancelled or absent ones: done, no error.")
    async def test_cancelling_what_is_finished_changes_nothing(self, stager: Defers) -> None:
        faults = self._faults(stager)
        handle = await self._create(stager)
        faults.finish(handle)
        finished = await self._end(stager, handle)
        await stager.cancel(handle)
        assert await stager.check(handle) == finished

    @check("Finished, cancelled or absent ones: done, no error.")
    async def test_cancelling_what_is_absent_is_done(self, stager: Defers) -> None:
        await stager.cancel("no-such-prediction")

    # --- Finds ----------------------------------------------------------------------------------

    @check("The prediction of ``attempt``")
    async def test_finding_gives_the_handle_that_create_gave(self, stager: Defers) -> None:
        if (finds := supports(stager, Finds)) is None:
            return
        attempts = [new_attempt(), new_attempt()]
        handles = [await self._create(stager, attempt) for attempt in attempts]
        found = [await finds.find(attempt) for attempt in attempts]
        for answer, handle in zip(found, handles, strict=True):
            assert not isinstance(answer, Absent)
            assert not isinstance(answer, Found) or answer.handle == handle

    @check("The prediction of ``attempt``")
    async def test_what_was_never_made_is_not_found(self, stager: Defers) -> None:
        if (finds := supports(stager, Finds)) is None:
            return
        await self._create(stager)
        assert not isinstance(await finds.find(new_attempt()), Found)

    @check("``Absent`` only when it certainly was never made")
    async def test_a_lost_answer_is_never_absent(self, stager: Defers) -> None:
        if (finds := supports(stager, Finds)) is None:
            return
        attempt = new_attempt()
        await self._lost(stager, self._faults(stager), attempt)
        assert not isinstance(await finds.find(attempt), Absent)

    @check("``Absent`` only when it certainly was never made")
    async def test_what_lands_late_is_never_absent(self, stager: Defers) -> None:
        if (finds := supports(stager, Finds)) is None:
            return
        attempt, faults = new_attempt(), self._faults(stager)
        faults.land_late()
        with pytest.raises(Exception):  # noqa: B017, PT011 - any error but two counts as unknown
            await self._create(stager, attempt)
        for _ in range(3):
            assert not isinstance(await finds.find(attempt), Absent)

    # --- what the checks share ------------------------------------------------------------------

    def _faults(self, stager: Defers) -> Faults:
        faults = self.faults(stager)
        if faults is None:
            pytest.skip("override `faults` with the provider's double")
        return faults

    async def _create(self, stager: Defers, attempt: Attempt | None = None) -> str:
        request = self.request(stager.card)
        return await stager.create(request, self.photo(), attempt or new_attempt())

    async def _lost(
        self, stager: Defers, faults: Faults, attempt: Attempt | None = None
    ) -> Exception:
        """What a create raises whose answer is lost."""
        faults.lose_answer()
        try:
            handle = await self._create(stager, attempt)
        except Exception as error:
            return error
        raise AssertionError(f"the answer was lost, yet there is a handle {handle!r}")

    async def _end(self, stager: Defers, handle: str) -> Staged | Failed:
        """The outcome, asked for until there is one; the check's patience is the limit."""
        while isinstance(outcome := await stager.check(handle), Waiting):
            assert outcome.progress is None or 0.0 <= outcome.progress <= 1.0
            await asyncio.sleep(0.05)
        return outcome
