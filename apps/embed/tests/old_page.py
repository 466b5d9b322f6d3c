"""How a page of the original system gets a photo in, and pictures out."""

from __future__ import annotations

from typing import Any

import httpx

from .house import photo
from .old_client import Old

PUT = {"Content-Type": "image/png", "Cache-Control": "public, max-age=31536000, immutable"}


async def presigned(old: Old, data: bytes, **changes: Any) -> dict[str, Any]:
    wish = {"filename": "living room.png", "content_type": "image/png", "file_size": len(data)}
    told: dict[str, Any] = await old.call("POST", "/uploads/presign", {**wish, **changes})
    return told


async def put(old: Old, number: int = 0) -> str:
    """What an old page sends as ``original_url``."""
    data = photo(number)
    told = await presigned(old, data)
    answer = await old.client.put(told["upload_url"], content=data, headers=PUT)
    assert answer.status_code == 200, answer.text
    return str(told["upload_url"].partition("?")[0])


async def project_of(old: Old) -> str:
    return str((await old.call("POST", "/projects", {"name": "a"}, status=201))["id"])


async def bytes_of(url: str, old: Old, **headers: str) -> httpx.Response:
    """Read by whoever has the address: nobody signs in."""
    return await old.client.get(url, headers=headers)
