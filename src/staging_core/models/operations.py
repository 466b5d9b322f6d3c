"""What operators are told of the whole installation."""

from __future__ import annotations

import msgspec


class Reconciled(msgspec.Struct, frozen=True, kw_only=True):
    """Images, compared with the storage. ``cannot_tell``: it did not say; none of these changed.

    ``updated``: now marked as failed. ``examples``: ids of images that miss something. ``after``:
    where to go on; None at the end.
    """

    dry_run: bool
    checked: int
    missing_original: int
    missing_staged: int
    cannot_tell: int
    updated: int
    examples: tuple[str, ...] = ()
    after: str | None = None


class ModelStatistics(msgspec.Struct, frozen=True, kw_only=True):
    """A model's jobs that ended lately. Seconds are from submit to the end, of those ready."""

    model: str
    ready: int
    failed: int
    cost_usd: float
    average_s: float
    longest_s: float


class StoredStatistics(msgspec.Struct, frozen=True, kw_only=True):
    """What is in the storage, when it was last gone through (Unix seconds), by folder."""

    objects: dict[str, int]
    bytes: dict[str, int]
    measured_at: float


class Statistics(msgspec.Struct, frozen=True, kw_only=True):
    """How the installation stands, from counters and from what ended lately. Times in seconds.

    ``open``: jobs that have not ended, by state. ``oldest_queued_s``: how long the one due longest
    has been due; ``oldest_open_s``: the age of the oldest that has not ended. ``stuck``: due, and
    held by nobody. ``since``: from when on ended jobs are counted here (Unix seconds), a day or,
    where very many ended, less. ``ended`` by state, ``failures`` by error code; ``per_hour``: how
    many became ready. ``storage``: None before it was first gone through.
    """

    open: dict[str, int]
    oldest_queued_s: float
    oldest_open_s: float
    stuck: int
    since: float
    ended: dict[str, int]
    failures: dict[str, int]
    per_hour: float
    models: tuple[ModelStatistics, ...]
    storage: StoredStatistics | None
