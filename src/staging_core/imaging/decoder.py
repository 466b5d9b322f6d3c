"""Decoding happens in child processes with limits; this process never touches foreign pixels."""

from __future__ import annotations

from types import TracebackType

import msgspec

from .limits import Limits


class WorkingCopy(msgspec.Struct, frozen=True, kw_only=True):
    """The picture that models see: PNG, sRGB, 8 bit RGB, upright, without metadata."""

    data: bytes
    width: int
    height: int
    focal_px: float | None = None


class Verified(msgspec.Struct, frozen=True, kw_only=True):
    """A model's output that passed."""

    data: bytes
    content_type: str
    width: int
    height: int
    sha256: str


class Decoder:
    """A pool of decoding child processes."""

    def __init__(
        self, *, processes: int = 1, limits: Limits = Limits(), time_limit_s: float = 30.0
    ) -> None:
        raise NotImplementedError

    async def __aenter__(self) -> Decoder:
        raise NotImplementedError

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        raise NotImplementedError

    async def working_copy(self, data: bytes) -> WorkingCopy:
        """The working copy of a photo."""
        raise NotImplementedError

    async def verify(
        self, output: bytes, *, original: bytes, width: int, height: int, digital_source_type: str
    ) -> Verified:
        """The model's output as it is kept."""
        raise NotImplementedError

    async def convert(self, data: bytes, content_type: str, *, quality: int = 92) -> bytes:
        """The picture in another format, with its mark."""
        raise NotImplementedError
