"""How a photo gets to the model: by address, through the files API, or in the request.

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
from .transport import Rejected

_SHORTEST_S = 60.0
_NO_FILES = {404, 405, 501}


class SentPhoto(msgspec.Struct, frozen=True):
    """What stands in the model's input. ``file_id``: an upload to delete when it is done with."""

    value: str
    file_id: str | None = None


async def send_photo(
    account: Account, api: str, into: PictureInput, photo: Photo, attempt: Attempt, *, ttl_s: float
) -> SentPhoto:
    """The first way that the card and the provider's reach allow: address, upload, data URI.

    An address costs no request and no memory. An upload comes before a data URI, also for a small
    picture: Replicate may show a copy of its own in place of a data URI, and then a prediction
    whose answer was lost cannot be known again. Where there is no files API, as at some gateways,
    the data URI it is. ``ttl_s``: how long the address is needed.
    """
    if "url" in into.ways:
        url = await photo.url(max(ttl_s, _SHORTEST_S))
        if url is not None and can_reach(api, url):
            return SentPhoto(tagged_url(url, attempt.id))
    data = tagged_file(await photo.read(), attempt.id)
    if "file" in into.ways:
        try:
            return await _uploaded(account, photo, data, attempt)
        except Rejected as error:
            if error.status not in _NO_FILES or "data" not in into.ways:
                raise
    text = base64.b64encode(data).decode()
    return SentPhoto(f"data:{photo.content_type};base64,{text}")


async def _uploaded(account: Account, photo: Photo, data: bytes, attempt: Attempt) -> SentPhoto:
    name = f"{attempt.id}.{photo.content_type.rpartition('/')[2]}"
    file_id, address = await account.upload(data, name=name, content_type=photo.content_type)
    return SentPhoto(address, file_id)
