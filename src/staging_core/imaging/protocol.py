"""What is said between this process and a decoding one: a small message and up to two pictures.

On the wire: the three lengths, the message (msgpack), the pictures as they are.
"""

from __future__ import annotations

import struct

import msgspec

from .canvas import Layout
from .limits import Limits

PREFIX = struct.Struct(">IQQ")
_LONGEST_MESSAGE = 1 << 16


class WorkingCopyJob(msgspec.Struct, frozen=True, tag="working_copy"):
    """Make the working copy of the first picture."""

    limits: Limits
    cpu_s: int


class VerifyJob(msgspec.Struct, frozen=True, tag="verify"):
    """Check the first picture, a model's output, against the second, what the model was given."""

    limits: Limits
    cpu_s: int
    width: int
    height: int
    digital_source_type: str
    layout: Layout | None = None


class ModelInputJob(msgspec.Struct, frozen=True, tag="model_input"):
    """Lay the first picture, a working copy, on a model's canvas."""

    limits: Limits
    cpu_s: int
    layout: Layout
    content_type: str


class ConvertJob(msgspec.Struct, frozen=True, tag="convert"):
    """Write the first picture in another format."""

    limits: Limits
    cpu_s: int
    content_type: str
    quality: int


class ThumbnailJob(msgspec.Struct, frozen=True, tag="thumbnail"):
    """Write the first picture small, as JPEG."""

    limits: Limits
    cpu_s: int
    max_side: int
    quality: int


class Done(msgspec.Struct, frozen=True, tag="done"):
    """The first picture is the result."""

    width: int
    height: int
    focal_px: float | None = None
    sha256: str = ""


class Rejected(msgspec.Struct, frozen=True, tag="rejected"):
    """There is no result; ``code`` is that of the error to raise."""

    code: str
    message: str
    remedy: str


Job = WorkingCopyJob | ModelInputJob | VerifyJob | ConvertJob | ThumbnailJob
Answer = Done | Rejected


def write(message: Job | Answer, first: bytes = b"", second: bytes = b"") -> list[bytes]:
    """The parts to send, uncopied."""
    body = msgspec.msgpack.encode(message)
    return [PREFIX.pack(len(body), len(first), len(second)), body, first, second]


def check_lengths(prefix: bytes, most: int) -> tuple[int, int, int]:
    """The three lengths; ``ValueError`` where they exceed what an honest process would send."""
    message, first, second = PREFIX.unpack(prefix)
    if message > _LONGEST_MESSAGE or first + second > most:
        raise ValueError("a message of impossible size")
    return message, first, second
