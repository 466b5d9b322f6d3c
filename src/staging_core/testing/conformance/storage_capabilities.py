"""The contracts of what a storage may do besides: copying, creating, tidying, presigning."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any, ClassVar

import httpx
import pytest

from staging_core.errors import ObjectChanged, ObjectExists
from staging_core.interfaces import (
    Copies,
    Creates,
    Inspects,
    PresignsDownloads,
    PresignsUploads,
    Storage,
    Tidies,
    supports,
)
from staging_core.models import DownloadGrant, UploadGrant, UploadTicket

from .base import OpensConformance, check
from .bytes_of import got, keys, put, same, sent

_GRANT = UploadGrant(
    key="up/a.png",
    content_type="image/png",
    max_bytes=1000,
    expires_s=600,
    cache_control="no-store",
)


class StorageCapabilities(OpensConformance):
    """What is checked only where a storage has it.

    ``transport``: how requests to presigned URLs travel; None: over the network. ``move_clock``:
    moves the time by which the storage judges them, by so many seconds; without it nobody can see
    that they expire, and those checks skip.
    """

    kind = "storage"
    transport: ClassVar[httpx.AsyncBaseTransport | None] = None
    move_clock: ClassVar[Callable[[float], None] | None] = None

    # --- Copies ---------------------------------------------------------------------------------

    @check("Copy, bound to ``etag``")
    async def test_a_copy_is_an_object_of_its_own(self, storage: Storage) -> None:
        if (copies := supports(storage, Copies)) is None:
            return
        source = await put(storage, "a", b"bytes", "text/x-unheard-of")
        copy = await copies.copy("a", "folder/b.png", etag=source.etag)
        await storage.delete("a")
        assert (copy.key, copy.size, copy.content_type) == ("folder/b.png", 5, "text/x-unheard-of")
        assert await storage.stat("folder/b.png") == copy
        assert await got(storage, "folder/b.png", etag=copy.etag) == b"bytes"

    @check("``ObjectChanged`` when the source is another by now")
    async def test_a_copy_of_a_changed_source_is_object_changed(self, storage: Storage) -> None:
        if (copies := supports(storage, Copies)) is None:
            return
        first = await put(storage, "a", b"1st")
        await put(storage, "a", b"2nd")
        with pytest.raises(ObjectChanged):
            await copies.copy("a", "b", etag=first.etag)
        assert await keys(storage) == ["a"]

    # --- Creates ------------------------------------------------------------------------------

    @check("Keep the bytes as ``put`` does, if there is no object under ``key``.")
    async def test_create_keeps_the_bytes(self, storage: Storage) -> None:
        if (creates := supports(storage, Creates)) is None:
            return
        stored = await creates.create("a/b.png", sent(b"a", b"bc"), content_type="image/png")
        assert (stored.size, stored.content_type) == (3, "image/png")
        assert same(await storage.stat("a/b.png"), stored)
        assert await got(storage, "a/b.png", etag=stored.etag) == b"abc"

    @check("Otherwise ``ObjectExists``, and the object stays as it is.")
    async def test_create_leaves_what_is_there(self, storage: Storage) -> None:
        if (creates := supports(storage, Creates)) is None:
            return
        await put(storage, "a", b"old")
        with pytest.raises(ObjectExists):
            await creates.create("a", sent(b"new"), content_type="image/png")
        assert await got(storage, "a") == b"old"

    @check("Of several at once, one creates.")
    async def test_of_several_creates_at_once_one_creates(self, storage: Storage) -> None:
        if (creates := supports(storage, Creates)) is None:
            return
        made = await asyncio.gather(
            *(creates.create("a", sent(b"x" * n), content_type="image/png") for n in range(1, 9)),
            return_exceptions=True,
        )
        (created,) = [each for each in made if not isinstance(each, BaseException)]
        assert {type(each) for each in made} <= {type(created), ObjectExists}
        assert len(await got(storage, "a")) == created.size

    # --- Tidies -------------------------------------------------------------------------------

    @check("Remove what puts left that began before that time and never ended; of how many.")
    async def test_where_every_put_has_ended_there_is_nothing_to_tidy(
        self, storage: Storage
    ) -> None:
        if (tidies := supports(storage, Tidies)) is None:
            return
        for key in ("a", "b/c"):
            await put(storage, key, b"bytes")
        await storage.delete("b/c")
        assert await tidies.tidy(before=time.time() + 3600) == 0

    @check("Objects are left alone")
    async def test_tidying_leaves_objects_alone(self, storage: Storage) -> None:
        if (tidies := supports(storage, Tidies)) is None:
            return
        stored = [await put(storage, key, key.encode(), "text/x-unheard-of") for key in ("a", "b")]
        await tidies.tidy(before=time.time() + 3600)
        for each in stored:
            assert same(await storage.stat(each.key), each)
            assert await got(storage, each.key, etag=each.etag) == each.key.encode()

    @check("and so are puts that began later")
    async def test_tidying_leaves_puts_alone_that_go_on(self, storage: Storage) -> None:
        if (tidies := supports(storage, Tidies)) is None:
            return

        async def data() -> AsyncIterator[bytes]:
            yield b"one"
            yield b"two"
            await tidies.tidy(before=time.time() - 3600)
            yield b"three"

        await storage.put("a", data(), content_type="image/png")
        assert await got(storage, "a") == b"onetwothree"

    # --- PresignsUploads ----------------------------------------------------------------------

    @check("A ticket for the granted object and no other.")
    async def test_a_ticket_uploads_the_granted_object(self, storage: Storage) -> None:
        if (presigns := supports(storage, PresignsUploads)) is None:
            return
        ticket = await presigns.presign_upload(_GRANT)
        assert await self._uploads(ticket, b"bytes")
        stored = await storage.stat(_GRANT.key)
        assert stored is not None
        assert (stored.size, stored.content_type) == (5, "image/png")
        assert await got(storage, _GRANT.key) == b"bytes"

    @check("A ticket for the granted object and no other.")
    async def test_a_ticket_is_of_no_use_for_another_object(self, storage: Storage) -> None:
        if (presigns := supports(storage, PresignsUploads)) is None:
            return
        ticket = await presigns.presign_upload(_GRANT)
        assert not await self._uploads(ticket, b"bytes", url=_elsewhere(ticket.url))
        form = await _form(presigns)
        if form is not None:
            assert await self._uploads(form, b"bytes")
            await storage.delete(_GRANT.key)
            other = {name: _elsewhere(value) for name, value in form.fields.items()}
            assert not await self._uploads(form, b"bytes", fields=other)
        assert await keys(storage) == []

    @check("The storage refuses another content type or cache control")
    async def test_a_ticket_is_bound_to_its_headers(self, storage: Storage) -> None:
        if (presigns := supports(storage, PresignsUploads)) is None:
            return
        for header, value in (("Content-Type", "text/html"), ("Cache-Control", "public")):
            ticket = await presigns.presign_upload(_GRANT)
            headers = {**ticket.headers, header: value}
            assert not await self._uploads(ticket, b"bytes", headers=headers)
            form = await _form(presigns)
            if form is not None:
                fields = {**form.fields, header: value}
                assert not await self._uploads(form, b"bytes", fields=fields)
        assert await keys(storage) == []

    @check("and a ticket that has expired")
    async def test_a_ticket_expires(self, storage: Storage) -> None:
        if (presigns := supports(storage, PresignsUploads)) is None:
            return
        tickets = [await presigns.presign_upload(_GRANT), await _form(presigns)]
        for ticket in tickets:
            if ticket is None:
                continue
            late = await self._later(_GRANT.expires_s + 5, self._uploads(ticket, b"late"))
            assert not late
            assert await keys(storage) == []
            assert await self._uploads(ticket, b"in time")
            await storage.delete(_GRANT.key)

    @check("A form also bounds the size.")
    async def test_a_form_bounds_the_size(self, storage: Storage) -> None:
        if (presigns := supports(storage, PresignsUploads)) is None:
            return
        form = await _form(presigns)
        if form is None:
            return
        assert not await self._uploads(form, bytes(_GRANT.max_bytes + 1))
        assert await keys(storage) == []
        assert await self._uploads(form, bytes(_GRANT.max_bytes))

    @check("Contacts nobody.")
    async def test_presigning_waits_for_nothing(self, storage: Storage) -> None:
        await put(storage, "a", b"a")
        if (presigns := supports(storage, PresignsUploads)) is not None:
            _at_once(presigns.presign_upload(_GRANT))
        if (presigns_too := supports(storage, PresignsDownloads)) is not None:
            _at_once(presigns_too.presign_download(DownloadGrant(key="a")))

    # --- PresignsDownloads --------------------------------------------------------------------

    @check("An absolute URL of the object, whether or not there is one yet.")
    async def test_a_download_gives_the_bytes(self, storage: Storage) -> None:
        if (presigns := supports(storage, PresignsDownloads)) is None:
            return
        url = await presigns.presign_download(DownloadGrant(key="folder/a.png"))
        assert not (await self._asks(url)).is_success
        await put(storage, "folder/a.png", b"bytes")
        assert (await self._asks(url)).content == b"bytes"

    @check("It is answered with the granted content type and file name")
    async def test_a_download_says_what_was_granted(self, storage: Storage) -> None:
        if (presigns := supports(storage, PresignsDownloads)) is None:
            return
        await put(storage, "a", b"bytes")
        grant = DownloadGrant(key="a", content_type="image/webp", filename="living room.webp")
        answer = await self._asks(await presigns.presign_download(grant))
        assert answer.headers["content-type"] == "image/webp"
        assert answer.headers["content-disposition"].startswith("attachment")
        assert 'filename="living room.webp"' in answer.headers["content-disposition"]

    @check("and refused once it has expired")
    async def test_a_download_expires(self, storage: Storage) -> None:
        if (presigns := supports(storage, PresignsDownloads)) is None:
            return
        await put(storage, "a", b"bytes")
        url = await presigns.presign_download(DownloadGrant(key="a", expires_s=600))
        late = await self._later(605, self._asks(url))
        assert not late.is_success
        assert b"bytes" not in late.content

    @check("or anything in it was changed")
    async def test_a_changed_download_is_refused(self, storage: Storage) -> None:
        if (presigns := supports(storage, PresignsDownloads)) is None:
            return
        await put(storage, "up/a.png", b"mine")
        await put(storage, "up/b.png", b"theirs")
        grant = DownloadGrant(key="up/a.png", content_type="image/png")
        url = await presigns.presign_download(grant)
        for changed in (_elsewhere(url), url.replace("png&", "html&"), url[:-1]):
            if changed != url:
                assert not (await self._asks(changed)).is_success, changed

    # --- Inspects -----------------------------------------------------------------------------

    @check("What was looked at, and for all that is not as it should be what to do.")
    async def test_what_is_not_as_it_should_be_has_a_remedy(self, storage: Storage) -> None:
        if (inspects := supports(storage, Inspects)) is None:
            return
        for found in await inspects.inspect():
            assert found.name
            assert found.message
            assert (found.level == "ok") == (not found.remedy), found

    @check("Leaves nothing behind.")
    async def test_inspecting_leaves_nothing_behind(self, storage: Storage) -> None:
        if (inspects := supports(storage, Inspects)) is None:
            return
        await put(storage, "a", b"a")
        await inspects.inspect()
        assert await keys(storage) == ["a"]

    # --- requests -----------------------------------------------------------------------------

    async def _asks(self, url: str) -> httpx.Response:
        async with httpx.AsyncClient(transport=self.transport) as client:
            return await client.get(url)

    async def _uploads(self, ticket: UploadTicket, data: bytes, **other: Any) -> bool:
        """Whether the ticket, or the ``other`` one made of it, was taken."""
        url, headers = other.get("url", ticket.url), other.get("headers", ticket.headers)
        fields = other.get("fields", ticket.fields)
        form = {"data": fields, "files": {"file": data}}
        body: dict[str, Any] = form if ticket.method == "POST" else {"content": data}
        async with httpx.AsyncClient(transport=self.transport) as client:
            answer = await client.request(ticket.method, url, headers=headers, **body)
        return answer.is_success

    async def _later(self, seconds: float, call: Coroutine[Any, Any, Any]) -> Any:
        """What ``call`` gives when the storage's clock has moved on; then it is moved back."""
        move = type(self).move_clock
        if move is None:
            call.close()
            pytest.skip("no `move_clock` is given")
        move(seconds)
        try:
            return await call
        finally:
            move(-seconds)


def _elsewhere(text: str) -> str:
    """The same with another object's key."""
    return text.replace("a.png", "b.png", 1)


async def _form(presigns: PresignsUploads) -> UploadTicket | None:
    """A form, where the storage has them."""
    from msgspec.structs import replace

    ticket = await presigns.presign_upload(replace(_GRANT, form=True))
    return ticket if ticket.method == "POST" else None


def _at_once(call: Coroutine[Any, Any, Any]) -> None:
    """Run ``call`` by hand: whoever contacts somebody has to wait for the answer."""
    try:
        call.send(None)
    except StopIteration:
        return
    call.close()
    pytest.fail("it waits for something")
