"""A photo with the variants made of it, as older clients group them."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from staging_core import Image
from staging_core.models import JobState, JobStatus

from .image import image_answer


class Variant(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One picture made of the photo."""

    id: str
    status: JobStatus
    state: JobState
    progress: float
    created_at: str
    updated_at: str
    style: str | None = None
    staged_url: str | None = None
    error: str | None = None
    error_code: str | None = None
    cost_usd: float | None = None
    processing_time_ms: int | None = None
    model_used: str | None = None
    replicate_prediction_id: str | None = None


class Original(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One photo. Room type, seed and prompt are those of its first variant."""

    original_image_id: str
    original_url: str
    variants: list[Variant]
    room_type: str | None = None
    seed: int | None = None
    prompt: str | None = None


def original(images: Sequence[Image], base: str) -> Original:
    """The photo of these images, the first one first."""
    answers = [image_answer(image, base) for image in images]
    first = answers[0]
    return Original(
        original_image_id=images[0].original_id,
        original_url=first.original_url,
        room_type=first.room_type,
        seed=first.seed,
        prompt=first.prompt,
        variants=[
            Variant(**{name: getattr(answer, name) for name in Variant.__struct_fields__})
            for answer in answers
        ],
    )
