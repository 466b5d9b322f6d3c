"""The work of ``staging stage``: submit, watch, write, tell."""

from __future__ import annotations

import asyncio
import hashlib
from contextlib import suppress
from typing import Any

import msgspec

from staging_core import OWNER, Staging
from staging_core.acting import Acting
from staging_core.errors import StagingError
from staging_core.models import Group, Image
from staging_core.staged_picture import failure_of, replace_file

from .answer import say_json, say_line
from .failure import WRONG_USE, Failure, failure_from, say_failure
from .progress import Bars, bars
from .targets import Targets, content_type


class Output(msgspec.Struct, frozen=True, kw_only=True):
    """One written picture."""

    path: str
    width: int
    height: int
    sha256: str
    style: str
    seed: int


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one photo: a group, some of its pictures, and the first failure if any."""

    photo: str
    group: Group | None = None
    outputs: tuple[Output, ...] = ()
    failure: Failure | None = None


class StagePhotos:
    """One run of the command."""

    def __init__(
        self, photos: tuple[str, ...], wish: dict[str, Any], targets: Targets, as_json: bool
    ) -> None:
        self._photos, self._wish = photos, wish
        self._targets, self._as_json = targets, as_json
        self._groups: list[Group] = []

    async def run(self) -> int:
        """Stage all photos and tell of each, in order; the exit code."""
        async with Staging.from_env() as staging:
            self._targets.prepare()
            try:
                with bars() as shown:
                    return await self._stage(staging, shown)
            except asyncio.CancelledError:
                await self._cancel(staging.acting_as(OWNER))
                raise

    async def _stage(self, staging: Staging, shown: Bars) -> int:
        me = staging.acting_as(OWNER)
        submitted = [await self._submit(me, photo, shown) for photo in self._photos]
        code = 0
        async with asyncio.TaskGroup() as tasks:
            waiting = [tasks.create_task(self._finish(staging, each, shown)) for each in submitted]
            for task in waiting:
                outcome = await task
                with shown.aside():
                    self._tell(outcome)
                code = max(code, outcome.failure.exit_code if outcome.failure else 0)
        return code

    async def _submit(self, me: Acting, photo: str, shown: Bars) -> Outcome:
        try:
            group = await me.images.submit(photo, **self._wish)
        except StagingError as error:
            failure = failure_from(error)
            if failure.exit_code == WRONG_USE:
                raise
            return Outcome(photo=photo, failure=failure)
        self._groups.append(group)
        for image in group.images:
            shown.add(image.job, photo)
        return Outcome(photo=photo, group=group)

    async def _finish(self, staging: Staging, outcome: Outcome, shown: Bars) -> Outcome:
        """Wait for the group's jobs and write what they made."""
        if outcome.group is None:
            return outcome
        me = staging.acting_as(OWNER)
        async for event in me.events(outcome.group):
            shown.show(event)
        group = await me.images.group(outcome.group.id)
        outputs: list[Output] = []
        failure: Failure | None = None
        for image in group.images:
            try:
                outputs.append(await self._write(staging, outcome.photo, image))
            except StagingError as error:
                failure = failure or failure_from(error)
        return Outcome(photo=outcome.photo, group=group, outputs=tuple(outputs), failure=failure)

    async def _write(self, staging: Staging, photo: str, image: Image) -> Output:
        """Write the image's picture; its job's error where there is none."""
        me = staging.acting_as(OWNER)
        if image.job.state != "ready":
            raise await failure_of(me, image)
        path = self._targets.path(photo, image)
        data = await me.images.read(image.id)
        wanted = content_type(path)
        if wanted != image.content_type:
            data = await staging.ports.decoder.convert(data, wanted)
        replace_file(path, data)
        assert image.width is not None
        assert image.height is not None
        return Output(
            path=str(path),
            width=image.width,
            height=image.height,
            sha256=hashlib.sha256(data).hexdigest(),
            style=image.request.style,
            seed=image.request.seed,
        )

    async def _cancel(self, me: Acting) -> None:
        """Whoever stops the command wants no pictures any more."""
        for group in self._groups:
            for image in group.images:
                with suppress(StagingError):
                    await me.images.cancel(image.id)

    def _tell(self, outcome: Outcome) -> None:
        if self._as_json:
            say_json(as_json(outcome))
            return
        for output in outcome.outputs:
            size = f"{output.width} x {output.height}"
            say_line(f"{output.path}: {size}, {output.style}, seed {output.seed}")
        if outcome.failure is not None:
            say_failure(outcome.failure, outcome.photo)


def as_json(outcome: Outcome) -> dict[str, Any]:
    """The fixed shape; with ``error`` beside it when something failed.

    The report and the times are those of the first picture that is ready.
    """
    error = {} if outcome.failure is None else {"error": outcome.failure.as_json()}
    if outcome.group is None:
        return error
    jobs = [image.job for image in outcome.group.images]
    shown = next((job for job in jobs if job.status == "ready"), jobs[0])
    return {
        "job": shown.id,
        "status": "error" if outcome.failure else shown.status,
        "outputs": outcome.outputs,
        "model": shown.model,
        "cost_usd": sum(job.cost_usd for job in jobs),
        "timings_ms": shown.timings_ms,
        "report": shown.report,
        **error,
    }
