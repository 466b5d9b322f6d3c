"""The three jobs of the decoding process."""

from __future__ import annotations

import hashlib
from io import BytesIO

from PIL import Image

from staging_core.errors import BadPicture, PictureUnsupported, Retryable

from . import verdict
from .develop import develop, encode_png
from .formats import png
from .formats.kinds import JPEG, PNG, WEBP, sniff
from .protocol import ConvertJob, Done, Job, VerifyJob, WorkingCopyJob
from .provenance import mark, read_mark

_FORMATS = {"image/png": "PNG", "image/jpeg": "JPEG", "image/webp": "WEBP"}


def work(job: Job, first: bytes, second: bytes) -> tuple[Done, bytes]:
    """Do the job; raises what the caller shall raise."""
    if isinstance(job, WorkingCopyJob):
        return working_copy(job, first)
    if isinstance(job, VerifyJob):
        return verify(job, first, second)
    return convert(job, first)


def working_copy(job: WorkingCopyJob, photo: bytes) -> tuple[Done, bytes]:
    """The photo as PNG: sRGB, upright, nothing but pixels."""
    developed = develop(photo, job.limits)
    width, height = developed.image.size
    done = Done(width=width, height=height, focal_px=developed.focal_px)
    return done, encode_png(developed.image)


def verify(job: VerifyJob, output: bytes, original: bytes) -> tuple[Done, bytes]:
    """The output as marked PNG of the wanted size; ``Retryable`` says what is wrong with it."""
    image = _output_image(job, output)
    verdict.check_ratio(image, job.width, job.height)
    verdict.check_not_blank(image)
    size = job.width, job.height
    untouched = png.bare_rgb(output) if image.size == size and sniff(output) is PNG else None
    if image.size != size:
        image = image.resize(size, Image.Resampling.LANCZOS)
    before = develop(original, job.limits).image
    if before.size == size:
        verdict.check_changed(image, before)
    data = mark(untouched or encode_png(image), "image/png", job.digital_source_type)
    return Done(width=size[0], height=size[1], sha256=hashlib.sha256(data).hexdigest()), data


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
    if job.content_type not in _FORMATS:
        raise PictureUnsupported(
            f"Pictures are not written as {job.content_type!r}.",
            remedy=f"Choose one of {', '.join(_FORMATS)}.",
        )
    image = develop(picture, job.limits).image
    data, source = _encoded(image, job), read_mark(picture)
    if source is not None:
        data = mark(data, job.content_type, source)
    return Done(width=image.width, height=image.height), data


def _encoded(image: Image.Image, job: ConvertJob) -> bytes:
    if job.content_type == "image/png":
        return encode_png(image)
    buffer = BytesIO()
    chroma = {"subsampling": 0} if job.content_type == "image/jpeg" else {}
    image.save(buffer, _FORMATS[job.content_type], quality=job.quality, **chroma)
    return buffer.getvalue()
