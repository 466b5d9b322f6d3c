"""The files API: uploads that predictions may name, deleted after an hour."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import HTTP
from typing import Any
from urllib.parse import urlsplit

import msgspec

from staging_core.testing.double.message import Answer, Request, json_answer
from staging_core.testing.double.timeline import iso

from .blobs import Blobs
from .predictions import prediction_id
from .problem import problem

KEPT_S = 3600.0
MOST_BYTES = 100_000_000
_PATH = "/v1/files/"


class File(msgspec.Struct, frozen=True, kw_only=True):
    """One upload. ``blob``: the name of its bytes."""

    id: str
    name: str
    content_type: str
    size: int
    blob: str
    md5: str
    metadata: dict[str, Any]
    created: float

    def shown(self, base_url: str) -> dict[str, Any]:
        """The file as the API answers it."""
        return {
            "id": self.id,
            "name": self.name,
            "content_type": self.content_type,
            "size": self.size,
            "etag": self.md5,
            "checksums": {"sha256": self.blob, "md5": self.md5},
            "metadata": self.metadata,
            "created_at": iso(self.created),
            "expires_at": iso(self.created + KEPT_S),
            "urls": {"get": f"{base_url}{_PATH}{self.id}"},
        }


class Files:
    """Uploads by id; an expired or deleted one is not found."""

    def __init__(self, blobs: Blobs, now: Callable[[], float], seed: int) -> None:
        self._blobs, self._now, self._seed = blobs, now, seed
        self._files: dict[str, File] = {}
        self._made = 0

    def find(self, id: str) -> File | None:
        """The file, while it lives."""
        file = self._files.get(id)
        return file if file and self._now() < file.created + KEPT_S else None

    def by_url(self, url: str) -> File | None:
        """The file that a URL of this API names."""
        path = urlsplit(url).path
        return self.find(path.removeprefix(_PATH)) if path.startswith(_PATH) else None

    async def create(self, request: Request) -> Answer:
        """``POST /v1/files`` with a multipart body."""
        form = _form(request)
        content = form.get("content")
        if content is None:
            return problem(400, "Missing content", "Bad request")
        data = content.get_payload(decode=True)
        assert isinstance(data, bytes)
        if len(data) > MOST_BYTES:
            return problem(413, "Files must be less than 100MB in size")
        try:
            metadata = msgspec.json.decode(_text(form, "metadata") or "{}")
        except msgspec.DecodeError:
            return problem(400, "Metadata must be valid JSON", "Bad request")
        file = self._made_of(
            data,
            _text(form, "filename") or content.get_filename() or "file",
            _text(form, "type") or content.get_content_type(),
            metadata,
        )
        return json_answer(file.shown(request.base_url), 201, file=file.id)

    async def get(self, request: Request, id: str) -> Answer:
        """``GET /v1/files/{id}``."""
        file = self.find(id)
        return json_answer(file.shown(request.base_url)) if file else problem(404, "File not found")

    async def delete(self, request: Request, id: str) -> Answer:
        """``DELETE /v1/files/{id}``."""
        if not self.find(id):
            return problem(404, "File not found")
        del self._files[id]
        return Answer(status=204)

    async def list(self, request: Request) -> Answer:
        """``GET /v1/files``: the newest first."""
        files = [file for id in reversed(self._files) if (file := self.find(id))]
        shown = [file.shown(request.base_url) for file in files]
        return json_answer({"next": None, "previous": None, "results": shown})

    def _made_of(self, data: bytes, name: str, content_type: str, metadata: Any) -> File:
        self._made += 1
        file = File(
            id=prediction_id(self._seed, -self._made),
            name=name,
            content_type=content_type,
            size=len(data),
            blob=self._blobs.put(data),
            md5=hashlib.md5(data, usedforsecurity=False).hexdigest(),
            metadata=metadata,
            created=self._now(),
        )
        self._files[file.id] = file
        return file


def _form(request: Request) -> dict[str, EmailMessage]:
    """The parts of a multipart body by name."""
    content_type = request.headers.get("content-type", "")
    if not content_type.startswith("multipart/form-data"):
        return {}
    head = f"content-type: {content_type}\r\n\r\n".encode()
    whole = BytesParser(policy=HTTP).parsebytes(head + request.body)
    parts = [part for part in whole.iter_parts() if isinstance(part, EmailMessage)]
    return {str(part.get_param("name", header="content-disposition")): part for part in parts}


def _text(form: dict[str, EmailMessage], name: str) -> str | None:
    part = form.get(name)
    data = part.get_payload(decode=True) if part else None
    return data.decode() if isinstance(data, bytes) else None
