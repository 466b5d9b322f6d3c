"""Signed addresses of our own, for storages that sign none: the same client code works with both.

Whoever has an address may use it, a page of any origin too: the signature in its query is the
right, good for one object, one method, one type and size, and a while.
"""

from __future__ import annotations

from functools import partial

from staging_core.errors import AddressRefused, ObjectExists, UploadMismatch
from staging_embed.access import anyone
from staging_embed.answer import Media, Stream
from staging_embed.call import Call
from staging_embed.incoming import FORM, posted
from staging_embed.pictures import sent
from staging_embed.routing import Routes

objects = Routes("objects")
_signed = anyone("the address is signed, for one object and a while")
_errors = (AddressRefused, ObjectExists, UploadMismatch)


@objects.put(
    "/objects/{key:path}",
    _signed,
    raw=("image/*", "application/octet-stream"),
    whole_photo=True,
    errors=_errors,
)
async def put_object(call: Call) -> None:
    """Put the file that was announced, once, with the headers that came with the address."""
    headers = call.request.headers
    length = headers.get("content-length", "")
    await call.staging.signed_objects.put(
        call.key("key"),
        dict(call.request.query_params),
        call.request.stream(),
        content_type=headers.get("content-type"),
        cache_control=headers.get("cache-control"),
        size=int(length) if length.isdecimal() else None,
    )


@objects.post(
    "/objects/{key:path}", _signed, status=204, raw=(FORM,), whole_photo=True, errors=_errors
)
async def post_object(call: Call) -> None:
    """Send the file that was announced as a form, once, after the fields of its address."""
    key, query = call.key("key"), dict(call.request.query_params)
    call.staging.signed_objects.check(key, query, form=True)
    form = await posted(call.request)
    await call.staging.signed_objects.put(
        key,
        query,
        form.file.chunks,
        content_type=form.fields.get("Content-Type"),
        cache_control=form.fields.get("Cache-Control"),
        form=True,
    )


@objects.get(
    "/objects/{key:path}",
    _signed,
    result=Media(("image/*",)),
    also={206: Media(("image/*",)), 304: None},
    errors=(AddressRefused,),
    streams="objects",
)
async def get_object(call: Call) -> Stream:
    """A picture, whole or in part. Of one account each process sends 64 at a time."""
    key, query = call.key("key"), dict(call.request.query_params)
    objects = call.staging.signed_objects
    file = await objects.look(key, query)
    return sent(
        file,
        partial(objects.open, key, query),
        call.headers,
        attachment=bool(file.filename),
        cache_control="private, max-age=300",
        whose=_folder(key),
    )


def _folder(key: str) -> str:
    """Whose object it is, by the name that all folders of the account have."""
    return key.split("/")[1]
