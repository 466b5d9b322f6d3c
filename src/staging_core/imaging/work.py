"""The five jobs of the decoding process."""

from __future__ import annotations

import hashlib
from io import BytesIO

from PIL import Image

from staging_core.errors import BadPicture, PictureUnsupported, Retryable

from . import verdict
from .canvas import Layout
from .develop import develop, encode_png
from .formats import png
from .formats.kinds import JPEG, PNG, WEBP, sniff
from .framing import framed, unframed
from .limits import unpacked
from .protocol import (
    ConvertJob,
    Done,
    Job,
    ModelInputJob,
    ThumbnailJob,
    VerifyJob,
    WorkingCopyJob,
)
from .provenance import mark, read_mark

_FORMATS = {"image/png": "PNG", "image/jpeg": "JPEG", "image/webp": "WEBP"}


def work(job: Job, first: bytes, second: bytes) -> tuple[Done, bytes]:
    """Do the job; raises what the caller shall raise."""
    if isinstance(job, WorkingCopyJob):
        return working_copy(job, first)
    if isinstance(job, ModelInputJob):
        return model_input(job, first)
    if isinstance(job, VerifyJob):
        return verify(job, first, second)
    if isinstance(job, ThumbnailJob):
        return thumbnail(job, first)
    return convert(job, first)


def working_copy(job: WorkingCopyJob, photo: bytes) -> tuple[Done, bytes]:
    """The photo as PNG: sRGB, upright, nothing but pixels."""
    developed = develop(photo, job.limits)
    width, height = developed.image.size
    done = Done(width=width, height=height, focal_px=developed.focal_px)
    return done, encode_png(developed.image)


def model_input(job: ModelInputJob, photo: bytes) -> tuple[Done, bytes]:
    """The photo on a model's canvas."""
    _check_writable(job.content_type)
    image = framed(develop(photo, job.limits).image, job.layout)
    return Done(width=image.width, height=image.height), _encoded(image, job.content_type, 95)


def verify(job: VerifyJob, output: bytes, original: bytes) -> tuple[Done, bytes]:
    """The output as marked PNG of the wanted size; ``Retryable`` says what is wrong with it."""
    answer, size = _output_image(job, output), (job.width, job.height)
    image = _photo_of(answer, job)
    verdict.check_not_blank(image)
    before = develop(original, unpacked(job.limits)).image
    if before.size == size:
        verdict.check_changed(image, before)
    untouched = png.bare_rgb(output) if image is answer and sniff(output) is PNG else None
    data = mark(untouched or encode_png(image), "image/png", job.digital_source_type)
    return Done(width=size[0], height=size[1], sha256=hashlib.sha256(data).hexdigest()), data


def _photo_of(answer: Image.Image, job: VerifyJob) -> Image.Image:
    """What the answer shows of the photo's frame, at its size; the answer itself where it fits."""
    layout = job.layout or _whole(job.width, job.height)
    verdict.check_ratio(answer, layout.width, layout.height)
    return unframed(answer, layout, (job.width, job.height))


def _whole(width: int, height: int) -> Layout:
    """The layout of a photo that was given as it is."""
    return Layout(width=width, height=height, left=0, top=0, inner_width=width, inner_height=height)


def _output_image(job: VerifyJob, output: bytes) -> Image.Image:
    try:
        kind = sniff(output)
        if kind not in (PNG, JPEG, WEBP):
            raise PictureUnsupported(f"The file is {kind.name}, not PNG, JPEG or WebP.")
        return develop(output, job.limits).image
    except BadPicture as error:
        raise Retryable(f"The model's output cannot be used. {error.message}") from error


def convert(job: ConvertJob, picture: bytes) -> tuple[Done, bytes]:
    """The picture in another format, its mark carried over."""
    _check_writable(job.content_type)
    image = develop(picture, job.limits).image
    data, source = _encoded(image, job.content_type, job.quality), read_mark(picture)
    if source is not None:
        data = mark(data, job.content_type, source)
    return Done(width=image.width, height=image.height), data


def thumbnail(job: ThumbnailJob, picture: bytes) -> tuple[Done, bytes]:
    """The picture within a square, never larger than it is, its mark carried over."""
    image = develop(picture, job.limits).image
    image.thumbnail((job.max_side, job.max_side), Image.Resampling.LANCZOS)
    data, source = _encoded(image, "image/jpeg", job.quality), read_mark(picture)
    if source is not None:
        data = mark(data, "image/jpeg", source)
    return Done(width=image.width, height=image.height), data


def _check_writable(content_type: str) -> None:
    if content_type not in _FORMATS:
        raise PictureUnsupported(
            f"Pictures are not written as {content_type!r}.",
            remedy=f"Choose one of {', '.join(_FORMATS)}.",
        )


def _encoded(image: Image.Image, content_type: str, quality: int) -> bytes:
    if content_type == "image/png":
        return encode_png(image)
    buffer = BytesIO()
    chroma = {"subsampling": 0} if content_type == "image/jpeg" else {}
    image.save(buffer, _FORMATS[content_type], quality=quality, **chroma)
    return buffer.getvalue()
