"""Pictures in the storage: the working copy as stagers see it, and results as jobs put them."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import msgspec

from .database import files, folders
from .database.row import Row
from .errors import StagingError, StorageError
from .imaging.canvas import Layout
from .interfaces import PresignsDownloads, Storage, supports
from .models import DownloadGrant, Picture, Stored

if TYPE_CHECKING:
    from .database.engine import Transaction
    from .ports import Ports


@dataclass(frozen=True, slots=True)
class StoredPhoto:
    """A ``Photo`` that lies in the storage under ``key``."""

    storage: Storage
    key: str
    content_type: str
    width: int
    height: int
    focal_px: float | None

    async def read(self) -> bytes:
        """The encoded bytes."""
        return await read_object(self.storage, self.key)

    async def url(self, ttl_s: float) -> str | None:
        """An address of the storage's own, whoever can reach it; None where it signs none."""
        signs = supports(self.storage, PresignsDownloads)
        if signs is None:
            return None
        grant = DownloadGrant(key=self.key, expires_s=ttl_s, content_type=self.content_type)
        return await signs.presign_download(grant)


def laid_out(photo: StoredPhoto, layout: Layout, content_type: str) -> StoredPhoto:
    """Where ``photo`` lies once it was laid out so; the same photo and layout, the same key."""
    said = "-".join(str(value) for value in msgspec.structs.astuple(layout))
    extension = content_type.rpartition("/")[2]
    scale = layout.inner_width / photo.width
    return replace(
        photo,
        key=f"{photo.key.rpartition('.')[0]}-{said}.{extension}",
        content_type=content_type,
        width=layout.width,
        height=layout.height,
        focal_px=None if photo.focal_px is None else photo.focal_px * scale,
    )


async def read_object(storage: Storage, key: str) -> bytes:
    """A whole object in memory; for pictures, which intake has bounded.

    Whatever a plugin's storage raises is a ``StorageError``: the job waits until it can be read,
    and a model that was to get it has got nothing.
    """
    try:
        async with storage.read(key) as chunks:
            return b"".join([chunk async for chunk in chunks])
    except StagingError:
        raise
    except Exception as error:
        raise StorageError(f"The object {key} cannot be read: {type(error).__name__}.") from error


def key_of(job: Row, name: str, content_type: str) -> str:
    """Where a held job puts a picture. It holds job and fence: nothing is ever overwritten."""
    folder, extension = folders.folder(job["account_id"]), content_type.rpartition("/")[2]
    return f"staged/{folder}/{job['id']}-{job['fence']}-{name}.{extension}"


async def intend_picture(tx: Transaction, ports: Ports, job: Row, key: str, *, kind: str) -> None:
    """The intent row of what is about to be put; unless kept, it goes after the grace time."""
    await files.intend(
        tx,
        key,
        account_id=job["account_id"],
        kind=kind,
        job_id=job["id"],
        grace_s=ports.settings.orphan_grace_s,
    )


async def put_picture(ports: Ports, job: Row, picture: Picture, *, kind: str, name: str) -> Stored:
    """Intent row, then the object."""
    key = key_of(job, name, picture.content_type)
    async with ports.database.write(job["account_id"]) as tx:
        await intend_picture(tx, ports, job, key, kind=kind)
    return await put_intended(ports, key, picture)


async def put_intended(ports: Ports, key: str, picture: Picture) -> Stored:
    """The object of an intent row."""
    return await ports.storage.put(key, once(picture.data), content_type=picture.content_type)


def sha256_of(data: bytes) -> str:
    """Lower-case hexadecimal."""
    return hashlib.sha256(data).hexdigest()


async def once(data: bytes) -> AsyncIterator[bytes]:
    """The bytes as a stream of one chunk."""
    yield data
