"""An append-only file of events, one JSON object a line."""

from __future__ import annotations

import os
from pathlib import Path
from threading import Lock
from typing import BinaryIO

import msgspec

from staging_core.models import JobEvent


class _Line(msgspec.Struct):
    """What is read back from a line: enough to know an event again."""

    job_id: str
    position: int


class Journal:
    """Keeps each event once, though it may be shown again.

    Events of one job come in order, so the last position of each job tells which were written. The
    file is the memory: a process that takes over reads what the one before has written. Weak spot:
    one number per job of the file is held.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = Lock()
        self._read = 0
        self._last: dict[str, int] = {}

    def add(self, event: JobEvent) -> None:
        """Append the event, unless the file has it, and bring it to the disk."""
        with self._lock:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._path.open("ab+") as file:
                self._catch_up(file)
                if event.position > self._last.get(event.job_id, 0):
                    file.write(msgspec.json.encode(event) + b"\n")
                    file.flush()
                    os.fsync(file.fileno())

    def _catch_up(self, file: BinaryIO) -> None:
        file.seek(self._read)
        for line in file:
            if not line.endswith(b"\n"):  # cut off by a crash; the event comes again
                file.truncate(self._read)
                return
            known = msgspec.json.decode(line, type=_Line)
            self._last[known.job_id] = known.position
            self._read += len(line)
