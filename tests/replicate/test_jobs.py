"""Whole jobs: an installation, its worker, and the double of Replicate over HTTP."""

from __future__ import annotations

import asyncio
import io
from collections import Counter
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageOps

from staging_core import OWNER, Staging
from staging_core.backends.replicate.shelf import card_of
from staging_core.models import Group
from staging_core.prompts.library import library
from staging_core.testing.replicate import RunningReplicate, running_replicate

from .provider import QWEN

# One of each kind: the photo's shape, fixed shapes, a size that is asked for, padded to a ratio.
MODELS = [
    QWEN,
    "black-forest-labs/flux-kontext-pro",
    "black-forest-labs/flux-2-pro",
    "openai/gpt-image-1.5",
]


def small(width: int = 610, height: int = 400) -> bytes:
    """The bundled photo in a size that is quick to work on, and in no model's own shape."""
    with Image.open(str(files("staging_core.cli.demo") / "empty_room.jpg")) as photo:
        buffer = io.BytesIO()
        ImageOps.fit(photo, (width, height)).save(buffer, "JPEG", quality=90)
    return buffer.getvalue()


@pytest.fixture
def double(monkeypatch: pytest.MonkeyPatch) -> Iterator[RunningReplicate]:
    """A double that the variables point to."""
    with running_replicate() as running:
        monkeypatch.setenv("REPLICATE_API_TOKEN", running.token)
        monkeypatch.setenv("REPLICATE_BASE_URL", running.url)
        yield running


def staged(
    home: Path, models: list[str], *, photo: bytes | None = None, **more: Any
) -> list[Group]:
    """A job for each model, carried to its end."""

    async def run() -> list[Group]:
        urls = tuple(f"replicate:{model}" for model in dict.fromkeys(models))
        fast = {"poll_s": 0.2, "sweep_s": 0.2, "backoff_max_s": 0.2, "plugins": ["staging-core"]}
        async with Staging(home=home, stager=urls, storage="memory:", **fast, **more) as staging:
            me = staging.acting_as(OWNER)
            groups = [
                await me.images.submit(
                    photo or small(), room="living_room", style="japandi", seed=7 + n, model=model
                )
                for n, model in enumerate(models)
            ]
            return [await me.wait(group) for group in groups]

    return asyncio.run(run())


def test_every_kind_of_model_stages_a_photo_at_the_photos_size(
    double: RunningReplicate, tmp_path: Path
) -> None:
    groups = staged(tmp_path, MODELS)
    for group in groups:
        (image,) = group.images
        assert (image.job.status, image.job.error) == ("ready", None)
        assert (image.width, image.height) == (610, 400)
        report = image.job.report or {}
        assert report["prompt"].startswith(library().structure.text)
        assert report["prompt_version"] == library().version
        assert image.job.cost_usd >= card_of(image.job.model).price.usd
    calls = Counter((one["method"], one["path"].split("/")[2]) for one in double.truth("request"))
    assert calls["POST", "models"] == len(groups)


@pytest.mark.parametrize(
    ("model", "size"),
    [
        ("bytedance/seedream-4.5", (2160, 1440)),  # the whole size is too small, twice is too large
        ("bytedance/seedream-4.5", (4000, 1000)),  # no size has exactly its shape
        ("black-forest-labs/flux-2-pro", (1500, 500)),  # wider than any answer
    ],
)
def test_a_photo_of_which_no_whole_multiple_can_be_had_is_staged_at_once(
    double: RunningReplicate, tmp_path: Path, model: str, size: tuple[int, int]
) -> None:
    ((image,),) = [group.images for group in staged(tmp_path, [model], photo=small(*size))]
    assert (image.job.status, image.job.error, image.job.attempts) == ("ready", None, 1)
    assert (image.width, image.height) == size


def test_a_lost_answer_is_found_and_nothing_is_paid_twice(
    double: RunningReplicate, tmp_path: Path
) -> None:
    double.then("lost_answer")
    ((image,),) = [group.images for group in staged(tmp_path, [QWEN])]
    assert image.job.status == "ready"
    assert image.job.attempts == 1
    assert len(double.predictions()) == 1


def test_a_safety_filters_no_ends_the_job_unpaid(double: RunningReplicate, tmp_path: Path) -> None:
    for _ in range(4):
        double.then("moderated")
    ((image,),) = [group.images for group in staged(tmp_path, [QWEN])]
    assert (image.job.status, image.job.error) == ("error", "moderated")
    assert image.job.cost_usd == 0
