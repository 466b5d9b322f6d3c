"""``file:`` keeps objects as plain files in a folder.

A put writes a partial file beside the objects, brings it to the disk and renames it, so readers and
crashes see the old object or the whole new one. A content type that the key's extension does not
tell lies in a small file of its own. Weak spots: a key cannot also be the folder of another key
(``a`` and ``a/b``); a file system that ignores case makes ``A`` and ``a`` one object.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from io import FileIO
from itertools import islice
from pathlib import Path

from staging_core.errors import ObjectChanged, ObjectMissing
from staging_core.models import ByteRange, Stored, check_key, check_prefix, is_key

from .content_type import type_of
from .failure import explained
from .partial import FOLDER, Partial, remove_stale
from .thread import in_thread

_TYPES = "~types"  # a key never holds a tilde
_CHUNK = 1 << 20
_ABSENT = (FileNotFoundError, NotADirectoryError, IsADirectoryError)


class FolderStorage:
    """Objects as files below ``root``; implements ``Storage``, ``Copies`` and ``Tidies``."""

    def __init__(self, root: Path, *, clock: Callable[[], float]) -> None:
        self._root = root
        self._clock = clock

    async def put(self, key: str, data: AsyncIterable[bytes], *, content_type: str) -> Stored:
        """See ``Storage.put``."""
        check_key(key)
        partial, last = Partial(self._root), b""
        try:
            async for chunk in data:
                if last:
                    with explained(key):
                        await in_thread(partial.write, last)
                last = chunk
            # Going to a thread costs more than writing a small object: that is done in one go.
            return await in_thread(self._finish, partial, last, key, content_type)
        finally:
            if not partial.kept:
                await in_thread(partial.discard)

    @asynccontextmanager
    async def read(
        self, key: str, *, span: ByteRange | None = None, etag: str | None = None
    ) -> AsyncIterator[AsyncIterator[bytes]]:
        """See ``Storage.read``. The open file is the object: a later put does not touch it."""
        span = span or ByteRange()
        file, first = await in_thread(self._begin, check_key(key), etag, span)
        chunks = _chunks(file, first, span, key)
        try:
            yield chunks
        finally:
            await chunks.aclose()
            if not file.closed:
                await in_thread(file.close)

    async def stat(self, key: str) -> Stored | None:
        """See ``Storage.stat``."""
        return await in_thread(self._stat, check_key(key))

    async def delete(self, key: str) -> None:
        """See ``Storage.delete``."""
        await in_thread(self._delete, check_key(key))

    async def entries(self, prefix: str) -> AsyncIterator[Stored]:
        """See ``Storage.entries``."""
        found = self._walk(self._root, "", check_prefix(prefix))
        while batch := await in_thread(lambda: list(islice(found, 256))):
            for stored in batch:
                yield stored

    async def copy(self, source: str, target: str, *, etag: str) -> Stored:
        """See ``Copies.copy``."""
        check_key(source)
        check_key(target)
        return await in_thread(self._copy, source, target, etag)

    async def tidy(self, *, before: float) -> int:
        """See ``Tidies.tidy``."""
        with explained(FOLDER):
            return await in_thread(remove_stale, self._root, before)

    # Everything below runs in a thread.

    def _finish(self, partial: Partial, last: bytes, key: str, content_type: str) -> Stored:
        with explained(key):
            partial.write(last)
        return self._keep(partial, key, content_type)

    def _keep(self, partial: Partial, key: str, content_type: str) -> Stored:
        with explained(key):
            status = partial.seal(self._clock())
            self._note_type(key, content_type)
            _move(partial.path, self._root / key)
            partial.keep()
        return _stored(key, status, content_type)

    def _begin(self, key: str, etag: str | None, span: ByteRange) -> tuple[FileIO, bytes]:
        """The open file and its first chunk; a small object is read whole, and closed."""
        file = self._open(key, etag)
        try:
            with explained(key):
                size = os.fstat(file.fileno()).st_size
                file.seek(span.start)
                first = file.read(_left(span, span.start))
            end = size if span.end is None else min(span.end, size)
            if span.start + len(first) >= end:
                file.close()
        except BaseException:
            file.close()
            raise
        return file, first

    def _open(self, key: str, etag: str | None) -> FileIO:
        with explained(key):
            try:
                file = FileIO(self._root / key, "rb")
            except _ABSENT as error:
                raise ObjectMissing(f"There is no object {key}.") from error
            if etag is not None and etag != _etag(os.fstat(file.fileno())):
                file.close()
                raise ObjectChanged(f"The object {key} is another by now.")
            return file

    def _stat(self, key: str) -> Stored | None:
        path = self._root / key
        with explained(key):
            try:
                status = path.stat()
            except _ABSENT:
                return None
            return _stored(key, status, self._type(key)) if path.is_file() else None

    def _delete(self, key: str) -> None:
        with explained(key):
            _remove(self._root / key, self._root)
            _remove(self._root / _TYPES / key, self._root / _TYPES)

    def _copy(self, source: str, target: str, etag: str) -> Stored:
        partial = Partial(self._root)
        try:
            with self._open(source, etag) as file, explained(target):
                shutil.copyfileobj(file, partial.open(), _CHUNK)
            return self._keep(partial, target, self._type(source))
        finally:
            partial.discard()

    def _walk(self, folder: Path, base: str, prefix: str) -> Iterator[Stored]:
        """Objects below ``folder`` in key order; ``base`` is the folder's part of the key."""
        with explained(base or "the folder"):
            try:
                children = list(os.scandir(folder))
            except _ABSENT:  # removed meanwhile
                return
            named = sorted((child.name + "/" * child.is_dir(), child) for child in children)
        for name, child in named:
            key = base + name
            if name.endswith("/"):
                if is_key(key[:-1]) and (key.startswith(prefix) or prefix.startswith(key)):
                    yield from self._walk(Path(child.path), key, prefix)
            elif key.startswith(prefix) and is_key(key) and (stored := self._stat(key)):
                yield stored

    def _type(self, key: str) -> str:
        try:
            return (self._root / _TYPES / key).read_text("utf-8")
        except _ABSENT:
            return type_of(key)

    def _note_type(self, key: str, content_type: str) -> None:
        """Keep a type that the extension does not tell; written before the object is renamed."""
        if content_type == type_of(key):
            _remove(self._root / _TYPES / key, self._root / _TYPES)
            return
        note = Partial(self._root)
        try:
            note.write(content_type.encode())
            note.seal(self._clock())
            _move(note.path, self._root / _TYPES / key)
        finally:
            note.discard()


async def _chunks(
    file: FileIO, first: bytes, span: ByteRange, key: str
) -> AsyncGenerator[bytes, None]:
    """``first``, and what follows it unless the file is closed by now."""
    chunk, position = first, span.start
    while chunk:
        yield chunk
        position += len(chunk)
        if file.closed or not _left(span, position):
            return
        with explained(key):
            chunk = await in_thread(file.read, _left(span, position))


def _left(span: ByteRange, position: int) -> int:
    """How many bytes the next chunk may have."""
    return _CHUNK if span.end is None else min(_CHUNK, max(0, span.end - position))


def _stored(key: str, status: os.stat_result, content_type: str) -> Stored:
    return Stored(
        key=key,
        size=status.st_size,
        etag=_etag(status),
        content_type=content_type,
        modified=status.st_mtime,
    )


def _etag(status: os.stat_result) -> str:
    return f"{status.st_mtime_ns:x}-{status.st_size:x}-{status.st_ino:x}"


def _move(source: Path, target: Path) -> None:
    """Rename ``source``, making the folders of ``target``, and bring the names to the disk."""
    fresh: list[Path] = []
    for tries_left in reversed(range(16)):
        try:
            source.replace(target)
            break
        except FileNotFoundError:  # nothing is there yet, or a delete has just emptied the folder
            if not tries_left:
                raise
            fresh += [folder for folder in target.parents if not folder.exists()]
            target.parent.mkdir(parents=True, exist_ok=True)
    for folder in {target.parent, *(folder.parent for folder in fresh)}:
        _sync(folder)


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _remove(path: Path, root: Path) -> None:
    """Remove the file and the folders that it leaves empty, up to ``root``."""
    try:
        path.unlink()
    except _ABSENT:
        return
    for folder in path.parents:
        if folder == root:
            return
        try:
            folder.rmdir()
        except OSError:  # not empty, or gone
            return
