"""Bytes under the name of their digest, on disk: twenty thousand predictions cost no memory."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from itertools import count
from pathlib import Path


class Blobs:
    """The same bytes are kept once."""

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="replicate-double-"))
        self._numbers = count()

    def put(self, data: bytes) -> str:
        """Keep the bytes and give their name."""
        name = hashlib.sha256(data).hexdigest()
        path = self._folder / name
        if not path.exists():
            # Whole or not at all: another prediction may look for it meanwhile.
            growing = self._folder / f"{name}.{next(self._numbers)}"
            growing.write_bytes(data)
            growing.replace(path)
        return name

    def get(self, name: str) -> bytes:
        """The bytes; ``FileNotFoundError`` when there are none of this name."""
        return (self._folder / name).read_bytes()

    def path(self, name: str) -> Path:
        """Where the bytes lie."""
        return self._folder / name

    def close(self) -> None:
        """Delete them all."""
        shutil.rmtree(self._folder, ignore_errors=True)
