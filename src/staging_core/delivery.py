"""From a model's answer to a ready job: verified, stored, checkpoint, labelled, delivered.

Rows are locked in the order that everybody keeps: attempt, job, then what is the job's.
"""

from __future__ import annotations

import logging
from collections.abc import Collection
from typing import Any

import msgspec

from .database import attempts, files, images, jobs, spend, usage
from .database.engine import Transaction
from .database.row import Row
from .errors import OutputUnavailable, Retryable
from .held import Held
from .imaging.canvas import Layout
from .interfaces import Photo
from .models import JobState, Output, Picture, Staged, Stored
from .photo import intend_picture, key_of, put_intended, put_picture, read_object, sha256_of
from .settlement import tell_end
from .text import keepable_json

log = logging.getLogger("staging_core")

STATEMENT = "Virtually staged"
"""What a labelled copy says until a rule pack says it better."""


MAX_OUTPUTS = 16
"""Pictures of one answer that are kept; no model on a card makes more."""

_KINDS = ("staged", "extra")
_VERIFIED = "image/png"


class _Result(msgspec.Struct, frozen=True, kw_only=True):
    """A verified picture that lies in the storage."""

    stored: Stored
    content_type: str
    width: int
    height: int
    sha256: str


class Delivery(Held):
    """What every way of a job ends with."""

    async def _deliver(
        self,
        outputs: tuple[bytes, ...],
        staged: Staged,
        original: Row,
        number: int,
        intended: Collection[str] = (),
    ) -> None:
        """Verified pictures in the storage; then ONE transaction.

        It makes the job ready, unless a plugin labels pictures: then it is the checkpoint.
        ``intended``: keys that have an intent row already.
        """
        async with self.ports.pictures:
            results = await self._stored(outputs, original, number, intended)
        checkpoint = {
            **_told_of(results[0]),
            "extra": [result.stored.key for result in results[1:]],
        }
        report = keepable_json(staged.report)
        async with self.ports.database.write(self.job["account_id"]) as tx:
            for attempt in await attempts.end(tx, self.job["id"], "succeeded"):
                if attempt["cost_usd"] != staged.cost_usd:
                    await attempts.book(tx, attempt["id"], staged.cost_usd)
                else:
                    spend.settle(tx, attempt, staged.cost_usd)
            labels = self.ports.hooks.labels()
            job = (
                await jobs.move(tx, self.job, "finalizing", checkpoint=checkpoint, report=report)
                if labels
                else await self._publish(tx, checkpoint, report=report)
            )
            for result in results:
                await files.keep(tx, result.stored, sha256=result.sha256)
            if not labels:
                await self._keep_only(tx, checkpoint)
            await self._delivered(tx)
        self.job = job
        told = {"model": job["model"], "outcome": "succeeded"}
        self.ports.telemetry.count("staging.attempts", **told)
        if job["state"] == "ready":
            tell_end(self.ports, job)
        else:
            await self._finalize()

    async def _stored(
        self, outputs: tuple[bytes, ...], original: Row, number: int, intended: Collection[str]
    ) -> list[_Result]:
        """The outputs, verified, in the storage; of their pixels nothing is held any more."""
        with self._timed("verify"):
            copy = self._photo(original), await self._working_copy(original)
            pictures = await self._verify(outputs, *copy, self._layout(copy[0]))
            pictures = await self._after_stage(pictures, *copy)
        with self._timed("store"):
            return [
                _Result(
                    stored=await self._put(picture, number, n, intended),
                    content_type=picture.content_type,
                    width=picture.width,
                    height=picture.height,
                    sha256=sha256_of(picture.data),
                )
                for n, picture in enumerate(pictures)
            ]

    async def _put(
        self, picture: Picture, number: int, n: int, intended: Collection[str]
    ) -> Stored:
        kind, name = _KINDS[n > 0], f"{number}-{n}"
        key = key_of(self.job, name, picture.content_type)
        if key in intended:
            return await put_intended(self.ports, key, picture)
        return await put_picture(self.ports, self.job, picture, kind=kind, name=name)

    async def _intend_outputs(self, tx: Transaction, number: int, outputs: int) -> list[str]:
        """Intent rows for what the model's outputs will be, as far as can be foretold."""
        kept = min(outputs, MAX_OUTPUTS)
        keys = [key_of(self.job, f"{number}-{n}", _VERIFIED) for n in range(kept)]
        for n, key in enumerate(keys):
            await intend_picture(tx, self.ports, self.job, key, kind=_KINDS[n > 0])
        return keys

    async def _delivered(self, tx: Transaction) -> None:
        """The model did well."""

    async def _finalize_again(self) -> None:
        """A worker before us came as far as the checkpoint."""
        await self._move("finalizing")
        await self._finalize()

    async def _finalize(self) -> None:
        """The labelled copy, then ONE transaction: result, kept files, job ready, event."""
        with self._timed("label"):
            async with self.ports.pictures:
                labelled = await self._label(self.job["checkpoint"])
        checkpoint = self.job["checkpoint"]
        key = None if labelled is None else labelled[0].key
        async with self.ports.database.write(self.job["account_id"]) as tx:
            job = await self._publish(tx, checkpoint, key)
            if labelled is not None:
                stored, sha256 = labelled
                await files.keep(tx, stored, sha256=sha256)
            await self._keep_only(tx, checkpoint, key)
        self.job = job
        tell_end(self.ports, job)

    async def _publish(
        self,
        tx: Transaction,
        checkpoint: dict[str, Any],
        labelled_key: str | None = None,
        **values: Any,
    ) -> Row:
        """The job is ready, and its pictures are its image's; the row as it is then."""
        values |= {"error": None, "message": None, "timings_ms": self.timings}
        via: JobState | None = None if self.job["state"] == "finalizing" else "finalizing"
        job = await jobs.move(tx, self.job, "ready", via=via, **values)
        await images.deliver(
            tx,
            self.job["image_id"],
            staged_key=checkpoint["key"],
            labelled_key=labelled_key,
            **{name: checkpoint[name] for name in ("content_type", "width", "height", "sha256")},
        )
        await usage.count(tx, job["account_id"], job["usage_period"])
        return job

    async def _keep_only(
        self, tx: Transaction, checkpoint: dict[str, Any], labelled_key: str | None = None
    ) -> None:
        """Of the job's objects only its pictures stay."""
        kept = [checkpoint["key"], *checkpoint["extra"]]
        if labelled_key is not None:
            kept.append(labelled_key)
        await files.keep_only(tx, self.job["id"], kept)

    # --- its steps ------------------------------------------------------------------------------

    async def _bytes(self, staged: Staged, *, patient: bool = False) -> tuple[bytes, ...]:
        """The outputs as the model gave them, or fetched from where it put them.

        Those that cannot be had are left out where others can. ``patient``: while one is only
        unavailable, none is left out; ``OutputUnavailable`` asks to come back.
        """
        got, wrong = list[bytes](), list[Retryable]()
        for output in staged.outputs[:MAX_OUTPUTS]:
            try:
                got.append(await self._bytes_of(output))
            except Retryable as error:
                if patient and isinstance(error, OutputUnavailable):
                    raise
                wrong.append(error)
        self._left_out(len(got), wrong, too_many=len(staged.outputs) - MAX_OUTPUTS)
        return tuple(got)

    def _left_out(self, usable: int, wrong: list[Retryable], *, too_many: int = 0) -> None:
        """One usable output is enough for what is paid for; without any it is a failure."""
        if not usable:
            raise wrong[0] if wrong else Retryable("The model answered without a picture.")
        for error in wrong:
            log.warning("job %s: an output is left out: %s", self.job["id"], error.message)
        if too_many > 0:
            log.warning("job %s: %d outputs too many are left out", self.job["id"], too_many)

    async def _bytes_of(self, output: Output) -> bytes:
        if output.data is not None:
            return output.data
        if output.url is None:
            raise Retryable("The model answered with neither a picture nor an address.")
        return await self.ports.downloads.fetch(output.url, hosts=self._card.output_hosts)

    async def _verify(
        self, outputs: tuple[bytes, ...], photo: Photo, copy: bytes, layout: Layout | None = None
    ) -> tuple[Picture, ...]:
        """Those that are usable, in their order: the first is the result."""
        pictures, wrong = list[Picture](), list[Retryable]()
        for data in outputs[:MAX_OUTPUTS]:
            try:
                pictures.append(await self._verified(data, photo, copy, layout))
            except Retryable as error:
                wrong.append(error)
        self._left_out(len(pictures), wrong, too_many=len(outputs) - MAX_OUTPUTS)
        return tuple(pictures)

    async def _verified(
        self, data: bytes, photo: Photo, copy: bytes, layout: Layout | None
    ) -> Picture:
        verified = await self.ports.decoder.verify(
            data,
            original=copy,
            width=photo.width,
            height=photo.height,
            digital_source_type=self._card.digital_source_type,
            layout=layout,
        )
        return Picture(
            data=verified.data,
            content_type=verified.content_type,
            width=verified.width,
            height=verified.height,
        )

    async def _after_stage(
        self, pictures: tuple[Picture, ...], photo: Photo, copy: bytes
    ) -> tuple[Picture, ...]:
        """What plugins made of the result; what they changed is verified like a model's output."""
        changed = await self.ports.hooks.after_stage(jobs.as_job(self.job), pictures)
        if not changed:
            raise Retryable("A plugin left no picture over.")
        if changed == pictures:
            return pictures
        return await self._verify(tuple(picture.data for picture in changed), photo, copy)

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


def _told_of(result: _Result) -> dict[str, Any]:
    """As a checkpoint keeps it."""
    told = msgspec.structs.asdict(result)
    return {**msgspec.structs.asdict(told.pop("stored")), **told}
