"""Everything a job's way leads through outside this code, open and ready."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from .imaging.limits import Limits
from .recent import Recent
from .telemetry import SILENT

if TYPE_CHECKING:
    from .config import Settings
    from .database.engine import Database
    from .download import Downloads, Posts
    from .hooks import Hooks
    from .imaging.decoder import Decoder
    from .interfaces import Billing, Defers, Queue, Stager, Storage, Telemetry


@dataclass(frozen=True, slots=True)
class Ports:
    """What ``pipeline`` and ``recovery`` act upon.

    ``stagers``: by the id of their card, the default first. Every effect of the engine is a call on
    one of these, so a test that counts and cuts calls here can crash it at every point there is;
    but for ``telemetry``, which has none, ``recent``: whom this process has seen just now, and
    ``pictures``: held by whoever has whole pictures in memory, so that a burst does not fill it.
    """

    settings: Settings
    database: Database
    storage: Storage
    queue: Queue
    billing: Billing
    stagers: Mapping[str, Stager | Defers]
    hooks: Hooks
    decoder: Decoder
    downloads: Downloads
    posts: Posts
    telemetry: Telemetry = SILENT
    recent: Recent = field(default_factory=Recent)
    pictures: asyncio.Semaphore = field(default_factory=lambda: holding(1))

    @property
    def limits(self) -> Limits:
        """How large a photo may be here."""
        return limits_of(self.settings)


def holding(processes: int) -> asyncio.Semaphore:
    """For ``processes`` that decode: one more may read or store its pictures meanwhile."""
    return asyncio.Semaphore(processes + 1)


def limits_of(settings: Settings) -> Limits:
    """How large the settings let a photo be."""
    return Limits(
        max_bytes=settings.max_bytes, max_pixels=settings.max_pixels, max_side=settings.max_side
    )
