"""How large a photo may be."""

from __future__ import annotations

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
