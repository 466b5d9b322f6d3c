"""A fresh installation that is opened in no time, and plugins that go with it."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

from staging_core import JobEvent, hookimpl
from staging_core.imaging.decoder import Decoder
from staging_core.models import Job, Picture
from staging_core.testing.servers.databases import migrated_file

from .deferred_cases import Moody
from .house import House, open_house


class Journal:
    """A plugin that keeps the events it is shown."""

    def __init__(self) -> None:
        self.seen: list[JobEvent] = []

    @hookimpl
    async def staging_job_event(self, event: JobEvent) -> None:
        self.seen.append(event)


class Stamp:
    """A plugin that labels. ``dry``: how many times it cannot."""

    def __init__(self, dry: int = 0) -> None:
        self.dry = dry

    @hookimpl
    async def staging_label(self, job: Job, picture: Picture, statement: str) -> Picture:
        if self.dry:
            self.dry -= 1
            raise RuntimeError("no ink")
        return Picture(
            data=picture.data + b" labelled",
            content_type=picture.content_type,
            width=picture.width,
            height=picture.height,
        )


@asynccontextmanager
async def installation(
    decoder: Decoder, *stagers: object, labels: Stamp | None = None, billing: object = "free:"
) -> AsyncIterator[tuple[House, Journal]]:
    """A fresh installation; decoding children are shared, since they keep nothing."""
    journal = Journal()
    with tempfile.TemporaryDirectory() as folder:
        migrated_file(Path(folder))
        plugins = (journal,) if labels is None else (journal, labels)
        async with open_house(
            Path(folder),
            *stagers,
            decoder=decoder,
            plugins=plugins,
            max_attempts=8,
            daily_spend_usd=1_000,
            billing=billing,
        ) as house:
            for stager in stagers:
                if isinstance(stager, Moody):
                    house.ports = replace(house.ports, downloads=stager.downloads)  # type: ignore[arg-type]
            yield house, journal
