"""How large a picture may be."""

from __future__ import annotations

import sys

import msgspec


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """What is refused before anything is decoded, and what a decoding process may use.

    ``max_bytes``: size of the file. ``max_pixels``: width times height. ``max_side``: the longer
    side, pixels. ``max_memory``: bytes of address space of one decoding process (POSIX only).
    """

    max_bytes: int = 26_214_400
    max_pixels: int = 50_000_000
    max_side: int = 12_000
    max_memory: int = 1_610_612_736


def outputs_within(limits: Limits, *, max_bytes: int) -> Limits:
    """For what a model made: it answers with more bytes, and pixels, than a photo may have."""
    usual = Limits()
    return msgspec.structs.replace(
        limits,
        max_bytes=max_bytes,
        max_pixels=max(limits.max_pixels, usual.max_pixels),
        max_side=max(limits.max_side, usual.max_side),
    )


def unpacked(limits: Limits) -> Limits:
    """For files that were made here, of pictures within the limits: as PNG they are much larger."""
    return outputs_within(limits, max_bytes=sys.maxsize)
