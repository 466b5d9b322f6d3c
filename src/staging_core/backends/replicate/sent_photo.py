"""How a photo gets to the model: by address, in the request, or through the files API.

Only the working copy that the core hands over is ever sent, never the original.
"""

from __future__ import annotations

import base64

import msgspec

from staging_core.interfaces import Photo
from staging_core.models import Attempt

from .account import Account
from .card import PictureInput
from .reach import can_reach
from .tag import tagged_file, tagged_url

SMALL = 256_000
"""Bytes up to which Replicate advises data URIs."""


class SentPhoto(msgspec.Struct, frozen=True):
    """What stands in the model's input. ``file_id``: an upload to delete when it is done with."""

    value: str
    file_id: str | None = None


async def send_photo(
    account: Account, api: str, into: PictureInput, photo: Photo, attempt: Attempt, *, ttl_s: float
) -> SentPhoto:
    """Choose the first way that the card and the provider's reach allow, the cheapest before.

    An address costs nothing, a small data URI one larger request, a file one request more. A data
    URI is taken only when the provider can call back: it may show a copy of its own instead, and
    then nothing but the callback tells whose prediction it is. ``ttl_s``: how long the address is
    good for.
    """
    if "url" in into.ways:
        url = await photo.url(ttl_s)
        if url is not None and can_reach(api, url):
            return SentPhoto(tagged_url(url, attempt.id))
    data = tagged_file(await photo.read(), attempt.id)
    calls_back = attempt.callback_url is not None and can_reach(api, attempt.callback_url)
    small = len(data) <= SMALL and calls_back
    if "data" in into.ways and (small or "file" not in into.ways):
        text = base64.b64encode(data).decode()
        return SentPhoto(f"data:{photo.content_type};base64,{text}")
    name = f"{attempt.id}.{photo.content_type.rpartition('/')[2]}"
    file_id, address = await account.upload(data, name=name, content_type=photo.content_type)
    return SentPhoto(address, file_id)
