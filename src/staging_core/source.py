"""Where the photo of an order comes from: its bytes, or an upload that is here already."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol
from uuid import uuid4

from .database import accounts, files, folders, images, uploads
from .database.engine import Transaction
from .database.row import Row
from .errors import (
    BadPicture,
    NotFound,
    NotHonoured,
    UnknownUpload,
    UploadMismatch,
    UploadMissing,
)
from .imaging.decoder import WorkingCopy
from .imaging.intake import Examined, examine, read_photo
from .models import Stored
from .photo import once, sha256_of
from .ports import Ports
from .uploading import Uploading


class OriginalGone(Exception):
    """Its last image was deleted a moment ago; the photo has to be kept anew."""


class Source(Protocol):
    """A photo, and how it becomes the original of an order.

    ``original_url`` and ``filename``: how the client names it, once it is identified. ``part``: the
    keyword of the order that it came by.
    """

    @property
    def part(self) -> str:
        """``photo``, ``upload_id`` or ``original_url``."""
        ...

    @property
    def original_url(self) -> str | None:
        """The address that it was put at, as the client wrote it."""
        ...

    @property
    def filename(self) -> str | None:
        """What its file is called."""
        ...

    async def identity(self) -> str:
        """The same for the same photo; raises what is wrong with it, as far as that is cheap."""
        ...

    async def look(self) -> Examined:
        """What its header says; an upload is complete from now on."""
        ...

    async def decode(self) -> None:
        """Find what only decoding finds, where the bytes are at hand; a job does it otherwise."""
        ...

    async def store(self) -> None:
        """Everything that has to lie in the storage lies there, still to be kept."""
        ...

    async def keep(self, tx: Transaction) -> str:
        """The original's id, kept in the transaction that accepts the order; it holds the account.

        ``OriginalGone``: store once more.
        """
        ...

    async def let_go(self) -> None:
        """Nothing was accepted, so what was stored for it goes with the next sweep."""
        ...


@contextmanager
def naming_the_photo(source: Source) -> Iterator[None]:
    """What is wrong with the photo is told of the part of the order that named it."""
    try:
        yield
    except (BadPicture, NotHonoured, UnknownUpload, UploadMismatch, UploadMissing) as error:
        if error.part in ("", "photo"):
            error.part = source.part
        raise


class PhotoSource:
    """A path, or the encoded bytes."""

    original_url = None
    part = "photo"

    def __init__(
        self, ports: Ports, account_id: str, photo: str | os.PathLike[str] | bytes
    ) -> None:
        self.ports = ports
        self.filename = None if isinstance(photo, bytes) else os.path.basename(photo)[-255:]
        self._account_id = account_id
        self._photo = photo
        self._data = b""
        self._sha256 = ""
        self._working: WorkingCopy | None = None
        self._known: str | None = None
        self._put: list[tuple[Stored, str]] = []
        self._intended: tuple[str, ...] = ()

    async def identity(self) -> str:
        """See ``Source.identity``: the digest of the bytes."""
        self._data = await read_photo(self._photo, self.ports.limits)
        examine(self._data, self.ports.limits)
        self._sha256 = sha256_of(self._data)
        return self._sha256

    async def look(self) -> Examined:
        """See ``Source.look``."""
        return examine(self._data, self.ports.limits)

    async def decode(self) -> None:
        """See ``Source.decode``."""
        self._working = await self.ports.decoder.working_copy(self._data)

    async def store(self) -> None:
        """The account's original with these bytes: the one it has, or a new one, stored."""
        assert self._working is not None
        async with self.ports.database.read(self._account_id) as tx:
            known = await images.find_original(tx, self._account_id, self._sha256)
        self._known = None if known is None else known["id"]
        if self._known is not None:
            return
        examined, folder, name = await self.look(), folders.folder(self._account_id), str(uuid4())
        key, working_key = (
            f"uploads/{folder}/{name}.{examined.extension}",
            _working(folder, name),
        )
        await self._intend(key, working_key)
        kept = await self.ports.storage.put(
            key, once(self._data), content_type=examined.content_type
        )
        working_kept = await self.ports.storage.put(
            working_key, once(self._working.data), content_type="image/png"
        )
        self._put = [(kept, self._sha256), (working_kept, sha256_of(self._working.data))]

    async def _intend(self, key: str, working_key: str) -> None:
        self._intended = (key, working_key)
        grace_s = self.ports.settings.orphan_grace_s
        async with self.ports.database.write(self._account_id) as tx:
            await accounts.ensure(tx, self._account_id)
            for each, kind in ((key, "original"), (working_key, "working")):
                await files.intend(
                    tx, each, account_id=self._account_id, kind=kind, grace_s=grace_s
                )

    async def keep(self, tx: Transaction) -> str:
        """See ``Source.keep``: a new one, unless another submit was faster with the same bytes."""
        if self._known is not None:
            if await images.is_gone(tx, self._known):
                raise OriginalGone
            return self._known
        known = await images.find_original(tx, self._account_id, self._sha256)
        if known is not None:
            return str(known["id"])
        return await self._keep_new(tx, await self.look())

    async def _keep_new(self, tx: Transaction, examined: Examined) -> str:
        assert self._working is not None
        (kept, _), (working_kept, _) = self._put
        original_id = str(uuid4())
        await images.add_original(
            tx,
            id=original_id,
            account_id=self._account_id,
            sha256=self._sha256,
            key=kept.key,
            working_key=working_kept.key,
            content_type=examined.content_type,
            width=self._working.width,
            height=self._working.height,
            focal_px=self._working.focal_px,
        )
        for stored, sha256 in self._put:
            await files.keep(tx, stored, sha256=sha256)
        return original_id

    async def let_go(self) -> None:
        """See ``Source.let_go``; what a commit has kept stays."""
        if self._intended:
            async with self.ports.database.write(self._account_id) as tx:
                await files.let_go(tx, self._intended)


class UploadSource:
    """An upload, by its id, or by the address (or key) that it was put at."""

    def __init__(
        self,
        ports: Ports,
        account_id: str,
        *,
        upload_id: str | None = None,
        address: str | None = None,
    ) -> None:
        self.ports = ports
        self._account_id = account_id
        self._uploading = Uploading(ports, account_id)
        self._upload_id = upload_id
        self._address = address
        self._row: Row | None = None

    @property
    def part(self) -> str:
        """See ``Source``."""
        return "original_url" if self._address is not None else "upload_id"

    @property
    def row(self) -> Row:
        """The upload's row, once it was identified."""
        assert self._row is not None
        return self._row

    @property
    def original_url(self) -> str | None:
        """See ``Source``."""
        return self._address or self.row["url"]

    @property
    def filename(self) -> str | None:
        """See ``Source``."""
        return str(self.row["filename"])

    async def identity(self) -> str:
        """See ``Source.identity``: the upload's id; ``UnknownUpload``."""
        if self._address is not None:
            self._row = await self._uploading.find(self._address)
        else:
            self._row = await self._uploading.named(str(self._upload_id))
        return f"upload:{self._row['id']}"

    async def look(self) -> Examined:
        """See ``Source.look``."""
        try:
            self._row = await self._uploading.complete(self.row["id"])
        except NotFound as error:
            raise UnknownUpload("The upload is gone.") from error
        return Examined(
            content_type=self.row["kept_type"],
            extension=self.row["kept_key"].rpartition(".")[2],
            width=self.row["width"],
            height=self.row["height"],
        )

    async def decode(self) -> None:
        """Its bytes are not at hand, so the job does it."""

    async def store(self) -> None:
        """It is there."""

    async def keep(self, tx: Transaction) -> str:
        """See ``Source.keep``: one original for all that use the upload."""
        try:
            row = await uploads.get(tx, self._account_id, self.row["id"])
        except NotFound as error:
            raise UnknownUpload("The upload is gone.") from error
        if row["original_id"] is not None:
            return str(row["original_id"])
        original_id = await self._known(tx, row) or await self._keep_new(tx, row)
        await uploads.use(tx, row["id"], original_id)
        return original_id

    async def _known(self, tx: Transaction, row: Row) -> str | None:
        """The account's original with the same bytes, where we have read them."""
        if row["sha256"] is None:
            return None
        known = await images.find_original(tx, self._account_id, row["sha256"])
        if known is None:
            return None
        await files.let_go(tx, (row["kept_key"],))
        return str(known["id"])

    async def _keep_new(self, tx: Transaction, row: Row) -> str:
        original_id = str(uuid4())
        if not await files.stay(tx, row["kept_key"]):
            raise UnknownUpload("The upload is gone.")
        await images.add_original(
            tx,
            id=original_id,
            account_id=self._account_id,
            sha256=row["sha256"] or row["id"],
            key=row["kept_key"],
            working_key=_working(folders.folder(self._account_id), original_id),
            content_type=row["kept_type"],
            width=row["width"],
            height=row["height"],
            developed=False,
        )
        return original_id

    async def let_go(self) -> None:
        """It stays until its time is over: another order may use it."""


def _working(folder: str, name: str) -> str:
    return f"working/{folder}/{name}.png"
