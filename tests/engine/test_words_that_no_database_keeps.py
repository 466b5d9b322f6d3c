"""A model's words may hold anything; what they do to its job is what the verb says."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import msgspec
import pytest

from staging_core import OWNER, Image
from staging_core.acting.jobs import AttemptRecord
from staging_core.audit import SOUND, Audit
from staging_core.errors import Moderated, Refused, Retryable, StagingError
from staging_core.models import Attempt, Failed, Staged, StageRequest, Waiting
from staging_core.testing.fake_deferred import FakeDeferred
from staging_core.testing.fake_stager import FakeStager

from .conftest import Install
from .pictures import photo

pytestmark = pytest.mark.parametrize("database", ["sqlite", "postgresql"], indirect=True)

WORDS = "a\x00b\ud800"
KEPT = "a\N{REPLACEMENT CHARACTER}b\N{REPLACEMENT CHARACTER}"


class FailsOnce(FakeDeferred):
    """The first prediction fails in those words, every later one is done when it is asked about."""

    def __init__(self, **failed: Any) -> None:
        super().__init__(finish_after=1)
        self._failed = Failed(message=WORDS, **failed)

    async def check(self, handle: str) -> Waiting | Staged | Failed:
        return self._failed if handle == "fake-1" else await super().check(handle)


class RefusesToBegin(FakeDeferred):
    """Takes no photo."""

    async def create(self, request: StageRequest, photo: Any, attempt: Attempt) -> str:
        raise Refused(WORDS)


class Raises(FakeStager):
    """Answers at once: with the error as often as told, then with a picture."""

    def __init__(self, error: StagingError, times: int = 1) -> None:
        super().__init__()
        self._error, self._times = error, times

    async def stage(self, request: StageRequest, photo: Any, attempt: Attempt) -> Staged:
        if attempt.number <= self._times:
            raise self._error
        return await super().stage(request, photo, attempt)


def carried(install: Install, stager: object) -> tuple[Image, list[AttemptRecord]]:
    async def scenario() -> tuple[Image, list[AttemptRecord]]:
        async with install((stager,), poll_s=0.05, lease_s=1.0, max_attempts=2) as staging:
            me = staging.acting_as(OWNER)
            group = await me.images.submit(photo(), room="bedroom", style="modern")
            (image,) = (await me.wait(group)).images
            assert await Audit(staging.ports).count() == SOUND
            return image, await me.jobs.attempts(image.job.id)

    return asyncio.run(scenario())


@pytest.mark.parametrize(
    "stager",
    [
        FailsOnce,
        lambda: FailsOnce(moderated=True, retryable=False),  # another seed may do
        lambda: Raises(Retryable(WORDS)),
    ],
)
def test_what_may_pass_is_tried_again(install: Install, stager: Any) -> None:
    image, attempts = carried(install, stager())
    assert image.job.state == "ready"
    assert [(each.state, each.message) for each in attempts] == [
        ("failed", KEPT),
        ("succeeded", None),
    ]


@pytest.mark.parametrize(
    ("stager", "error"),
    [
        (lambda: FailsOnce(retryable=False), "refused"),
        (RefusesToBegin, "refused"),
        (lambda: Raises(Refused(WORDS)), "refused"),
        (lambda: Raises(Moderated(WORDS)), "moderated"),
    ],
)
def test_a_refusal_ends_the_job(install: Install, stager: Any, error: str) -> None:
    image, attempts = carried(install, stager())
    assert (image.job.state, image.job.error, image.job.message) == ("error", error, KEPT)
    assert [each.message for each in attempts] == [KEPT]


def test_the_last_words_of_a_job_that_always_fails_are_kept(install: Install) -> None:
    image, _ = carried(install, Raises(Retryable(WORDS), times=9))
    assert (image.job.state, image.job.error) == ("error", "attempts_exhausted")
    assert KEPT in (image.job.message or "")


class Tells(FakeStager):
    """Says unusual things of a picture, and of how far it is."""

    async def stage(self, request: StageRequest, photo: Any, attempt: Attempt) -> Staged:
        assert attempt.progress is not None
        attempt.progress(0.5, WORDS)
        staged = await super().stage(request, photo, attempt)
        report = {WORDS: [WORDS, float("nan"), (1, Path("x"))], "all": {"well": True}}
        return msgspec.structs.replace(staged, report=report)


def test_what_a_model_reports_of_a_picture_costs_nobody_the_picture(install: Install) -> None:
    image, attempts = carried(install, Tells(delay_ms=600))
    assert (image.job.state, len(attempts)) == ("ready", 1)
    assert image.job.report == {KEPT: [KEPT, None, [1, "x"]], "all": {"well": True}}
