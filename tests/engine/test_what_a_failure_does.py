"""The error is the verb: later, again, or never; and cancelling is decided by the row."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from staging_core import OWNER, Image, Staging, hookimpl
from staging_core.acting import Acting
from staging_core.audit import SOUND, Audit
from staging_core.errors import (
    AlreadyFinal,
    NotFound,
    Refused,
    RoomNotUnderstood,
    TooManyQueued,
    UnknownModel,
)
from staging_core.models import Attempt, Job, ModelCard, Picture, Staged, StageRequest
from staging_core.testing.fake_stager import FakeStager

from .conftest import Install
from .pictures import photo

pytestmark = pytest.mark.parametrize("database", ["sqlite", "postgresql"], indirect=True)


async def carried(staging: Staging) -> Image:
    me = staging.acting_as(OWNER)
    group = await me.wait(await me.images.submit(photo(), room="bedroom", style="modern"))
    return group.images[0]


async def attempt_states(me: Acting, image: Image) -> list[str]:
    return [attempt.state for attempt in await me.jobs.attempts(image.job.id)]


@pytest.mark.parametrize(
    ("script", "states"),
    [
        ("ok", ["succeeded"]),
        ("busy,busy,ok", ["succeeded"]),
        ("retryable,ok", ["failed", "succeeded"]),
        ("raises,garbage,html,ok", ["failed", "failed", "failed", "succeeded"]),
        ("blank,identical,empty,ok", ["failed", "failed", "failed", "succeeded"]),
        ("wrong_size,ok", ["failed", "succeeded"]),
    ],
)
def test_what_may_pass_is_tried_again_until_it_is_ready(
    install: Install, script: str, states: list[str]
) -> None:
    async def scenario() -> None:
        async with install(f"fake:?script={script}") as staging:
            image = await carried(staging)
            assert image.job.state == "ready"
            assert (image.width, image.height) == (96, 64)
            assert await attempt_states(staging.acting_as(OWNER), image) == states
            assert image.job.attempts == len(states)
            assert await Audit(staging.ports).count() == SOUND

    asyncio.run(scenario())


def test_a_job_that_always_fails_is_dead_after_the_last_attempt_and_keeps_its_reason(
    install: Install,
) -> None:
    async def scenario() -> None:
        async with install("fake:?fail_every=1", max_attempts=3) as staging:
            image = await carried(staging)
            assert (image.job.state, image.job.error) == ("error", "attempts_exhausted")
            assert "The fake stager failed" in (image.job.message or "")
            states = await attempt_states(staging.acting_as(OWNER), image)
            assert states == ["failed"] * 3
            assert await Audit(staging.ports).count() == SOUND

    asyncio.run(scenario())


@pytest.mark.parametrize("word", ["refused", "moderated"])
def test_a_refusal_ends_the_job_at_once_and_no_result_stays(install: Install, word: str) -> None:
    async def scenario() -> None:
        async with install(f"fake:?script={word}") as staging:
            image = await carried(staging)
            assert (image.job.state, image.job.error) == ("error", word)
            assert image.job.attempts == 1
            assert image.staged_key is None
            with pytest.raises(NotFound):
                await staging.acting_as(OWNER).images.read(image.id)

    asyncio.run(scenario())


def test_a_model_that_hangs_loses_its_attempt_at_the_cards_time_limit(install: Install) -> None:
    async def scenario() -> None:
        async with install("fake:?script=hangs&time_limit_s=0.2") as staging:
            image = await carried(staging)
            assert image.job.state == "ready"
            attempts = await staging.acting_as(OWNER).jobs.attempts(image.job.id)
            assert "longer than 0.2 s" in (attempts[0].message or "")

    asyncio.run(scenario())


class Refuser:
    """A stager that understands no room."""

    card = ModelCard(id="refuser", name="Refuser")

    async def stage(self, request: StageRequest, photo: Any, attempt: Attempt) -> Staged:
        raise RoomNotUnderstood("No walls were found.", overlay_png=b"an overlay")


def test_a_room_that_is_not_understood_keeps_the_picture_that_shows_why(install: Install) -> None:
    async def scenario() -> None:
        async with install((Refuser(),)) as staging:
            image = await carried(staging)
            assert image.job.error == "room_not_understood"
            me = staging.acting_as(OWNER)
            assert await me.images.read(image.id, "overlay") == b"an overlay"
            assert await Audit(staging.ports).count() == SOUND

    asyncio.run(scenario())


class Broken:
    """A plugin whose label hook fails a number of times."""

    def __init__(self, times: int) -> None:
        self.left = times

    @hookimpl
    def staging_label(self, job: Job, picture: Picture, statement: str) -> Picture | None:
        if self.left:
            self.left -= 1
            raise RuntimeError("no ink")
        return picture


def test_a_paid_result_is_not_staged_again_when_only_its_label_failed(install: Install) -> None:
    async def scenario() -> None:
        async with install("fake:", plugins=(Broken(1),)) as staging:
            image = await carried(staging)
            assert image.job.state == "ready"
            states = await attempt_states(staging.acting_as(OWNER), image)
            assert states == ["succeeded"]

    asyncio.run(scenario())


def test_a_label_that_never_works_ends_the_job_and_leaves_no_result(install: Install) -> None:
    async def scenario() -> None:
        async with install("fake:", plugins=(Broken(99),)) as staging:
            image = await carried(staging)
            assert image.job.error == "attempts_exhausted"
            assert image.staged_key is None
            await staging.sweep()
            left = [entry.key async for entry in staging.ports.storage.entries("staged/")]
            assert left == []

    asyncio.run(scenario())


class Veto:
    """A plugin that refuses results."""

    @hookimpl
    def staging_after_stage(self, job: Job, outputs: tuple[Picture, ...]) -> None:
        raise Refused("Too much furniture.")


def test_a_plugin_may_veto_a_result(install: Install) -> None:
    async def scenario() -> None:
        async with install("fake:", plugins=(Veto(),)) as staging:
            image = await carried(staging)
            assert (image.job.error, image.job.message) == ("refused", "Too much furniture.")

    asyncio.run(scenario())


class Swap:
    """A plugin that puts other bytes in the place of the result."""

    def __init__(self, data: bytes) -> None:
        self.data = data

    @hookimpl
    def staging_after_stage(self, job: Job, outputs: tuple[Picture, ...]) -> tuple[Picture, ...]:
        first = outputs[0]
        changed = Picture(
            data=self.data, content_type="image/png", width=first.width, height=first.height
        )
        return (changed,)


def test_what_a_plugin_changed_is_verified_like_a_models_output(install: Install) -> None:
    async def scenario() -> None:
        async with install("fake:", plugins=(Swap(b"not a picture"),)) as staging:
            image = await carried(staging)
            assert image.job.error == "attempts_exhausted"

    asyncio.run(scenario())


def test_cancelling_a_queued_job_ends_it(install: Install) -> None:
    async def scenario() -> None:
        async with install(worker=False) as staging:
            me = staging.acting_as(OWNER)
            group = await me.images.submit(photo(), room="bedroom", style="modern")
            image = await me.images.cancel(group.images[0].id)
            assert image.job.state == "cancelled"
            assert [event.state async for event in me.events(group)][-1] == "cancelled"
            with pytest.raises(AlreadyFinal):
                await me.images.cancel(image.id)
            await staging.run_worker(until_idle=True)
            assert (await me.images.get(image.id)).job.state == "cancelled"

    asyncio.run(scenario())


def test_cancelling_a_running_job_stops_the_model_and_frees_the_worker(install: Install) -> None:
    async def scenario() -> None:
        async with install("fake:?script=hangs&in_flight=1", lease_s=0.6) as staging:
            me = staging.acting_as(OWNER)
            group = await me.images.submit(photo(), room="bedroom", style="modern")
            async for event in me.events(group):
                if event.state == "staging":
                    break
            await me.images.cancel(group.images[0].id)
            assert (await me.wait(group)).images[0].job.state == "cancelled"
            retried = await me.images.retry(group.images[0].id)
            assert retried.job.id != group.images[0].job.id
            async for event in me.events(group):
                if event.job_id == retried.job.id and event.state == "staging":
                    break
            await me.images.cancel(retried.id)
            assert await Audit(staging.ports).count() == SOUND

    asyncio.run(scenario())


def test_a_failed_image_is_tried_again_as_a_new_job_and_a_ready_one_is_not(
    install: Install,
) -> None:
    async def scenario() -> None:
        async with install("fake:?script=refused") as staging:
            failed = await carried(staging)
            me = staging.acting_as(OWNER)
        async with install("fake:") as staging:
            me = staging.acting_as(OWNER)
            await me.images.retry(failed.id)
            group = await me.wait(await me.images.group(failed.group_id))
            assert group.images[0].job.state == "ready"
            assert len(await me.jobs.page()) == 2
            with pytest.raises(AlreadyFinal):
                await me.images.retry(failed.id)

    asyncio.run(scenario())


def test_trying_again_needs_the_model_and_a_place_in_the_queue(install: Install) -> None:
    async def scenario() -> None:
        async with install("fake:?script=refused") as staging:
            failed = await carried(staging)
        async with install("fake:other", worker=False) as staging:
            with pytest.raises(UnknownModel):
                await staging.acting_as(OWNER).images.retry(failed.id)
        async with install("fake:", worker=False, max_queued=1) as staging:
            me = staging.acting_as(OWNER)
            await me.images.submit(photo(), room="bedroom", style="modern")
            with pytest.raises(TooManyQueued):
                await me.images.retry(failed.id)
            assert (await me.images.get(failed.id)).job.id == failed.job.id

    asyncio.run(scenario())


def test_a_stopped_worker_gives_its_job_back_uncounted(install: Install) -> None:
    async def scenario() -> None:
        hanging = install("fake:?script=hangs", shutdown_s=0.1)
        async with hanging as staging:
            me = staging.acting_as(OWNER)
            group = await me.images.submit(photo(), room="bedroom", style="modern")
            async for event in me.events(group):
                if event.state == "staging":
                    break
        async with install("fake:") as staging:
            me = staging.acting_as(OWNER)
            image = (await me.wait(group)).images[0]
            assert image.job.state == "ready"
            assert await attempt_states(me, image) == ["succeeded"]
            reasons = [event.data.get("reason") for event in await me.jobs.history(image.job.id)]
            assert "worker_stopped" in reasons

    asyncio.run(scenario())


class BreaksOff(FakeStager):
    """Ends its first calls as no model should."""

    def __init__(self, *ends: BaseException) -> None:
        super().__init__()
        self.ends = list(ends)

    async def stage(self, request: StageRequest, photo: Any, attempt: Attempt) -> Staged:
        if self.ends:
            raise self.ends.pop(0)
        return await super().stage(request, photo, attempt)


def test_a_model_that_cancels_itself_or_exits_loses_that_attempt_and_harms_no_worker(
    install: Install,
) -> None:
    async def scenario() -> None:
        ends = asyncio.CancelledError(), SystemExit(3), TimeoutError("of its own")
        async with install((BreaksOff(*ends),)) as staging:
            image = await carried(staging)
            assert image.job.state == "ready"
            attempts = await staging.acting_as(OWNER).jobs.attempts(image.job.id)
            assert [attempt.state for attempt in attempts] == [*["failed"] * 3, "succeeded"]
            assert "longer than" not in (attempts[2].message or "")

    asyncio.run(scenario())
