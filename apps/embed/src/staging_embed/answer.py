"""What a route answers when a plain value does not say it all."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any, Generic, TypeVar

import msgspec

T = TypeVar("T")
Chunks = AbstractAsyncContextManager[AsyncIterator[bytes]]


class Answer(msgspec.Struct, Generic[T], frozen=True):
    """A body with a status and headers of its own; ``status`` None: the route's."""

    body: T
    status: int | None = None
    headers: Mapping[str, str] = {}


class Stream(msgspec.Struct, frozen=True):
    """A body in chunks, read while it is sent.

    ``chunks``: of one that is made once. ``opens``: reads one of ``size`` bytes from any byte on,
    so many at most, as often as it is asked. With neither there is no body. ``whose``: of whose
    share it takes where nobody signs in.
    """

    status: int
    headers: Mapping[str, str]
    chunks: Chunks | None = None
    opens: Callable[[int, int], Chunks] | None = None
    size: int = 0
    whose: str = ""

    @property
    def is_empty(self) -> bool:
        """Whether there is no body."""
        return self.chunks is None and self.opens is None


class Bytes(msgspec.Struct, frozen=True):
    """A body as it is, of a media type."""

    body: bytes
    media_type: str
    headers: Mapping[str, str] = {}


class Media(msgspec.Struct, frozen=True):
    """A body that is not JSON. ``types``: its media types."""

    types: tuple[str, ...]


def encoded(value: Any) -> bytes:
    """JSON as it is sent."""
    return msgspec.json.encode(value)
