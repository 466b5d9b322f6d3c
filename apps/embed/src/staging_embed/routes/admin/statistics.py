"""How the installation stands."""

from __future__ import annotations

from msgspec import Struct

from staging_core.models import StoredStatistics
from staging_embed.call import Call
from staging_embed.times import rfc3339

from .group import admin, operators


class ModelStats(Struct, frozen=True, kw_only=True):
    """A model's jobs that ended lately. Seconds are from submit to the end, of those ready."""

    model: str
    ready: int
    failed: int
    cost_usd: float
    average_s: float
    longest_s: float


class StorageStats(Struct, frozen=True, kw_only=True):
    """What was in the storage when it was last gone through, by folder."""

    objects: dict[str, int]
    bytes: dict[str, int]
    total_bytes: int
    measured_at: str


class Stats(Struct, frozen=True, kw_only=True):
    """How the installation stands.

    `open`: jobs that have not ended, by state. `oldest_queued_s`: how long the one due longest has
    been due. `stuck`: due for a minute, and no worker took it. `since`: from when on ended jobs are
    counted here, a day or, where very many ended, less; `ended` by state, `failures` by code,
    `ready_per_hour`, `models`. `storage`: null before it was first gone through.
    """

    open: dict[str, int]
    oldest_queued_s: float
    oldest_open_s: float
    stuck: int
    since: str
    ended: dict[str, int]
    failures: dict[str, int]
    ready_per_hour: float
    models: list[ModelStats]
    storage: StorageStats | None


@admin.get("/admin/stats", operators)
async def get_statistics(call: Call) -> Stats:
    """How the installation stands: what is open, and what ended lately."""
    seen = await call.operating.statistics()
    return Stats(
        open=seen.open,
        oldest_queued_s=round(seen.oldest_queued_s, 3),
        oldest_open_s=round(seen.oldest_open_s, 3),
        stuck=seen.stuck,
        since=rfc3339(seen.since),
        ended=seen.ended,
        failures=seen.failures,
        ready_per_hour=seen.per_hour,
        models=[
            ModelStats(
                model=each.model,
                ready=each.ready,
                failed=each.failed,
                cost_usd=each.cost_usd,
                average_s=each.average_s,
                longest_s=each.longest_s,
            )
            for each in seen.models
        ],
        storage=None if seen.storage is None else _storage(seen.storage),
    )


def _storage(stored: StoredStatistics) -> StorageStats:
    return StorageStats(
        objects=stored.objects,
        bytes=stored.bytes,
        total_bytes=sum(stored.bytes.values()),
        measured_at=rfc3339(stored.measured_at),
    )
