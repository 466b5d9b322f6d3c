"""Any other fsspec file system as a storage.

A put writes an object beside the others and moves it, which stores without a rename do by a copy on
their side. A content type that the key's extension does not tell lies in a small object of its own.
Weak spots: ``entries`` holds the whole listing; a store that reads by range may mix two objects
when one is replaced while it is read; a store that gives no etag and no time tells objects apart by
their size only.
"""

from __future__ import annotations

import errno
import hashlib
import os
import re
import secrets
import time
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

from staging_core.errors import ObjectChanged, ObjectMissing
from staging_core.models import ByteRange, Stored, check_key, check_prefix, is_key

from .content_type import type_of
from .failure import explained
from .partial import FOLDER
from .thread import in_thread

_CHUNK = 1 << 20
_NAME = re.compile(r"(?:([0-9a-f]{1,16})-)?[0-9a-f]{32}")
_ETAGS = ("ETag", "etag", "md5Hash", "content_md5")
_TIMES = ("LastModified", "last_modified", "mtime", "updated", "modified", "created")
_ABSENT = (FileNotFoundError, NotADirectoryError, IsADirectoryError)


class FilesystemStorage:
    """Objects in an fsspec file system below ``root``; implements ``Storage`` and ``Tidies``."""

    def __init__(self, filesystem: Any, root: str) -> None:
        self._fs = filesystem
        self._root = root.rstrip("/")

    async def put(self, key: str, data: AsyncIterable[bytes], *, content_type: str) -> Stored:
        """See ``Storage.put``."""
        check_key(key)
        partial = self._path(f"{FOLDER}/{int(time.time()):x}-{secrets.token_hex(16)}")
        upload = _Upload(self._fs, partial)
        try:
            async for chunk in data:
                with explained(key):
                    await in_thread(upload.write, chunk)
            with explained(key):
                await in_thread(upload.finish)
                return await in_thread(self._keep, partial, key, content_type)
        finally:
            await in_thread(upload.discard)

    @asynccontextmanager
    async def read(
        self, key: str, *, span: ByteRange | None = None, etag: str | None = None
    ) -> AsyncIterator[AsyncIterator[bytes]]:
        """See ``Storage.read``."""
        file = await in_thread(self._open, check_key(key), etag)
        chunks = _chunks(file, span or ByteRange(), key)
        try:
            yield chunks
        finally:
            await chunks.aclose()
            with explained(key):
                await in_thread(file.close)

    async def stat(self, key: str) -> Stored | None:
        """See ``Storage.stat``."""
        return await in_thread(self._stat, check_key(key))

    async def delete(self, key: str) -> None:
        """See ``Storage.delete``."""
        check_key(key)
        with explained(key):
            await in_thread(_remove, self._fs, self._path(key))
            await in_thread(_remove, self._fs, self._path(f"~types/{key}"))

    async def entries(self, prefix: str) -> AsyncIterator[Stored]:
        """See ``Storage.entries``."""
        for key in await in_thread(self._keys, check_prefix(prefix)):
            if stored := await in_thread(self._stat, key):
                yield stored

    async def tidy(self, *, before: float) -> int:
        """See ``Tidies.tidy``."""
        return await in_thread(self._tidy, before)

    # Everything below runs in a thread.

    def _path(self, name: str) -> str:
        return f"{self._root}/{name}"

    def _keep(self, partial: str, key: str, content_type: str) -> Stored:
        note = self._path(f"~types/{key}")
        if content_type == type_of(key):
            _remove(self._fs, note)
        else:
            self._fs.makedirs(_parent(note), exist_ok=True)
            self._fs.pipe_file(note, content_type.encode())
        path = self._path(key)
        self._fs.makedirs(_parent(path), exist_ok=True)
        if getattr(self._fs, "local_file", False) and self._fs.isdir(path):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), path)  # mv goes inside
        self._fs.mv(partial, path)
        return _stored(key, self._fs.info(path), content_type)

    def _open(self, key: str, etag: str | None) -> Any:
        with explained(key):
            found = self._stat(key)
            if found is None:
                raise ObjectMissing(f"There is no object {key}.")
            if etag is not None and etag != found.etag:
                raise ObjectChanged(f"The object {key} is another by now.")
            try:
                return self._fs.open(self._path(key), "rb")
            except _ABSENT as error:
                raise ObjectMissing(f"There is no object {key}.") from error

    def _stat(self, key: str) -> Stored | None:
        with explained(key):
            try:
                info = self._fs.info(self._path(key))
            except _ABSENT:
                return None
            return _stored(key, info, self._type(key)) if info["type"] == "file" else None

    def _type(self, key: str) -> str:
        try:
            return str(self._fs.cat_file(self._path(f"~types/{key}")), "utf-8")
        except _ABSENT:
            return type_of(key)

    def _keys(self, prefix: str) -> list[str]:
        folder = self._path(prefix).rpartition("/")[0] or "/"
        with explained(prefix or "the root"):
            self._fs.invalidate_cache()
            try:
                names = self._fs.find(folder)
            except _ABSENT:
                return []
        keys = (name[len(self._root) + 1 :] for name in names)
        return sorted(key for key in keys if key.startswith(prefix) and is_key(key))

    def _tidy(self, before: float) -> int:
        with explained(FOLDER):
            self._fs.invalidate_cache()
            try:
                partials = self._fs.ls(self._path(FOLDER), detail=True)
            except _ABSENT:
                return 0
            stale = [info["name"] for info in partials if 0 < _begun(info) < before]
            for path in stale:
                _remove(self._fs, path)
        return len(stale)


class _Upload:
    """A file that is being written; thread side."""

    def __init__(self, filesystem: Any, path: str) -> None:
        self._fs = filesystem
        self._path = path
        self._file: Any = None

    def _open(self) -> Any:
        if self._file is None:
            self._fs.makedirs(_parent(self._path), exist_ok=True)
            self._file = self._fs.open(self._path, "wb")
        return self._file

    def write(self, chunk: bytes) -> None:
        self._open().write(chunk)

    def finish(self) -> None:
        self._open().close()

    def discard(self) -> None:
        """Remove whatever was not moved away."""
        if self._file is None:
            return
        try:
            self._file.close()
        except OSError:  # a full disk shows again when the last buffer is flushed
            self._file = None
        _remove(self._fs, self._path)


async def _chunks(file: Any, span: ByteRange, key: str) -> AsyncGenerator[bytes, None]:
    position = span.start
    with explained(key):
        await in_thread(file.seek, position)
    while span.end is None or position < span.end:
        limit = _CHUNK if span.end is None else min(_CHUNK, span.end - position)
        with explained(key):
            chunk: bytes = await in_thread(file.read, limit)
        if not chunk:
            return
        position += len(chunk)
        yield chunk


def _begun(partial: dict[str, Any]) -> float:
    """When the put began, in Unix seconds; 0 where nothing tells, or it is no partial of ours.

    The name tells, since not every store tells times. Names of earlier versions do not.
    """
    named = _NAME.fullmatch(partial["name"].rpartition("/")[2])
    if named is None:
        return 0.0
    return float(int(named[1], 16)) if named[1] else _modified(partial)


def _parent(path: str) -> str:
    return path.rpartition("/")[0]


def _remove(filesystem: Any, path: str) -> None:
    try:
        filesystem.rm_file(path)
    except _ABSENT:
        return


def _stored(key: str, info: dict[str, Any], content_type: str) -> Stored:
    return Stored(
        key=key,
        size=info["size"],
        etag=_etag(info),
        content_type=content_type,
        modified=_modified(info),
    )


def _etag(info: dict[str, Any]) -> str:
    for name in _ETAGS:
        if info.get(name):
            return str(info[name]).strip('"')
    known = [info["size"], info.get("ino"), *(info.get(name) for name in _TIMES)]
    return hashlib.sha256(repr(known).encode()).hexdigest()[:32]


def _modified(info: dict[str, Any]) -> float:
    for name in _TIMES:
        value = info.get(name)
        if isinstance(value, datetime):
            return value.timestamp()
        if isinstance(value, int | float):
            return float(value)
    return 0.0
