"""Photos of every kind, and how they are sent."""

from __future__ import annotations

from typing import Any

from staging_core import Acting, Principal, Staging
from staging_core.models import UploadTicket

ADA = Principal(account_id="ada-homes", user_id="ada")
WISH: dict[str, Any] = {"room": "bedroom", "style": "modern"}


async def objects(staging: Staging) -> set[str]:
    return {entry.key async for entry in staging.ports.storage.entries("")}


async def original(me: Acting, **named: Any) -> bytes:
    """The original of an image that is staged from what was uploaded."""
    group = await me.images.submit(**named, **WISH)
    return await me.images.read(group.images[0].id, "original")


KINDS = [
    ("room.jpg", "image/jpeg", "JPEG"),
    ("ROOM.JPEG", "image/jpeg", "JPEG"),
    ("room.png", "image/png", "PNG"),
    ("room.webp", "image/webp", "WEBP"),
    ("room.tif", "image/tiff", "TIFF"),
    ("room.avif", "application/octet-stream", "AVIF"),
    ("room.heic", "application/octet-stream", "HEIF"),
    ("room.heic", "image/heif", "HEIF"),
]


async def presigned(me: Acting, data: bytes, **other: Any) -> tuple[Any, UploadTicket]:
    given = {"filename": "room.jpg", "content_type": "image/jpeg", "size": len(data), **other}
    return await me.uploads.presign(**given)
