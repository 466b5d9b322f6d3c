"""A file that is still being written, under a name that no key can have."""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from io import FileIO
from pathlib import Path

FOLDER = "~partial"  # a key never holds a tilde


class Partial:
    """New bytes on their way to ``target``; nothing of them is seen before ``keep``."""

    def __init__(self, root: Path) -> None:
        self.path = root / FOLDER / secrets.token_hex(16)
        self.kept = False
        self._file: FileIO | None = None

    def open(self) -> FileIO:
        """Create the file, and its folder if need be."""
        if self._file is None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._file = FileIO(self.path, "xb")
        return self._file

    def write(self, chunk: bytes) -> None:
        """Append all of ``chunk``."""
        file = self.open()
        view = memoryview(chunk)
        while view:
            view = view[file.write(view) :]

    def seal(self, modified: float) -> os.stat_result:
        """Bring the bytes to the disk, dated ``modified`` (Unix seconds)."""
        file = self.open()
        # Random below a millisecond: tells objects apart that got the same inode in one moment.
        stamp = int(modified * 1000) * 1_000_000 + secrets.randbelow(1_000_000)
        os.utime(self.path, ns=(stamp, stamp))
        os.fsync(file.fileno())
        return os.fstat(file.fileno())

    def keep(self) -> None:
        """It has another name by now."""
        if self._file is not None:
            self._file.close()
        self.kept = True

    def discard(self) -> None:
        """Close, and remove whatever was not kept."""
        if self._file is not None and not self.kept:
            self._file.close()
            self.path.unlink(missing_ok=True)


def remove_stale(root: Path, before: float) -> int:
    """Remove what killed processes left: partial files that nobody wrote to since; how many."""
    removed = 0
    for path in (root / FOLDER).glob("*"):
        with suppress(FileNotFoundError):  # its writer has just finished it
            if path.stat().st_mtime < before:
                path.unlink()
                removed += 1
    return removed
