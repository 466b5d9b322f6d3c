"""What a test does to the server: its clock, faults, a size limit; and what it has seen."""

from __future__ import annotations

from typing import Any

from .asked import Asked
from .bucket_store import BucketStore
from .clock import ServerClock
from .refusal import S3Refusal

CONTROL = "/~control"


class Control:
    """Faults are refusals of the next requests; a full bucket refuses what does not fit."""

    def __init__(self, clock: ServerClock, store: BucketStore) -> None:
        self._clock = clock
        self._store = store
        self._limits: dict[str, int] = {}
        self._faults: list[str] = []
        self.requests: list[str] = []

    def apply(self, told: dict[str, Any]) -> dict[str, Any]:
        """Do what ``told`` says: ``move_s``, ``bucket``, ``limit_bytes``, ``fail``, ``times``."""
        self._clock.move(told.get("move_s", 0))
        if bucket := told.get("bucket"):
            self._store.make(bucket)
            if "limit_bytes" in told:
                self._limits[bucket] = told["limit_bytes"]
        if code := told.get("fail"):
            self._faults += [code] * told.get("times", 1)
        seen, self.requests = self.requests, []
        return {"requests": seen}

    def seen(self, asked: Asked) -> None:
        """Note the request; ``S3Refusal`` when a fault waits for one."""
        self.requests.append(f"{asked.method} {asked.path}")
        if self._faults:
            raise S3Refusal(self._faults.pop(0), "Simulated.")

    def check_room(self, asked: Asked) -> None:
        """``S3Refusal`` when what is put does not fit."""
        limit = self._limits.get(asked.bucket)
        if asked.method != "PUT" or limit is None:
            return
        if self._store.used_bytes(asked.bucket) + asked.body.size > limit:
            raise S3Refusal("XMinioStorageFull", "There is no room left.")
