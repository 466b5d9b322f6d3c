"""Bytes in and out of a storage."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from msgspec.structs import replace

from staging_core.interfaces import Storage
from staging_core.models import Stored

_STORING_S = 60.0


async def sent(*chunks: bytes) -> AsyncIterator[bytes]:
    """The chunks, as a caller streams them."""
    for chunk in chunks:
        yield chunk


async def put(storage: Storage, key: str, data: bytes, kind: str = "image/png") -> Stored:
    """Put ``data`` in one piece."""
    return await storage.put(key, sent(data), content_type=kind)


async def got(storage: Storage, key: str, **how: Any) -> bytes:
    """All bytes that a read gives."""
    async with storage.read(key, **how) as chunks:
        return b"".join([chunk async for chunk in chunks])


async def keys(storage: Storage, prefix: str = "") -> list[str]:
    """The keys that a storage lists."""
    return [stored.key async for stored in storage.entries(prefix)]


def same(one: Stored | None, other: Stored) -> bool:
    """Whether both tell of one object; ``put`` may tell its time a little differently."""
    if one is None or abs(one.modified - other.modified) > _STORING_S:
        return False
    return replace(one, modified=other.modified) == other
