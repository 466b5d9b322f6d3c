"""Bytes that wait to be sent: few in memory, more of them in a file without a name."""

from __future__ import annotations

import asyncio
import hashlib
from base64 import b64encode
from contextlib import suppress
from tempfile import TemporaryFile
from typing import IO

_IN_MEMORY = 256 << 10


class Spool:
    """Takes bytes until they are sent. ``size``: how many there are."""

    def __init__(self) -> None:
        self.size = 0
        self._md5 = hashlib.md5(usedforsecurity=False)
        self._head = bytearray()
        self._file: IO[bytes] | None = None

    async def write(self, chunk: bytes) -> None:
        """Append ``chunk``; what does not stay in memory is written by a thread."""
        self.size += len(chunk)
        if self._file is None and self.size <= _IN_MEMORY:
            self._md5.update(chunk)
            self._head += chunk
        else:
            await asyncio.to_thread(self._write, chunk)

    def _write(self, chunk: bytes) -> None:
        if self._file is None:
            self._file = TemporaryFile(prefix="staging-")  # noqa: SIM115
            self._file.write(self._head)
            self._head.clear()
        self._md5.update(chunk)
        self._file.write(chunk)

    async def body(self) -> bytes | IO[bytes]:
        """All bytes, as a request takes them: from the first on."""
        if self._file is None:
            return bytes(self._head)
        await asyncio.to_thread(self._file.seek, 0)
        return self._file

    @property
    def md5(self) -> str:
        """As the header ``Content-MD5`` has it: the service refuses bytes that differ."""
        return b64encode(self._md5.digest()).decode()

    async def close(self) -> None:
        """Remove the file. It has a lock of its own: an abandoned write ends before."""
        if self._file is not None:
            with suppress(OSError):  # a full disk shows again when the last buffer is flushed
                await asyncio.to_thread(self._file.close)
