"""Storages that break one sentence each of what a storage may do besides: creating, presigning.

A presigned URL of the sound double leads to ``http://double``: the suite's requests travel through
a transport that hands them to the storage which signed them.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import time
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator
from email.parser import BytesParser
from email.policy import HTTP
from typing import Any
from urllib.parse import quote

import httpx
import msgspec

from staging_core.errors import ObjectMissing
from staging_core.models import (
    DownloadGrant,
    Inspected,
    Stored,
    UploadGrant,
    UploadTicket,
    check_key,
)
from staging_core.testing.conformance import StorageConformance

from .row import Broken, broken
from .storage import SOUND, InMemory

_moved = [0.0]
_opened: list[Presigning] = []


class CreatesOverOld(InMemory):
    """Does not look before it creates."""

    async def create(self, key: str, data: AsyncIterable[bytes], *, content_type: str) -> Stored:
        self._objects.pop(key, None)
        return await super().create(key, data, content_type=content_type)


class CreatesTwice(InMemory):
    """Looks first, and is overtaken."""

    async def create(self, key: str, data: AsyncIterable[bytes], *, content_type: str) -> Stored:
        if key in self._objects:
            return await super().create(key, data, content_type=content_type)
        await asyncio.sleep(0)
        return await self.put(key, data, content_type=content_type)


class CreatesNothing(InMemory):
    """Keeps only that there is something."""

    async def create(self, key: str, data: AsyncIterable[bytes], *, content_type: str) -> Stored:
        return await super().create(key, _sent(b""), content_type=content_type)


class ListsOneType(InMemory):
    """Takes everything for a JPEG, in listings."""

    async def entries(self, prefix: str) -> AsyncIterator[Stored]:
        async for stored in super().entries(prefix):
            yield msgspec.structs.replace(stored, content_type="image/jpeg")


class Presigning(InMemory):
    """The sound storage that the ones with broken presigning are made of."""

    signed: tuple[str, ...] = ("key", "expires", "type", "cache", "most", "name")

    def __init__(self) -> None:
        super().__init__()
        _opened[:] = [self]

    async def presign_upload(self, grant: UploadGrant) -> UploadTicket:
        said = {
            "key": check_key(grant.key),
            "expires": str(self.now() + grant.expires_s),
            "type": grant.content_type,
            "cache": grant.cache_control or "",
        }
        headers = {"Content-Type": said["type"], "Cache-Control": said["cache"]}
        if not grant.form:
            query = {"expires": said["expires"], "mark": self.mark(said)}
            return UploadTicket(url=_url(said["key"], query), headers=headers)
        said["most"] = str(grant.max_bytes)
        fields = {**headers, **said, "mark": self.mark(said)}
        return UploadTicket(url=_url("", {}), method="POST", fields=fields)

    async def presign_download(self, grant: DownloadGrant) -> str:
        said = {
            "key": check_key(grant.key),
            "expires": str(self.now() + grant.expires_s),
            "type": grant.content_type or "",
            "name": grant.filename or "",
        }
        query = {name: value for name, value in said.items() if name != "key"}
        return _url(said["key"], {"mark": self.mark(said), **query, "end": "1"})

    def now(self) -> float:
        """The storage's time, which the suite moves."""
        return time.time() + _moved[0]

    def mark(self, said: dict[str, str]) -> str:
        """Stands for a signature."""
        known = {name: value for name, value in said.items() if name in self.signed}
        return hashlib.sha256(json.dumps(known, sort_keys=True).encode()).hexdigest()

    def allows(self, said: dict[str, str], mark: str) -> bool:
        """Whether this was signed, and is still good."""
        return self.mark(said) == mark and self.fresh(said)

    def fresh(self, said: dict[str, str]) -> bool:
        """Whether it has not expired."""
        return float(said["expires"]) >= self.now()

    async def answer(self, request: httpx.Request) -> httpx.Response:
        """A request to a presigned URL."""
        if request.method == "GET":
            return await self._download(request)
        said, data, mark = _form(request) if request.method == "POST" else _put(request)
        if len(data) > int(said.get("most", 1 << 30)) or not self.allows(said, mark):
            return httpx.Response(403)
        await self.put(said["key"], _sent(data), content_type=said["type"])
        return httpx.Response(200)

    async def _download(self, request: httpx.Request) -> httpx.Response:
        query = dict(request.url.params)
        said = {"key": request.url.path[1:]} | {n: query[n] for n in ("expires", "type", "name")}
        if query.get("end") != "1" or not self.allows(said, query["mark"]):
            return httpx.Response(403)
        if said["key"] not in self._objects:
            return httpx.Response(404)
        headers = {"Content-Type": said["type"], "Content-Disposition": self.disposition(said)}
        return httpx.Response(200, headers=headers, content=self._objects[said["key"]][1])

    def disposition(self, said: dict[str, str]) -> str:
        """What the answer says of the file."""
        return f'attachment; filename="{said["name"]}"'


class SignsNoKey(Presigning):
    """A ticket for one object is good for all."""

    signed = ("expires", "type", "cache", "most", "name")


class TicketsOfNoUse(Presigning):
    """Refuses its own uploads."""

    def allows(self, said: dict[str, str], mark: str) -> bool:
        return "cache" not in said and super().allows(said, mark)


class TakesAnyType(Presigning):
    """Does not look at the headers."""

    signed = ("key", "expires", "most", "name")


class TicketsNeverExpire(Presigning):
    """Takes uploads for ever."""

    def fresh(self, said: dict[str, str]) -> bool:
        return "cache" in said or super().fresh(said)


class DownloadsNeverExpire(Presigning):
    """Gives downloads for ever."""

    def fresh(self, said: dict[str, str]) -> bool:
        return "cache" not in said or super().fresh(said)


class TakesAnySize(Presigning):
    """A form without bounds."""

    async def presign_upload(self, grant: UploadGrant) -> UploadTicket:
        return await super().presign_upload(msgspec.structs.replace(grant, max_bytes=1 << 30))


class AsksBeforeItSigns(Presigning):
    """Has its signature made elsewhere."""

    async def presign_upload(self, grant: UploadGrant) -> UploadTicket:
        await asyncio.sleep(0)
        return await super().presign_upload(grant)


class SignsWhatIsThere(Presigning):
    """Refuses to sign for an object to come."""

    async def presign_download(self, grant: DownloadGrant) -> str:
        if check_key(grant.key) not in self._objects:
            raise ObjectMissing(f"There is no object {grant.key}.")
        return await super().presign_download(grant)


class ForgetsTheName(Presigning):
    """Shows the file where it should be saved."""

    def disposition(self, said: dict[str, str]) -> str:
        return "inline"


class BelievesTheURL(Presigning):
    """Answers with whatever type the URL asks for."""

    def allows(self, said: dict[str, str], mark: str) -> bool:
        return super().allows(said, mark) or said.get("type") == "image/html"


class Litters(InMemory):
    """Leaves what it tried its rights with."""

    async def inspect(self) -> tuple[Inspected, ...]:
        await self.put("probe", _sent(b""), content_type="text/plain")
        return (Inspected(name="rights", level="ok", message="put an object"),)


class OnlyComplains(InMemory):
    """Says what is wrong, and leaves it at that."""

    async def inspect(self) -> tuple[Inspected, ...]:
        return (Inspected(name="rules", level="advice", message="There are none."),)


async def _sent(data: bytes) -> AsyncGenerator[bytes, None]:
    yield data


def _url(key: str, query: dict[str, str]) -> str:
    told = "&".join(f"{name}={quote(value, safe='/')}" for name, value in query.items())
    return f"http://double/{key}?{told}"


def _put(request: httpx.Request) -> tuple[dict[str, str], bytes, str]:
    said = {
        "key": request.url.path[1:],
        "expires": request.url.params["expires"],
        "type": request.headers["content-type"],
        "cache": request.headers["cache-control"],
    }
    return said, request.content, request.url.params["mark"]


def _form(request: httpx.Request) -> tuple[dict[str, str], bytes, str]:
    head = f"Content-Type: {request.headers['content-type']}\r\n\r\n".encode()
    message: Any = BytesParser(policy=HTTP).parsebytes(head + request.content)
    parts = {
        part.get_param("name", header="content-disposition"): part.get_payload(decode=True)
        for part in message.iter_parts()
    }
    data = parts.pop("file")
    told = {name: value.decode() for name, value in parts.items()}
    said = {name: told[name] for name in ("key", "expires", "most")}
    said |= {"type": told["Content-Type"], "cache": told["Cache-Control"]}
    return said, data, told["mark"]


def _move(seconds: float) -> None:
    _moved[0] += seconds


async def _answer(request: httpx.Request) -> httpx.Response:
    return await _opened[0].answer(request)


_PRESIGNING = {"transport": httpx.MockTransport(_answer), "move_clock": staticmethod(_move)}


def _capable(backend: type[InMemory], *fails: str) -> Broken:
    return broken(StorageConformance, backend, *fails, **{**SOUND, **_PRESIGNING})


BROKEN_CAPABILITIES = (
    _capable(CreatesNothing, "test_create_keeps_the_bytes"),
    _capable(
        CreatesOverOld,
        "test_create_leaves_what_is_there",
        "test_of_several_creates_at_once_one_creates",
    ),
    _capable(CreatesTwice, "test_of_several_creates_at_once_one_creates"),
    _capable(Litters, "test_inspecting_leaves_nothing_behind"),
    _capable(OnlyComplains, "test_what_is_not_as_it_should_be_has_a_remedy"),
    _capable(ListsOneType, "test_an_entry_has_its_type_or_the_default"),
    _capable(Presigning),
    _capable(
        SignsNoKey,
        "test_a_ticket_is_of_no_use_for_another_object",
        "test_a_changed_download_is_refused",
    ),
    _capable(
        TicketsOfNoUse,
        "test_a_ticket_uploads_the_granted_object",
        "test_a_ticket_is_of_no_use_for_another_object",
        "test_a_ticket_expires",
        "test_a_form_bounds_the_size",
    ),
    _capable(
        TakesAnyType, "test_a_ticket_is_bound_to_its_headers", "test_a_changed_download_is_refused"
    ),
    _capable(TicketsNeverExpire, "test_a_ticket_expires"),
    _capable(DownloadsNeverExpire, "test_a_download_expires"),
    _capable(TakesAnySize, "test_a_form_bounds_the_size"),
    _capable(AsksBeforeItSigns, "test_presigning_waits_for_nothing"),
    _capable(SignsWhatIsThere, "test_a_download_gives_the_bytes"),
    _capable(ForgetsTheName, "test_a_download_says_what_was_granted"),
    _capable(BelievesTheURL, "test_a_changed_download_is_refused"),
)
