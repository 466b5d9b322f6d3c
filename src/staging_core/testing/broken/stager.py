"""Stagers that break one sentence each."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import msgspec

from staging_core.interfaces import Photo
from staging_core.models import Attempt, Output, Staged, StageRequest
from staging_core.testing.conformance import StagerConformance
from staging_core.testing.fake_photo import FakePhoto
from staging_core.testing.fake_script import Script
from staging_core.testing.fake_stager import FakeStager

from .row import Broken, broken


class CardChanges(FakeStager):
    """Counts its version up with every picture."""

    async def stage(self, request: StageRequest, photo: Photo, attempt: Attempt) -> Staged:
        self.card = msgspec.structs.replace(self.card, version=str(len(self.calls)))
        return await super().stage(request, photo, attempt)


class IgnoresTheSeed(FakeStager):
    """Promises a seed and does not look at it."""

    async def stage(self, request: StageRequest, photo: Photo, attempt: Attempt) -> Staged:
        return await super().stage(msgspec.structs.replace(request, seed=1), photo, attempt)


class ReturnsThePhoto(FakeStager):
    """Changes nothing."""

    def __init__(self) -> None:
        super().__init__(Script.parse("identical"))
        self.card = msgspec.structs.replace(self.card, honours=frozenset())

    async def stage(self, request: StageRequest, photo: Photo, attempt: Attempt) -> Staged:
        return Staged(outputs=(Output(data=await photo.read()),))


class HalvesThePhoto(FakeStager):
    """Answers in the model's own size."""

    async def stage(self, request: StageRequest, photo: Photo, attempt: Attempt) -> Staged:
        from staging_core.testing.fake_picture import shrunk

        return Staged(outputs=(Output(data=shrunk(await photo.read(), request)),))


class DependsOnTheAttempt(FakeStager):
    """Draws something else at the second attempt."""

    async def stage(self, request: StageRequest, photo: Photo, attempt: Attempt) -> Staged:
        seed = request.seed + attempt.number
        return await super().stage(msgspec.structs.replace(request, seed=seed), photo, attempt)


class SharesItsState(FakeStager):
    """Keeps the request of a call where the next call finds it."""

    async def stage(self, request: StageRequest, photo: Photo, attempt: Attempt) -> Staged:
        self._request = request
        await asyncio.sleep(0.01)
        return await super().stage(self._request, photo, attempt)


class CrashesInsteadOfRefusing(FakeStager):
    """Lets a bug show where it should refuse."""

    async def stage(self, request: StageRequest, photo: Photo, attempt: Attempt) -> Staged:
        if photo.width < 16:
            raise ZeroDivisionError("no floor")
        return await super().stage(request, photo, attempt)


class Blocks(FakeStager):
    """Works on the event loop."""

    async def stage(self, request: StageRequest, photo: Photo, attempt: Attempt) -> Staged:
        time.sleep(0.2)  # noqa: ASYNC251 - that is what is broken here
        return await super().stage(request, photo, attempt)


class Stubborn(FakeStager):
    """Finishes its work before it lets itself be cancelled."""

    def __init__(self) -> None:
        super().__init__(delay_ms=20)

    async def stage(self, request: StageRequest, photo: Photo, attempt: Attempt) -> Staged:
        try:
            return await super().stage(request, photo, attempt)
        except asyncio.CancelledError:
            await asyncio.sleep(0.6)
            raise


class LeavesATask(FakeStager):
    """Goes on in the background when it is cancelled."""

    def __init__(self) -> None:
        super().__init__(delay_ms=20)

    async def stage(self, request: StageRequest, photo: Photo, attempt: Attempt) -> Staged:
        try:
            return await super().stage(request, photo, attempt)
        except asyncio.CancelledError:
            self._left = asyncio.create_task(asyncio.sleep(3600))
            raise


class GivesBoth(FakeStager):
    """Answers bytes and a URL."""

    async def stage(self, request: StageRequest, photo: Photo, attempt: Attempt) -> Staged:
        staged = await super().stage(request, photo, attempt)
        both = Output(data=staged.outputs[0].data, url="https://example.com/a.png")
        return Staged(outputs=(both,))


class PaysUs(FakeStager):
    """Costs less than nothing."""

    async def stage(self, request: StageRequest, photo: Photo, attempt: Attempt) -> Staged:
        staged = await super().stage(request, photo, attempt)
        return msgspec.structs.replace(staged, cost_usd=-0.01)


class CountsInPercent(FakeStager):
    """Tells its progress from 0 to 100."""

    async def stage(self, request: StageRequest, photo: Photo, attempt: Attempt) -> Staged:
        staged = await super().stage(request, photo, attempt)
        attempt.progress(100.0, "done")
        return staged


def _stager(backend: type[FakeStager], *fails: str, **attributes: Any) -> Broken:
    return broken(StagerConformance, backend, *fails, **attributes)


def _tiny(suite: StagerConformance) -> FakePhoto:
    return FakePhoto.drawn(8, 8)


BROKEN_STAGERS = (
    _stager(CardChanges, "test_the_card_stays_the_same"),
    _stager(IgnoresTheSeed, "test_a_seed_that_is_honoured_has_an_effect"),
    _stager(ReturnsThePhoto, "test_the_picture_is_another_than_the_photo"),
    _stager(HalvesThePhoto, "test_the_output_has_the_photos_size"),
    _stager(DependsOnTheAttempt, "test_same_request_same_bytes"),
    _stager(SharesItsState, "test_calls_at_one_time_do_not_mix"),
    _stager(
        CrashesInsteadOfRefusing,
        "test_what_it_must_refuse_it_refuses",
        photo_to_refuse=_tiny,
    ),
    _stager(Blocks, "test_the_event_loop_goes_on_meanwhile", loop_gap_s=0.1),
    _stager(Stubborn, "test_cancelling_ends_soon", cancel_within_s=0.3),
    _stager(LeavesATask, "test_cancelling_leaves_nothing_behind"),
    _stager(GivesBoth, "test_every_output_is_bytes_or_a_url"),
    _stager(PaysUs, "test_cost_and_report_can_be_kept"),
    _stager(CountsInPercent, "test_progress_runs_from_0_to_1"),
)
