"""The log of the truth: what really happened at the provider, one JSON object a line."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import IO, Any

import msgspec

from .timeline import Timeline


class Truth:
    """Everything in the order in which it happened. Lines reach the file at once."""

    def __init__(self, timeline: Timeline, log: Path | None) -> None:
        self._timeline = timeline
        self._lines: list[bytes] = []
        self._file: IO[bytes] | None = log.open("ab", buffering=0) if log else None
        self.counts: Counter[str] = Counter()

    def tell(self, event: str, **facts: Any) -> None:
        """Append one line: its number, the time, the event and its facts."""
        number = len(self._lines)
        record = {"n": number, "at": self._timeline.now(), "event": event, **facts}
        line = msgspec.json.encode(record) + b"\n"
        self._lines.append(line)
        self.counts[event] += 1
        if self._file:
            self._file.write(line)

    def text(self, since: int = 0) -> bytes:
        """The lines from number ``since`` on."""
        return b"".join(self._lines[since:])

    def records(self, event: str | None = None) -> list[dict[str, Any]]:
        """The lines as objects, those of one event or all."""
        records = [msgspec.json.decode(line) for line in self._lines]
        return [record for record in records if event is None or record["event"] == event]

    def close(self) -> None:
        """Close the file; nothing is told afterwards."""
        if self._file:
            self._file.close()
            self._file = None
