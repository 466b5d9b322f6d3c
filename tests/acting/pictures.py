"""Photos for tests: small, real and different by number, of any kind."""

from __future__ import annotations

from collections.abc import AsyncIterator
from io import BytesIO
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import numpy as np
from PIL import Image

from staging_core import Staging
from staging_core.models import UploadTicket


def photo(number: int = 0, kind: str = "JPEG", *, width: int = 96, height: int = 64) -> bytes:
    """A noisy picture; another number gives another one."""
    pixels = np.random.default_rng(number).integers(0, 255, (height, width, 3), dtype=np.uint8)
    buffer = BytesIO()
    if kind == "HEIF":
        import pillow_heif  # type: ignore[import-not-found, unused-ignore]

        pillow_heif.register_heif_opener()
    Image.fromarray(pixels).save(buffer, kind)
    return buffer.getvalue()


async def sent(data: bytes, size: int = 1000) -> AsyncIterator[bytes]:
    """The bytes in chunks, as a server gets them."""
    for start in range(0, len(data), size):
        yield data[start : start + size]


async def put(staging: Staging, ticket: UploadTicket, data: bytes, **other: Any) -> None:
    """Send it as a client that was given the ticket does, and a server hands it on."""
    parts = urlsplit(ticket.url)
    told = {
        "content_type": ticket.headers.get("Content-Type"),
        "cache_control": ticket.headers.get("Cache-Control"),
    }
    key = unquote(parts.path).partition("/api/v1/objects/")[2]
    query = dict(parse_qsl(parts.query))
    await staging.signed_objects.put(
        other.pop("key", key),
        {**query, **other.pop("query", {})},
        sent(data),
        **{**told, **other},
    )
