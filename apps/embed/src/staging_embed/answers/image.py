"""Images as older clients know them, with what we add."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, Literal

from msgspec import Struct

from staging_core import Image
from staging_core.models import JobState, JobStatus
from staging_embed.answers.job import JobAnswer, job_answer
from staging_embed.times import rfc3339

_CANCELLED = "The image was cancelled."
_HELD = "The image is held for review."

PictureKind = Literal["original", "staged", "labelled"]


class ImageAnswer(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One image.

    `status` is what every client understands, `state` the finer word. `error` is a plain sentence,
    `error_code` is for programs. `original_url` and `staged_url` name the image's pictures for
    ever; they are read with the caller's own token, or through `presign`. `content_type`, `width`,
    `height` and `sha256` are the staged picture's. `requested_model`: the one that was asked for by
    name. `disclosure` is always left out: nothing here says yet how a picture was made. `job` is
    the newest one.
    """

    id: str
    project_id: str | None
    original_url: str
    status: JobStatus
    state: JobState
    progress: float
    phase: str
    variant: int
    group_id: str
    model: str
    created_at: str
    updated_at: str
    original_id: str
    original_key: str
    job: JobAnswer
    staged_url: str | None = None
    room_type: str | None = None
    style: str | None = None
    seed: int | None = None
    prompt: str | None = None
    error: str | None = None
    error_code: str | None = None
    cost_usd: float | None = None
    model_used: str | None = None
    processing_time_ms: int | None = None
    replicate_prediction_id: str | None = None
    disclosure: str | None = None
    filename: str | None = None
    original_type: str = ""
    original_sha256: str = ""
    staged_key: str | None = None
    labelled_key: str | None = None
    thumbnail_key: str | None = None
    content_type: str | None = None
    width: int | None = None
    height: int | None = None
    sha256: str | None = None
    furniture: tuple[str, ...] = ()
    options: dict[str, Any] = {}
    requested_model: str | None = None


class CreatedImage(ImageAnswer, frozen=True, kw_only=True, omit_defaults=True):
    """The first image that was made of the photo; `variants`: all of them, this one too."""

    variants: list[ImageAnswer]


_SAME = (
    *("original_id", "original_key", "staged_key", "labelled_key", "thumbnail_key"),
    *("filename", "original_type", "original_sha256", "content_type", "width", "height", "sha256"),
)


def image_answer(image: Image, base: str) -> ImageAnswer:
    """The image; ``base``: the address of this API."""
    return ImageAnswer(**_values(image, base))


def created_image(images: Sequence[Image], base: str) -> CreatedImage:
    """All variants of one photo."""
    variants = [image_answer(image, base) for image in images]
    return CreatedImage(variants=variants, **_values(images[0], base))


def _values(image: Image, base: str) -> dict[str, Any]:
    job, request = image.job, image.request
    ready = image.staged_key is not None and job.state == "ready"
    return dict(
        id=image.id,
        project_id=image.project_id,
        original_url=image.original_url or picture_urls(base, "original")(image.id),
        status=job.status,
        state=job.state,
        progress=job.progress,
        phase=job.phase,
        variant=request.variant,
        group_id=image.group_id,
        model=job.model,
        created_at=rfc3339(image.created_at),
        updated_at=rfc3339(job.updated_at),
        staged_url=picture_urls(base, "staged")(image.id) if ready else None,
        room_type=request.room,
        style=request.style,
        seed=request.seed,
        prompt=request.prompt,
        error=_sentence(image),
        error_code=job.error,
        replicate_prediction_id=image.handle,
        furniture=request.furniture,
        options=request.options,
        requested_model=request.model,
        job=job_answer(job),
        **{name: getattr(image, name) for name in _SAME},
        **(_known_at_the_end(image) if job.finished_at is not None else {}),
    )


@lru_cache(maxsize=64)  # an event stream holds one, and most are asked for at the same address
def picture_urls(base: str, kind: PictureKind) -> Callable[[str], str]:
    """From an image's id to the stable address of one of its pictures."""
    return lambda image_id: f"{base}/api/v1/images/{image_id}/pictures/{kind}"


def _sentence(image: Image) -> str | None:
    """Why an old page shows no picture; it would wait for one for ever otherwise."""
    job = image.job
    if job.state == "cancelled":
        return job.message or _CANCELLED
    if job.state == "needs_review":
        return _HELD
    return (job.message or job.error) if job.state == "error" else None


def _known_at_the_end(image: Image) -> dict[str, Any]:
    job = image.job
    assert job.finished_at is not None
    return {
        "cost_usd": job.cost_usd,
        "model_used": job.model,
        "processing_time_ms": round((job.finished_at - job.created_at) * 1000),
    }
