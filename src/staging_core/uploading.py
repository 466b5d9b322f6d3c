"""Photos on their way in: announced and put by others, streamed through us, or fetched by us.

Whichever way a photo came, what is read from then on is an object under a key that nobody was ever
given. What others put is not believed: size, type and first bytes are looked at before it is used,
and the copy is of exactly the object that was looked at.
"""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import AsyncIterable, Mapping
from contextlib import AbstractAsyncContextManager
from urllib.parse import unquote, urlsplit
from uuid import uuid4

from .creation import Creation, creating, telling_again
from .database import accounts, files, folders, uploads
from .database.engine import Transaction
from .database.row import Row
from .errors import (
    NotFound,
    ObjectChanged,
    ObjectMissing,
    UnknownUpload,
    UploadMismatch,
    UploadMissing,
    ValidationFailed,
)
from .file_kind import check_announced, ending_of
from .interfaces import PresignsUploads, supports
from .kept_photo import KeptPhoto, keep_copy, keep_stream, let_go
from .models import Upload, UploadGrant, UploadTicket
from .own_address import OwnAddresses
from .ports import Ports

CACHE_CONTROL = "public, max-age=31536000, immutable"
"""What clients send with what they put; the key is never used again, so it is true."""

EXPIRES_S = 900.0
_STREAM_S = 300.0
_AFTER_S = 60.0
_HEADERS = {"host", "connection", "content-length", "transfer-encoding", "te", "trailer", "upgrade"}
_HEADERS |= {"accept-encoding", "expect", "keep-alive", "proxy-authorization", "range", "if-range"}
_HEADER = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}")
_VALUE = re.compile(r"[\x20-\x7e]{0,4096}")
_MOST_HEADERS = 20
_LONGEST_ADDRESS = 2048


class Uploading:
    """The uploads of one account. ``base``: where we are reached, unless the settings say."""

    def __init__(self, ports: Ports, account_id: str, *, base: str | None = None) -> None:
        self.ports = ports
        self._account_id = account_id
        self._base = base or ports.settings.public_url or ""

    # --- put by others --------------------------------------------------------------------------

    async def presign(
        self, filename: str, content_type: str, size: int, *, form: bool, key: str | None
    ) -> tuple[Upload, UploadTicket]:
        """The upload's row, then how it may be put; see ``Uploads.presign``."""
        check_announced(filename, content_type, size, most=self.ports.limits.max_bytes)
        asked = [filename, content_type, size, form]
        async with creating(
            self.ports, self._account_id, key, route="uploads.presign", asked=asked
        ) as creation:
            if creation.created is not None:
                with telling_again(creation.created[0]):
                    return await self._sign_again(creation.created[0], form=form)
            return await self._announce(filename, content_type, size, form=form, by=creation)

    async def _announce(
        self, filename: str, content_type: str, size: int, *, form: bool, by: Creation
    ) -> tuple[Upload, UploadTicket]:
        account_id = accounts.check(self._account_id)
        key = _fresh_key(account_id, filename)
        ticket = await self._ticket(key, content_type, size, form=form)
        async with self.ports.database.write(account_id) as tx:
            await accounts.ensure(tx, account_id)
            if self._signs is not None:
                grace_s = EXPIRES_S + self._grace_s
                await files.intend(tx, key, account_id=account_id, kind="upload", grace_s=grace_s)
            row = await uploads.add(
                tx,
                id=str(uuid4()),
                account_id=account_id,
                key=key,
                url=_url_of(ticket),
                filename=filename,
                content_type=content_type,
                size=size,
                signed_until=tx.now + EXPIRES_S,
                expires_at=tx.now + EXPIRES_S + self._grace_s,
            )
            await by.keep(tx, [row["id"]])
        return uploads.as_upload(row), ticket

    async def _sign_again(self, upload_id: str, *, form: bool) -> tuple[Upload, UploadTicket]:
        """The same upload; its address is signed anew."""
        row = await self.row(upload_id)
        ticket = await self._ticket(row["key"], row["content_type"], row["size"], form=form)
        async with self.ports.database.write(self._account_id) as tx:
            until = tx.now + EXPIRES_S
            row = await uploads.sign(tx, upload_id, url=_url_of(ticket), signed_until=until)
        return uploads.as_upload(row, replayed=True), ticket

    async def _ticket(self, key: str, content_type: str, size: int, *, form: bool) -> UploadTicket:
        grant = UploadGrant(
            key=key,
            content_type=content_type,
            max_bytes=size,
            expires_s=EXPIRES_S,
            cache_control=CACHE_CONTROL,
            form=form,
        )
        if self._signs is not None:
            return await self._signs.presign_upload(grant)
        own = OwnAddresses(self.ports.settings.signing_key())
        return own.upload(self._base, grant, now=time.time())

    async def complete(self, upload_id: str) -> Row:
        """The row of an upload that is there and was looked at, now or before.

        ``NotFound``; ``UploadMissing``, ``UploadMismatch`` and the kinds of ``BadPicture``.
        """
        row = await self.row(upload_id)
        if row["completed_at"] is not None:
            return row
        raw = await self.ports.storage.stat(row["key"])
        if raw is None:
            raise UploadMissing()
        if raw.size != row["size"]:
            raise UploadMismatch(f"The file has {raw.size} bytes, {row['size']} were announced.")
        if raw.content_type != row["content_type"]:
            raise UploadMismatch(
                f"The file was sent as {raw.content_type}, announced as {row['content_type']}."
            )
        try:
            kept = await keep_copy(self.ports, self._account_id, raw, filename=row["filename"])
        except (ObjectChanged, ObjectMissing) as error:
            raise UploadMismatch("The file was replaced while it was looked at.") from error
        return await self.fill(row, kept) or await self.row(upload_id)

    async def fill(self, row: Row, kept: KeptPhoto) -> Row | None:
        """The upload is complete with that photo; None when it already was with another one."""
        async with self.ports.database.write(self._account_id) as tx:
            filled = await self._fill(tx, row, kept)
            if filled is not None and row["signed_until"] is not None:
                late = max(row["signed_until"] - tx.now, 0.0) + _AFTER_S
                await files.shorten(tx, row["key"], seconds=late)
        if filled is None:
            await let_go(self.ports, self._account_id, kept.stored.key)
        return filled

    async def _fill(self, tx: Transaction, row: Row, kept: KeptPhoto) -> Row | None:
        await kept.note(tx)
        return await uploads.complete(
            tx,
            row["id"],
            kept_key=kept.stored.key,
            kept_type=kept.examined.content_type,
            width=kept.examined.width,
            height=kept.examined.height,
            sha256=kept.sha256,
            expires_at=tx.now + self._grace_s,
        )

    # --- through us -----------------------------------------------------------------------------

    async def receive(
        self,
        chunks: AsyncIterable[bytes],
        filename: str,
        content_type: str | None,
        *,
        key: str | None,
    ) -> Upload:
        """Stream it into the storage; see ``Uploads.receive``."""
        ending = ending_of(filename)
        if content_type is not None or ending is None:
            check_announced(filename, content_type)
        async with self._streaming("uploads.receive", None, key) as creation:
            kept = await keep_stream(self.ports, self._account_id, chunks, filename=filename)
            asked = [filename, kept.sha256, kept.stored.size]
            if creation.created is not None:
                await let_go(self.ports, self._account_id, kept.stored.key)
                creation.check(asked)
                with telling_again(creation.created[0]):
                    return await self.get(creation.created[0], replayed=True)
            return await self._keep(kept, filename, by=creation, asked=asked)

    async def from_url(self, url: str, headers: Mapping[str, str], *, key: str | None) -> Upload:
        """Fetch it once; see ``Uploads.from_url``."""
        _check_headers(headers)
        asked = [url, sorted(headers.items())]
        async with self._streaming("uploads.from_url", asked, key) as creation:
            if creation.created is not None:
                with telling_again(creation.created[0]):
                    return await self.get(creation.created[0], replayed=True)
            most = self.ports.limits.max_bytes
            async with self.ports.downloads.photo(url, headers=headers, max_bytes=most) as chunks:
                kept = await keep_stream(self.ports, self._account_id, chunks, filename=None)
            return await self._keep(kept, _name_of(url, kept), by=creation, asked=None)

    def _streaming(
        self, route: str, asked: object | None, key: str | None
    ) -> AbstractAsyncContextManager[Creation]:
        return creating(
            self.ports, self._account_id, key, route=route, asked=asked, lease_s=_STREAM_S
        )

    async def _keep(
        self, kept: KeptPhoto, filename: str, *, by: Creation, asked: object | None
    ) -> Upload:
        async with self.ports.database.write(self._account_id) as tx:
            row = await uploads.add(
                tx,
                id=str(uuid4()),
                account_id=self._account_id,
                key=_fresh_key(self._account_id, filename),
                filename=filename,
                content_type=kept.examined.content_type,
                size=kept.stored.size,
                expires_at=tx.now + self._grace_s,
            )
            filled = await self._fill(tx, row, kept)
            assert filled is not None  # nobody else knows the row
            await by.keep(tx, [row["id"]], asked=asked)
        return uploads.as_upload(filled)

    # --- found again ----------------------------------------------------------------------------

    async def row(self, upload_id: str) -> Row:
        """The upload's row; ``NotFound``."""
        async with self.ports.database.read(self._account_id) as tx:
            return await uploads.get(tx, self._account_id, upload_id)

    async def get(self, upload_id: str, *, replayed: bool = False) -> Upload:
        """The upload; ``NotFound``."""
        return uploads.as_upload(await self.row(upload_id), replayed=replayed)

    async def named(self, upload_id: str) -> Row:
        """The row of an upload that a request names; ``UnknownUpload``."""
        try:
            return await self.row(upload_id)
        except NotFound as error:
            raise UnknownUpload(f"There is no upload {upload_id!r}.") from error

    async def find(self, address: str) -> Row:
        """The row of the upload that an address, or a key, names; ``UnknownUpload``."""
        key = _key_in(address, folders.folder(self._account_id))
        if key is not None:
            async with self.ports.database.read(self._account_id) as tx:
                row = await uploads.of_key(tx, self._account_id, key)
            if row is not None and (address == key or _same(address, row["url"])):
                return row
        raise UnknownUpload("That address is not one of an upload of this account.")

    @property
    def _signs(self) -> PresignsUploads | None:
        return supports(self.ports.storage, PresignsUploads)

    @property
    def _grace_s(self) -> float:
        return self.ports.settings.orphan_grace_s


def _fresh_key(account_id: str, filename: str) -> str:
    """One that nobody can guess, in a folder that says nothing of the account."""
    folder, ending = folders.folder(account_id), ending_of(filename)
    return f"uploads/{folder}/in/{secrets.token_hex(16)}.{ending}"


def _url_of(ticket: UploadTicket) -> str | None:
    """What an old client calls the photo: the address that it put it at, without the query."""
    return ticket.url.partition("?")[0] if ticket.method == "PUT" else None


def _key_in(address: object, folder: str) -> str | None:
    """The key that the address ends in, if it is one of the account's."""
    if not isinstance(address, str) or len(address) > _LONGEST_ADDRESS:
        return None
    found = re.search(rf"uploads/{folder}/in/[0-9a-f]{{32}}\.[a-z]{{3,4}}$", unquote(address))
    return None if found is None else found[0]


def _same(address: str, other: str | None) -> bool:
    """Whether these are one address, whichever way their paths are encoded."""
    if other is None:
        return False
    try:
        one, two = urlsplit(address), urlsplit(other)
    except ValueError:
        return False
    return (
        (one.scheme, one.netloc.lower()) == (two.scheme, two.netloc.lower())
        and unquote(one.path) == unquote(two.path)
        and not (one.query or one.fragment)
    )


def _name_of(url: str, kept: KeptPhoto) -> str:
    """The name at the end of the address, where it fits the photo."""
    last = unquote(urlsplit(url).path).rpartition("/")[2]
    extension = kept.examined.extension
    return last if ending_of(last) == extension else f"photo.{extension}"


def _check_headers(headers: Mapping[str, str]) -> None:
    """``ValidationFailed`` for a header that is not the caller's to send, or is none."""
    if len(headers) > _MOST_HEADERS or not all(map(_is_header, headers.items())):
        told = "At most 20 headers, none of those that belong to the connection."
        raise ValidationFailed(fields={"headers": told})


def _is_header(header: tuple[object, object]) -> bool:
    name, value = header
    if not isinstance(name, str) or not isinstance(value, str):
        return False
    allowed = _HEADER.fullmatch(name) and name.lower() not in _HEADERS
    return bool(allowed and _VALUE.fullmatch(value))
