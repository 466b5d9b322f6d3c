"""A job in our hands: what every way of a job has in common."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import msgspec

from .database import attempts, images, jobs, runtime, spend
from .database.engine import Transaction
from .database.jobs import Abandoned
from .database.row import Row
from .errors import NotFound, ObjectMissing, SpendCapped
from .imaging.canvas import Layout
from .interfaces import Defers, Photo, Stager
from .lease import Lease
from .model_config import opened, without_configured
from .model_input import borrow, borrow_input, input_of, layout_of, taken_up, working_copy
from .models import JobState, ModelCard, StageRequest
from .photo import StoredPhoto, once, read_object, sha256_of
from .ports import Ports
from .sealing import Seal
from .settlement import settle_failure
from .states import ACTIVE

log = logging.getLogger("staging_core")


class Held:
    """A claimed job; ``run`` carries it to its end, or to its next wait.

    ``original``: the photo's, where the claim has read it, with the intent of what is given.

    ``next_at``: when the next look at the queue is worth while for what ``run`` did, in Unix
    seconds; 0: soon.
    """

    next_at = 0.0

    def __init__(
        self, ports: Ports, job: Row, lease: Lease, *, original: Row | None = None
    ) -> None:
        self.ports = ports
        self.job = job
        self.lease = lease
        self._original = original
        self.timings: dict[str, float] = dict(job["timings_ms"])

    async def run(self) -> None:
        """Carry the job; whatever goes wrong decides what becomes of it."""
        try:
            await self._carry_or_settle()
        except asyncio.CancelledError:
            await asyncio.shield(self._stop())
            raise

    async def _carry_or_settle(self) -> None:
        try:
            await self._carry()
        except Abandoned:
            raise
        except Exception as error:
            await self._settle(error)

    async def _carry(self) -> None:
        """The job's way; the two kinds of models differ here."""
        raise AssertionError("a way of its own is what a kind of models is about")

    async def _settle(self, error: Exception) -> None:
        await settle_failure(self.ports, self.job, error, self.timings)

    async def _stop(self) -> None:
        """This worker stops: somebody else goes on, and nothing is counted."""
        if self.job["state"] not in ACTIVE:
            return
        try:
            await self._give_back()
        except Exception:
            # It was not ours any more, or its lease will run out; the stop goes on.
            log.info("job %s was not given back", self.job["id"], exc_info=True)

    async def _give_back(self) -> None:
        async with self.ports.database.write(self.job["account_id"]) as tx:
            for attempt in await attempts.end(tx, self.job["id"], "released"):
                spend.settle(tx, attempt, attempt["cost_usd"])
            await jobs.move(
                tx, self.job, "queued", told={"reason": "worker_stopped"}, due_at=tx.now
            )

    # --- what every way begins with -------------------------------------------------------------

    async def _prepare(self) -> tuple[Row, StoredPhoto, StageRequest]:
        """The original's row, the picture that the model is given, and what is asked for."""
        with self._timed("prepare"):
            original = await self._source()
            if not original["developed"]:
                original = await self._develop(original)
            given = await self._model_input(original)
        return original, given, self._request(original)

    def _request(self, row: Row) -> StageRequest:
        """What is asked for; of another model than it was meant for, without what is that one's."""
        request = msgspec.convert(row["request"], StageRequest)
        if request.model != self.job["model"]:
            request = without_configured(request, row["configured"])
        return msgspec.structs.replace(request, model=self.job["model"])

    async def _secrets(self) -> dict[str, str]:
        """What an operator has set of what the model's card asks for."""
        if not self._card.secrets:
            return {}
        async with self.ports.database.read() as tx:
            row = await runtime.config(tx, self.job["model"])
        sealed = {} if row is None else row["secrets"]
        return opened(Seal(self.ports.settings.secrets_key), self._card, sealed)

    async def _source(self) -> Row:
        """The original, with the intent of what the model is given where that is another file."""
        if self._original is not None:
            return self._original
        if self._card.canvas is None:
            async with self.ports.database.read(self.job["account_id"]) as tx:
                return await images.source(tx, self.job["image_id"])
        async with self.ports.database.write(self.job["account_id"]) as tx:
            original = await taken_up(tx, self.ports, self._card, self.job)
        if original is None:
            raise NotFound("The image is gone.")
        return original

    async def _develop(self, original: Row) -> Row:
        """Decode what was only looked at: the working copy, and what the original is after all."""
        async with self.ports.pictures:
            return await self._developed(original)

    async def _developed(self, original: Row) -> Row:
        data = await read_object(self.ports.storage, original["key"])
        made = await self.ports.decoder.working_copy(data)
        async with self.ports.database.write(self.job["account_id"]) as tx:
            await images.develop(
                tx,
                original["id"],
                width=made.width,
                height=made.height,
                focal_px=made.focal_px,
                digest=sha256_of(data),
            )
            developed = await images.source(tx, self.job["image_id"])
            await self._borrow(tx, developed["working_key"])
            await borrow_input(tx, self.ports, self._card, developed)
        await self.ports.storage.put(
            developed["working_key"], once(made.data), content_type="image/png"
        )
        return developed

    async def _working_copy(self, original: Row) -> bytes:
        """Its bytes; made again if it is not there."""
        try:
            return await self._photo(original).read()
        except ObjectMissing:
            return await self._make_working_copy(original)

    def _photo(self, original: Row) -> StoredPhoto:
        return working_copy(self.ports, original)

    async def _borrow(self, tx: Transaction, key: str) -> None:
        await borrow(tx, self.ports, key, self.job["account_id"])

    async def _model_input(self, original: Row) -> StoredPhoto:
        """What the model is given, in the storage by now."""
        photo = self._photo(original)
        given, layout = input_of(self._card, photo), self._layout(photo)
        if await self.ports.storage.stat(given.key) is not None:
            return given
        async with self.ports.pictures:
            if layout is None:
                await self._make_working_copy(original)
                return given
            copy = await self._working_copy(original)
            data = await self.ports.decoder.model_input(copy, layout, given.content_type)
            await self.ports.storage.put(given.key, once(data), content_type=given.content_type)
        return given

    def _layout(self, photo: Photo) -> Layout | None:
        return layout_of(self._card, photo)

    async def _make_working_copy(self, original: Row) -> bytes:
        data = await read_object(self.ports.storage, original["key"])
        made = await self.ports.decoder.working_copy(data)
        async with self.ports.database.write(self.job["account_id"]) as tx:
            await self._borrow(tx, original["working_key"])
        await self.ports.storage.put(
            original["working_key"], once(made.data), content_type="image/png"
        )
        return made.data

    def _no_more_capped(self) -> dict[str, Any]:
        """What the row of a job that a cap kept waiting is to be told when it goes on."""
        return {"phase": ""} if self.job["phase"] == SpendCapped.code else {}

    # --- small things ---------------------------------------------------------------------------

    @property
    def _model(self) -> Stager | Defers:
        return self.ports.stagers[self.job["model"]]

    @property
    def _card(self) -> ModelCard:
        return self._model.card

    async def _move(self, to: JobState) -> None:
        async with self.ports.database.write(self.job["account_id"]) as tx:
            job = await jobs.move(tx, self.job, to)
        self.job = job  # only now: what was not committed has not happened

    @contextmanager
    def _timed(self, phase: str) -> Iterator[None]:
        began, telemetry = time.perf_counter(), self.ports.telemetry
        try:
            with telemetry.span(f"staging.job {phase}"):
                yield
        finally:
            seconds = time.perf_counter() - began
            self.timings[phase] = round(seconds * 1000, 1)
            telemetry.measure("staging.jobs.phase", seconds, phase=phase, model=self.job["model"])
