"""The contract of ``Stager``."""

from __future__ import annotations

import asyncio
import math
import time

import msgspec
import pytest

from staging_core.download import target
from staging_core.errors import Refused
from staging_core.interfaces import Stager
from staging_core.models import Attempt, ModelCard, Staged, StageRequest
from staging_core.testing.fake_photo import FakePhoto

from .attempts import new_attempt
from .base import OpensConformance, check
from .loop_gap import longest_gap
from .pixels import as_pixels, blank, size_of


class StagerConformance(OpensConformance):
    """``url`` names the stager.

    Override ``photo`` with one that the stager can stage and ``photo_to_refuse`` with one that it
    must refuse. ``cancel_within_s``: how soon a cancelled call ends; ``loop_gap_s``: how long the
    event loop may stand still while it stages, on a loaded machine.
    """

    kind = "stager"
    cancel_within_s = 5.0
    loop_gap_s = 0.5

    def photo(self) -> FakePhoto:
        """A photo that the stager can stage."""
        return FakePhoto.drawn()

    def photo_to_refuse(self) -> FakePhoto | None:
        """A photo that it must refuse; None when it refuses none."""
        return None

    def request(self, card: ModelCard, *, seed: int = 7) -> StageRequest:
        """A request that the card can honour."""
        room = next(iter(card.rooms), "living_room")
        style = next(iter(card.styles), "modern")
        return StageRequest(room=room, style=style, seed=seed)

    # --- the card -------------------------------------------------------------------------------

    @check("What the model honours; the same for the life of the backend.")
    async def test_the_card_stays_the_same(self, stager: Stager) -> None:
        before = msgspec.json.encode(stager.card)
        await self._stage(stager)
        assert msgspec.json.encode(stager.card) == before

    @check("``honours``: the parts of a request that have an effect")
    async def test_a_seed_that_is_honoured_has_an_effect(self, stager: Stager) -> None:
        if "seed" not in stager.card.honours:
            return
        first = await self._stage(stager, seed=7)
        for seed in (8, 9, 10):
            if await self._stage(stager, seed=seed) != first:
                return
        raise AssertionError("four seeds, one picture")

    # --- stage ----------------------------------------------------------------------------------

    @check("Furnish the photo.")
    async def test_the_picture_is_another_than_the_photo(self, stager: Stager) -> None:
        photo = self.photo()
        picture = as_pixels(await self._stage(stager, photo))
        assert not blank(picture), "the picture is of one colour"
        assert picture.tobytes() != as_pixels(await photo.read()).tobytes(), "nothing was changed"

    @check("The output has the photo's size.")
    async def test_the_output_has_the_photos_size(self, stager: Stager) -> None:
        photo = self.photo()
        assert size_of(await self._stage(stager, photo)) == (photo.width, photo.height)

    @check("Same photo, request and seed: same bytes.")
    async def test_same_request_same_bytes(self, stager: Stager) -> None:
        first = await self._stage(stager, attempt=new_attempt())
        second = await self._stage(stager, attempt=new_attempt(2))
        assert first == second

    @check("``in_flight``: calls at one time per worker (answering)")
    async def test_calls_at_one_time_do_not_mix(self, stager: Stager) -> None:
        seeds = [7, 8] if stager.card.in_flight > 1 else [7]
        alone = [await self._stage(stager, seed=seed) for seed in seeds]
        together = await asyncio.gather(*(self._stage(stager, seed=seed) for seed in seeds))
        assert together == alone

    @check("Raises ``Refused`` (never again)")
    async def test_what_it_must_refuse_it_refuses(self, stager: Stager) -> None:
        photo = self.photo_to_refuse()
        for number in (1, 2) if photo else ():
            with pytest.raises(Refused) as refusal:
                await self._stage(stager, photo, attempt=new_attempt(number))
            assert refusal.value.message
            assert refusal.value.remedy

    @check("Must not block the event loop.")
    async def test_the_event_loop_goes_on_meanwhile(self, stager: Stager) -> None:
        await self._stage(stager)  # the first call may still import and load
        async with longest_gap() as gap:
            await self._stage(stager)
        assert gap.seconds < self.loop_gap_s, f"the loop stood still for {gap.seconds:.2f} s"

    @check("Cancelling it ends the work soon")
    async def test_cancelling_ends_soon(self, stager: Stager) -> None:
        for delay_s in (0.0, 0.005, 0.05):
            call = asyncio.create_task(self._stage(stager))
            await asyncio.sleep(delay_s)
            began = time.monotonic()
            call.cancel()
            await asyncio.wait([call])
            assert time.monotonic() - began < self.cancel_within_s

    @check("leaves nothing behind")
    async def test_cancelling_leaves_nothing_behind(self, stager: Stager) -> None:
        tasks = asyncio.all_tasks()
        expected = await self._stage(stager)
        call = asyncio.create_task(self._stage(stager))
        await asyncio.sleep(0.005)
        call.cancel()
        await asyncio.wait([call])
        await asyncio.sleep(0)
        assert asyncio.all_tasks() == tasks
        assert await self._stage(stager) == expected

    # --- what goes in and comes out -------------------------------------------------------------

    @check("One picture: its bytes, or the URL that the core shall fetch it from (one of the two)")
    async def test_every_output_is_bytes_or_a_url(self, stager: Stager) -> None:
        staged = await self._staged(stager)
        assert staged.outputs
        for output in staged.outputs:
            assert (output.data is None) != (output.url is None)
            if output.url:
                assert target(output.url, stager.card.output_hosts).host

    @check("``cost_usd``: what the provider charges for it. ``report``: JSON-able facts")
    async def test_cost_and_report_can_be_kept(self, stager: Stager) -> None:
        staged = await self._staged(stager)
        assert math.isfinite(staged.cost_usd)
        assert staged.cost_usd >= 0
        assert msgspec.json.decode(msgspec.json.encode(staged.report)) is not None
        assert isinstance(staged.report, dict)

    @check("``progress(share, phase)``: share 0..1 of the whole call and a short phase name")
    async def test_progress_runs_from_0_to_1(self, stager: Stager) -> None:
        heard: list[tuple[float, str]] = []
        told = new_attempt(progress=lambda share, phase: heard.append((share, phase)))
        await self._stage(stager, attempt=told)
        shares = [share for share, _ in heard]
        assert shares == sorted(shares)
        assert all(0.0 <= share <= 1.0 for share in shares)
        assert all(0 < len(phase) <= 80 for _, phase in heard)

    async def _staged(
        self,
        stager: Stager,
        photo: FakePhoto | None = None,
        *,
        seed: int = 7,
        attempt: Attempt | None = None,
    ) -> Staged:
        request = self.request(stager.card, seed=seed)
        return await stager.stage(request, photo or self.photo(), attempt or new_attempt())

    async def _stage(
        self,
        stager: Stager,
        photo: FakePhoto | None = None,
        *,
        seed: int = 7,
        attempt: Attempt | None = None,
    ) -> bytes:
        """The first output's bytes. A stager that answers URLs overrides this to fetch them."""
        staged = await self._staged(stager, photo, seed=seed, attempt=attempt)
        data = staged.outputs[0].data
        assert data is not None, "the output is a URL; override `_stage` to fetch it"
        return data
