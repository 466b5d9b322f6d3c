"""An image's pictures, to look at and to keep."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Literal

from msgspec import Meta, Struct

from staging_core.errors import NotReady
from staging_embed.access import member
from staging_embed.answer import Media, Stream
from staging_embed.call import Call
from staging_embed.pictures import sent
from staging_embed.routing import Routes
from staging_embed.times import rfc3339

pictures = Routes("pictures")
_read = member("images:read")

Kind = Literal["original", "staged", "labelled", "thumbnail", "overlay"]
Download = Annotated[bool, Meta(description="`1`: a browser saves it, under a name.")]


class Wanted(Struct, frozen=True, kw_only=True):
    """Which picture, for how long, and whether a browser shall save it."""

    kind: Annotated[Kind, Meta(description="Which picture.")] = "original"
    expires_in: Annotated[int, Meta(ge=1, le=3600, description="Seconds.")] = 3600
    download: Download = False


class PictureAddress(Struct, frozen=True, kw_only=True):
    """An address of a picture, for whoever has it."""

    url: str


class FileAnswer(Struct, frozen=True, kw_only=True):
    """A picture as a file. `size`: bytes. `filename`: what it is called when it is saved."""

    key: str
    size: int
    etag: str
    content_type: str
    filename: str
    modified_at: str


class Saved(Struct, frozen=True, kw_only=True):
    """Whether a browser shall save it."""

    download: Download = False


@pictures.get("/images/{image_id}/presign", _read, errors=(NotReady,))
async def presign_picture(call: Call, query: Wanted) -> PictureAddress:
    """An address of one of the image's pictures, good for a while.

    The original is there from the beginning, also of images that failed.
    """
    url = await call.me.images.presign(
        call.id("image_id"),
        query.kind,
        expires_s=query.expires_in,
        download=query.download,
        base=call.base,
    )
    return PictureAddress(url=url)


@pictures.get("/images/{image_id}/pictures/{kind}/about", _read, errors=(NotReady,))
async def look_at_picture(call: Call) -> FileAnswer:
    """What can be said of one of the image's pictures, without its bytes."""
    file = await call.me.images.look(call.id("image_id"), call.one_of("kind", Kind))
    same = ("key", "size", "etag", "content_type", "filename")
    return FileAnswer(
        **{name: getattr(file, name) for name in same}, modified_at=rfc3339(file.modified)
    )


@pictures.get(
    "/images/{image_id}/pictures/{kind}",
    _read,
    result=Media(("image/*",)),
    streams="pictures",
    also={206: Media(("image/*",)), 304: None},
    errors=(NotReady,),
    headers={"ETag": "Of these bytes.", "Content-Disposition": "What the file is called."},
    request_headers={
        "Range": "One range of bytes.",
        "If-None-Match": "An `ETag` that was told before; 304 when it is still right.",
        "If-Range": "Answer the range only if the picture still has this `ETag`.",
    },
)
async def get_picture(call: Call, query: Saved) -> Stream:
    """One of the image's pictures: `original`, `staged`, `labelled`, `thumbnail` or `overlay`.

    An overlay shows why a room was refused. Of one account each process sends eight at a time;
    where 256 are sent, the slowest of the account that has most breaks off for who comes. An answer
    that broke off is resumed with `Range` and `If-Range`.
    """
    image_id, kind = call.id("image_id"), call.one_of("kind", Kind)
    images = call.me.images
    return sent(
        await images.look(image_id, kind),
        partial(images.open, image_id, kind),
        call.headers,
        attachment=query.download,
        cache_control="private, no-cache",
    )
