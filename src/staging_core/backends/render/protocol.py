"""What the stager and its rendering process say to each other.

On the wire: two lengths, the message (msgpack), one picture as it is.
"""

from __future__ import annotations

import struct
from typing import Any

import msgspec

from staging_core.models import StageRequest

PREFIX = struct.Struct(">IQ")


class Order(msgspec.Struct, frozen=True, tag="order"):
    """Furnish the picture that comes along. ``accelerated``: see ``picture.render``."""

    request: StageRequest
    focal_px: float | None
    accelerated: bool | None


class Heard(msgspec.Struct, frozen=True, tag="heard"):
    """How far the work is: ``share`` 0..1 and the phase."""

    share: float
    phase: str


class Drawn(msgspec.Struct, frozen=True, tag="drawn"):
    """The picture that comes along is the result."""

    report: dict[str, Any]


class Declined(msgspec.Struct, frozen=True, tag="declined"):
    """There is no result. ``code``: of the error to raise; the overlay may come along."""

    code: str
    message: str


Word = Heard | Drawn | Declined


def parts(message: Order | Word, picture: bytes = b"") -> list[bytes]:
    """The parts to send."""
    body = msgspec.msgpack.encode(message)
    return [PREFIX.pack(len(body), len(picture)), body, picture]
