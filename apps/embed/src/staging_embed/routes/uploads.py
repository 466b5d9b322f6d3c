"""Uploads: photos on their way in."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta, Struct

from staging_core.errors import (
    BadPicture,
    CreatedThenDeleted,
    PictureTooLarge,
    SourceRefused,
    SourceUnavailable,
    UnknownUpload,
    UploadMismatch,
    UploadMissing,
)
from staging_core.models import Upload
from staging_embed.access import member
from staging_embed.answer import Answer
from staging_embed.answers.replayed import replayed
from staging_embed.call import Call
from staging_embed.incoming import FORM, incoming
from staging_embed.routing import Routes
from staging_embed.times import rfc3339, rfc3339_or_none

uploads = Routes("uploads")
_read, _write = member("images:read"), member("images:write")
_EXPIRES_IN = 900
_bad = (BadPicture, PictureTooLarge, UploadMismatch)


class Announced(Struct, frozen=True, kw_only=True):
    """A file that is going to be put. `form`: as a form (POST), as pages send it."""

    filename: Annotated[str, Meta(examples=["living-room.jpg"])]
    content_type: Annotated[str, Meta(examples=["image/jpeg"])]
    file_size: Annotated[int, Meta(ge=1, description="Bytes.")]
    form: bool = False


class UploadAnswer(Struct, frozen=True, kw_only=True):
    """One upload. Unused it goes at `expires_at`, which is null as soon as an image uses it.

    From then on it is there as long as one of its images: with the last one its photo is deleted,
    and it is `upload_unknown`.
    `url`: the address that it was let to be put at, without its signature.
    """

    id: str
    file_key: str
    filename: str
    content_type: str
    file_size: int
    complete: bool
    created_at: str
    expires_at: str | None
    url: str | None


class Presigned(Struct, frozen=True, kw_only=True):
    """Where the file is to be put, and how, within `expires_in` seconds.

    Send `method` to `upload_url` with exactly `headers`, and, for a form, `fields` before the file.
    """

    upload_url: str
    file_key: str
    expires_in: int
    upload_id: str
    method: str
    headers: dict[str, str]
    fields: dict[str, str]
    upload: UploadAnswer


class Address(Struct, frozen=True, kw_only=True):
    """What a client calls a photo: the address that it put it at, without its query, or its key."""

    address: Annotated[
        str,
        Meta(
            max_length=2048,
            examples=["https://photos.example/1.jpg"],
            description="Where the photo was put, without the query, or its `file_key`.",
        ),
    ]


class Name(Struct, frozen=True, kw_only=True):
    """What the file is called, where the body is the file itself."""

    filename: (
        Annotated[
            str,
            Meta(
                examples=["living-room.jpg"],
                description="What the file is called; needed unless it comes in a form.",
            ),
        ]
        | None
    ) = None


class Source(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where a photo is fetched from, once. `headers` are sent to that host only."""

    url: Annotated[str, Meta(max_length=2048, examples=["https://photos.example/1.jpg"])]
    headers: dict[str, str] = {}


@uploads.post("/uploads/presign", _write, creates=True, errors=(CreatedThenDeleted,))
async def presign_upload(call: Call, body: Announced) -> Answer[Presigned]:
    """Announce a file, and learn where to put it.

    The address takes the file for 15 minutes, with the headers that come with it. Size and type are
    checked when the upload is completed or first used; what was looked at then is copied, and stays
    what it was. Put it once: until then a bucket keeps what was put last, and addresses of our own
    refuse a second file (`object_exists`).
    """
    upload, ticket = await call.me.uploads.presign(
        body.filename,
        body.content_type,
        body.file_size,
        form=body.form,
        base=call.base,
        idempotency_key=call.idempotency_key,
    )
    told = Presigned(
        upload_url=ticket.url,
        file_key=upload.key,
        expires_in=_EXPIRES_IN,
        upload_id=upload.id,
        method=ticket.method,
        headers=dict(ticket.headers),
        fields=dict(ticket.fields),
        upload=_answer(upload),
    )
    return replayed(told, upload.replayed)


@uploads.post(
    "/uploads",
    _write,
    status=201,
    creates=True,
    slow=True,
    raw=(FORM, "image/*", "application/octet-stream"),
    whole_photo=True,
    errors=(CreatedThenDeleted, *_bad),
)
async def upload_photo(call: Call, query: Name) -> Answer[UploadAnswer]:
    """Send a photo through us, as the body or as the file of a form.

    For clients that cannot reach the storage. It is streamed, and complete when this is answered.
    """
    photo = await incoming(call.request, query.filename)
    upload = await call.me.uploads.receive(
        photo.chunks, photo.filename, photo.content_type, idempotency_key=call.idempotency_key
    )
    return replayed(_answer(upload), upload.replayed)


@uploads.post(
    "/uploads/from-url",
    _write,
    status=201,
    creates=True,
    slow=True,
    errors=(SourceRefused, SourceUnavailable, CreatedThenDeleted, *_bad),
)
async def upload_from_url(call: Call, body: Source) -> Answer[UploadAnswer]:
    """Have a photo fetched from a public https address, once; redirects are not followed."""
    upload = await call.me.uploads.from_url(
        body.url, body.headers, idempotency_key=call.idempotency_key
    )
    return replayed(_answer(upload), upload.replayed)


@uploads.get("/uploads/find", _read, errors=(UnknownUpload,))
async def find_upload(call: Call, query: Address) -> UploadAnswer:
    """The upload that was put at an address, or has that key."""
    return _answer(await call.me.uploads.find(query.address))


@uploads.get("/uploads/{upload_id}", _read)
async def get_upload(call: Call) -> UploadAnswer:
    """One upload."""
    return _answer(await call.me.uploads.get(call.id("upload_id")))


@uploads.post("/uploads/{upload_id}/complete", _write, errors=(UploadMissing, *_bad))
async def complete_upload(call: Call) -> UploadAnswer:
    """The file was put: look at it now. Its first use does the same."""
    return _answer(await call.me.uploads.complete(call.id("upload_id")))


def _answer(upload: Upload) -> UploadAnswer:
    values: dict[str, Any] = {
        "file_key": upload.key,
        "file_size": upload.size,
        "created_at": rfc3339(upload.created_at),
        "expires_at": rfc3339_or_none(upload.expires_at),
    }
    same = ("id", "filename", "content_type", "complete", "url")
    return UploadAnswer(**values, **{name: getattr(upload, name) for name in same})
