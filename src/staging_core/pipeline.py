"""One job from claim to settlement.

The order everywhere: a row that says what is meant, the call outside, a row that says what came
of it. Every write carries the job's fence; a worker whose fence is gone stops, quietly.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Any

import msgspec
import sqlalchemy as sa

from .database import attempts, files, images, jobs
from .database.engine import Transaction
from .database.jobs import Abandoned
from .errors import AttemptsExhausted, Retryable
from .interfaces import Photo
from .lease import Lease
from .models import Attempt, JobState, ModelCard, Output, Picture, Staged, StageRequest, Stored
from .photo import StoredPhoto, once, put_picture, read_object, sha256_of
from .ports import Ports
from .settlement import MAX_CRASHES, end_job, settle_failure
from .states import ACTIVE

log = logging.getLogger("staging_core")

STATEMENT = "Virtually staged"
"""What a labelled copy says until a rule pack says it better."""


class Pipeline:
    """Claims jobs and carries each as far as it goes."""

    def __init__(self, ports: Ports) -> None:
        self.ports = ports

    async def claim(
        self, models: Collection[str] | None = None, job_id: str | None = None
    ) -> sa.RowMapping | None:
        """Take a due job of ``models`` (all open ones by default) that nobody holds."""
        wanted = self.ports.stagers if models is None else models
        async with self.ports.database.write() as tx:
            job = await self._take(tx, wanted, job_id)
            if job is None or job["state"] == "queued":
                return job
            return await self._take_over(tx, job)

    async def _take_over(self, tx: Transaction, job: sa.RowMapping) -> sa.RowMapping | None:
        """A worker died holding the job: its attempt is lost, its checkpoint is not."""
        await attempts.end(tx, job["id"], "lost", error="worker_lost")
        crashes = job["crashes"] + 1
        if crashes >= MAX_CRASHES:
            error = AttemptsExhausted(f"Its worker died {crashes} times while it held the job.")
            await end_job(tx, job, error, crashes=crashes)
            return None
        await jobs.move(tx, job, "queued", told={"reason": "worker_lost"}, crashes=crashes)
        return await self._take(tx, [job["model"]], job["id"])

    async def _take(
        self, tx: Transaction, models: Collection[str], job_id: str | None
    ) -> sa.RowMapping | None:
        settings = self.ports.settings
        return await jobs.claim(
            tx,
            models=list(models),
            starting=list(models),
            lease_s=settings.lease_s,
            most=settings.max_in_flight,
            job_id=job_id,
        )

    async def work(self, job_id: str) -> bool:
        """Claim this job and carry it; False when it wants no worker or somebody has it."""
        job = await self.claim(job_id=job_id)
        if job is None:
            return False
        await self.carry(job)
        return True

    async def carry(self, job: sa.RowMapping) -> None:
        """Carry a claimed job to its end, or to its next wait."""
        try:
            async with Lease(self.ports, job) as lease:
                await _Carried(self.ports, job, lease).run()
        except Abandoned:
            log.info("job %s: held or ended by somebody else", job["id"])


class _Carried:
    """A job in our hands."""

    def __init__(self, ports: Ports, job: sa.RowMapping, lease: Lease) -> None:
        self.ports = ports
        self.job = job
        self.lease = lease
        self.timings: dict[str, float] = dict(job["timings_ms"])

    async def run(self) -> None:
        try:
            await self._move("preparing")
            photo, request = await self._prepare()
            if self.job["checkpoint"] is None:
                await self._stage(photo, request)
            else:
                await self._move("finalizing")
            await self._finalize()
        except Abandoned:
            raise
        except asyncio.CancelledError:
            await asyncio.shield(self._give_back())
            raise
        except Exception as error:
            await settle_failure(self.ports, self.job, error, self.timings)

    # --- the way of a job -----------------------------------------------------------------------

    async def _prepare(self) -> tuple[Photo, StageRequest]:
        """The working copy, made again if it is not there, and what is asked for."""
        with self._timed("prepare"):
            async with self.ports.database.read(self.job["account_id"]) as tx:
                image = await images.row(tx, self.job["image_id"])
                original = await images.original(tx, image["original_id"])
            if await self.ports.storage.stat(original["working_key"]) is None:
                await self._make_working_copy(original)
        photo = StoredPhoto(
            storage=self.ports.storage,
            key=original["working_key"],
            content_type="image/png",
            width=original["width"],
            height=original["height"],
            focal_px=original["focal_px"],
        )
        return photo, msgspec.convert(image["request"], StageRequest)

    async def _make_working_copy(self, original: sa.RowMapping) -> None:
        data = await read_object(self.ports.storage, original["key"])
        made = await self.ports.decoder.working_copy(data)
        await self.ports.storage.put(
            original["working_key"], once(made.data), content_type="image/png"
        )

    async def _stage(self, photo: Photo, request: StageRequest) -> None:
        """One attempt: intent, the model, verified pictures in the storage, checkpoint."""
        attempt = await self._begin_attempt()
        with self._timed("stage"):
            staged = await self._ask_model(photo, request, attempt)
        with self._timed("verify"):
            pictures = await self._verify(staged, photo)
            pictures = await self._after_stage(pictures, photo)
        with self._timed("store"):
            stored = [
                await put_picture(
                    self.ports,
                    self.job,
                    picture,
                    kind="staged" if n == 0 else "extra",
                    name=f"{attempt.number}-{n}",
                )
                for n, picture in enumerate(pictures)
            ]
        checkpoint = {
            **msgspec.structs.asdict(stored[0]),
            "content_type": pictures[0].content_type,
            "width": pictures[0].width,
            "height": pictures[0].height,
            "sha256": sha256_of(pictures[0].data),
            "extra": [item.key for item in stored[1:]],
        }
        async with self.ports.database.write(self.job["account_id"]) as tx:
            for item, picture in zip(stored, pictures, strict=True):
                await files.keep(tx, item, sha256=sha256_of(picture.data))
            await attempts.end(tx, self.job["id"], "succeeded", cost_usd=staged.cost_usd)
            self.job = await jobs.move(
                tx,
                self.job,
                "finalizing",
                checkpoint=checkpoint,
                report=staged.report,
                cost_usd=self.job["cost_usd"] + staged.cost_usd,
            )

    async def _finalize(self) -> None:
        """The labelled copy, then ONE transaction: result, kept files, job ready, event."""
        checkpoint = self.job["checkpoint"]
        with self._timed("label"):
            labelled = await self._label(checkpoint)
        kept = [checkpoint["key"], *checkpoint["extra"]]
        async with self.ports.database.write(self.job["account_id"]) as tx:
            if labelled is not None:
                stored, sha256 = labelled
                await files.keep(tx, stored, sha256=sha256)
                kept.append(stored.key)
            await files.keep_only(tx, self.job["id"], kept)
            await images.deliver(
                tx,
                self.job["image_id"],
                staged_key=checkpoint["key"],
                labelled_key=None if labelled is None else labelled[0].key,
                **{
                    name: checkpoint[name] for name in ("content_type", "width", "height", "sha256")
                },
            )
            self.job = await jobs.move(
                tx, self.job, "ready", error=None, message=None, timings_ms=self.timings
            )

    # --- its steps ------------------------------------------------------------------------------

    @property
    def _card(self) -> ModelCard:
        return self.ports.stagers[self.job["model"]].card

    async def _move(self, to: JobState) -> None:
        async with self.ports.database.write(self.job["account_id"]) as tx:
            self.job = await jobs.move(tx, self.job, to)

    async def _begin_attempt(self) -> Attempt:
        limit_s = self._card.time_limit_s
        async with self.ports.database.write(self.job["account_id"]) as tx:
            row = await attempts.begin(tx, self.job, time_limit_s=limit_s)
            if row["number"] > self.ports.settings.max_attempts:
                raise AttemptsExhausted(f"Tried {self.job['attempts']} times.")
            self.job = await jobs.move(
                tx, self.job, "staging", told={"attempt": row["number"]}, attempts=row["number"]
            )
        return Attempt(
            id=row["id"],
            number=row["number"],
            deadline=row["deadline"],
            progress=self.lease.progress,
        )

    async def _ask_model(self, photo: Photo, request: StageRequest, attempt: Attempt) -> Staged:
        limit_s = self._card.time_limit_s
        try:
            async with asyncio.timeout(limit_s) as limit:
                staged = await self.ports.stagers[self._card.id].stage(request, photo, attempt)
        except TimeoutError as late:
            if not limit.expired():
                raise
            raise Retryable(f"The model took longer than {limit_s:g} s.") from late
        except (asyncio.CancelledError, SystemExit) as ended:
            if _is_being_cancelled():
                raise
            # Of the model's own making; let through, it would stop this worker, and uncounted.
            raise Retryable(f"The model broke off ({type(ended).__name__}).") from ended
        if not staged.outputs:
            raise Retryable("The model answered without a picture.")
        return staged

    async def _verify(self, staged: Staged, photo: Photo) -> tuple[Picture, ...]:
        original = await photo.read()
        return tuple([await self._verified(item, original, photo) for item in staged.outputs])

    async def _verified(self, output: Output, original: bytes, photo: Photo) -> Picture:
        if output.data is None:
            raise Retryable("The model answered with an address where a picture belongs.")
        verified = await self.ports.decoder.verify(
            output.data,
            original=original,
            width=photo.width,
            height=photo.height,
            digital_source_type=self._card.digital_source_type,
        )
        return Picture(
            data=verified.data,
            content_type=verified.content_type,
            width=verified.width,
            height=verified.height,
        )

    async def _after_stage(
        self, pictures: tuple[Picture, ...], photo: Photo
    ) -> tuple[Picture, ...]:
        """What plugins made of the result; what they changed is verified like a model's output."""
        changed = await self.ports.hooks.after_stage(jobs.as_job(self.job), pictures)
        if not changed:
            raise Retryable("A plugin left no picture over.")
        if changed == pictures:
            return pictures
        outputs = tuple(Output(data=picture.data) for picture in changed)
        return await self._verify(Staged(outputs=outputs), photo)

    async def _label(self, checkpoint: dict[str, Any]) -> tuple[Stored, str] | None:
        """The labelled copy beside the clean picture, where a plugin makes one."""
        if not self.ports.hooks.labels():
            return None
        clean = Picture(
            data=await read_object(self.ports.storage, checkpoint["key"]),
            content_type=checkpoint["content_type"],
            width=checkpoint["width"],
            height=checkpoint["height"],
        )
        labelled = await self.ports.hooks.label(jobs.as_job(self.job), clean, STATEMENT)
        if labelled is None:
            return None
        stored = await put_picture(self.ports, self.job, labelled, kind="labelled", name="labelled")
        return stored, sha256_of(labelled.data)

    async def _give_back(self) -> None:
        """This worker stops: somebody else goes on, and nothing is counted."""
        if self.job["state"] not in ACTIVE:
            return
        try:
            async with self.ports.database.write(self.job["account_id"]) as tx:
                await attempts.end(tx, self.job["id"], "released")
                await jobs.move(
                    tx, self.job, "queued", told={"reason": "worker_stopped"}, due_at=tx.now
                )
        except Exception:
            # It was not ours any more, or its lease will run out; the stop goes on.
            log.info("job %s was not given back", self.job["id"], exc_info=True)

    @contextmanager
    def _timed(self, phase: str) -> Iterator[None]:
        began = time.perf_counter()
        try:
            yield
        finally:
            self.timings[phase] = round((time.perf_counter() - began) * 1000, 1)


def _is_being_cancelled() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
