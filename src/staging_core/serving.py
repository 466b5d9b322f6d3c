"""Pictures on their way out: which object it is, what is said of it, and its bytes."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Literal

import msgspec

from .database import files, folders, images
from .errors import NotFound, NotReady, ObjectMissing, ValidationFailed
from .interfaces import PresignsDownloads, supports
from .models import TERMINAL, ByteRange, DownloadGrant, Image
from .own_address import OwnAddresses
from .photo import once, read_object, sha256_of
from .ports import Ports

Kind = Literal["original", "staged", "labelled", "thumbnail", "overlay"]
"""``overlay`` shows why a room was refused."""

LONGEST_S = 3600.0
_EXTENSIONS = {
    "image/jpeg": "jpg",
    "image/png": "png",
    "image/webp": "webp",
    "image/tiff": "tif",
    "image/avif": "avif",
    "image/heic": "heic",
}


class PictureFile(msgspec.Struct, frozen=True, kw_only=True):
    """A picture as a file to be sent: ``size`` in bytes, ``modified`` in Unix seconds.

    ``etag`` changes whenever the bytes do. ``filename``: what it is called when it is saved.
    """

    key: str
    size: int
    etag: str
    content_type: str
    filename: str
    modified: float


class OpenPicture(msgspec.Struct, frozen=True, kw_only=True):
    """A picture that is being read: all of it, or the part that was asked for."""

    file: PictureFile
    chunks: AsyncIterator[bytes]


async def picture_file(ports: Ports, image: Image, kind: Kind) -> PictureFile:
    """What can be said of one of the image's pictures; ``NotReady``, ``NotFound``."""
    return await _file(ports, await _key(ports, image, kind), _name(image, kind))


async def _file(ports: Ports, key: str, name: str) -> PictureFile:
    stored = await ports.storage.stat(key)
    if stored is None:
        raise NotFound("The picture is gone.")
    return PictureFile(
        key=key,
        size=stored.size,
        etag=stored.etag,
        content_type=stored.content_type,
        filename=f"{name}.{_EXTENSIONS.get(stored.content_type, 'bin')}",
        modified=stored.modified,
    )


@asynccontextmanager
async def opened(
    ports: Ports, file: PictureFile, *, span: ByteRange | None, etag: str | None
) -> AsyncIterator[OpenPicture]:
    """The picture's bytes, or those of ``span``; ``ObjectChanged`` when it is not ``etag`` now."""
    try:
        async with ports.storage.read(file.key, span=span, etag=etag or file.etag) as chunks:
            yield OpenPicture(file=file, chunks=chunks)
    except ObjectMissing as error:
        raise NotFound("The picture is gone.") from error


async def picture_url(
    ports: Ports, image: Image, kind: Kind, *, expires_s: float, download: bool, base: str | None
) -> str:
    """An address that gives the picture to whoever has it, for a while."""
    if not 0 < expires_s <= LONGEST_S:
        told = f"An address is good for at most {LONGEST_S:g} seconds."
        raise ValidationFailed(told, fields={"expires_s": told})
    file = await picture_file(ports, image, kind)
    grant = DownloadGrant(
        key=file.key,
        expires_s=expires_s,
        content_type=file.content_type,
        filename=file.filename if download else None,
    )
    signs = supports(ports.storage, PresignsDownloads)
    if signs is not None:
        return await signs.presign_download(grant)
    own = OwnAddresses(ports.settings.signing_key())
    return own.download(base or ports.settings.public_url or "", grant, now=time.time())


async def _key(ports: Ports, image: Image, kind: Kind) -> str:
    if kind == "thumbnail" and image.thumbnail_key is None and image.staged_key is not None:
        return await _thumbnail(ports, image, image.staged_key)
    keys = {
        "original": image.original_key,
        "staged": image.staged_key,
        "labelled": image.labelled_key,
        "thumbnail": image.thumbnail_key,
        "overlay": image.job.report.get("overlay_key"),
    }
    if kind not in keys:
        told, remedy = f"There is no {kind!r} picture.", f"Choose one of {', '.join(keys)}."
        raise ValidationFailed(told, remedy=remedy, fields={"kind": told})
    key = keys[kind]
    if isinstance(key, str):
        return key
    if image.job.state not in TERMINAL:
        raise NotReady(f"The image has no {kind} picture yet.")
    raise NotFound(f"The image has no {kind} picture.")


async def read_picture(ports: Ports, image: Image, kind: Kind) -> bytes:
    """One of the image's pictures, whole; ``NotReady``, ``NotFound``."""
    return await read_object(ports.storage, await _key(ports, image, kind))


async def _thumbnail(ports: Ports, image: Image, staged_key: str) -> str:
    """Made when it is first asked for; the same picture, the same thumbnail."""
    async with ports.pictures:
        data = await ports.decoder.thumbnail(await read_object(ports.storage, staged_key))
    account_id = image.job.account_id
    key = f"staged/{folders.folder(account_id)}/{image.job.id}-thumbnail.jpg"
    grace_s = ports.settings.orphan_grace_s
    async with ports.database.write(account_id) as tx:
        await files.borrow(
            tx, key, account_id=account_id, kind="thumbnail", grace_s=grace_s, job_id=image.job.id
        )
    stored = await ports.storage.put(key, once(data), content_type="image/jpeg")
    async with ports.database.write(account_id) as tx:
        there = await images.add_thumbnail(tx, image.id, key)
        if there:
            await files.keep(tx, stored, sha256=sha256_of(data))
        else:
            await files.let_go(tx, (key,))
    if not there:
        raise NotFound(f"There is no image {image.id}.")
    return key


def _name(image: Image, kind: Kind) -> str:
    """After the photo's own file, where it is known."""
    stem = (image.filename or "").rpartition(".")[0]
    stem = stem or f"{image.request.room}-{image.id[:8]}"
    if kind == "original":
        return stem
    ending = "" if kind == "staged" else f"-{kind}"
    return f"{stem}-{image.request.style}{ending}"
