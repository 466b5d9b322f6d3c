"""The stager of Replicate keeps the contract, against a double that misbehaves as it is told."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, ClassVar

import pytest

from staging_core.interfaces import Defers
from staging_core.testing.conformance import DefersConformance, Faults
from staging_core.testing.replicate import (
    Chaos,
    ReplicateFaults,
    RunningReplicate,
    Settings,
    running_replicate,
)


class TestReplicate(DefersConformance):
    url = "replicate:qwen/qwen-image-edit"
    double: ClassVar[RunningReplicate]
    recorded_handles = ("ufawqhfynnddngldkgtslldrkq", "gm3qorzdhgbfurvjtvhg6dckhu")
    bad_urls = (
        "replicate:",
        "replicate:qwen",
        "replicate:qwen/qwen-image-edti",
        "replicate:qwen/qwen-image-edit?colour=red",
        "replicate:qwen/qwen-image-edit?version=not a version",
        "replicate:qwen/qwen-image-edit?card=missing.toml",
    )

    @asynccontextmanager
    async def open(self, home: Path, url: Any = None) -> AsyncIterator[Any]:
        type(self).secrets = {
            "REPLICATE_API_TOKEN": self.double.token,
            "REPLICATE_BASE_URL": self.double.url,
        }
        async with super().open(home, url) as stager:
            yield stager

    def faults(self, stager: Defers) -> Faults:
        return ReplicateFaults(self.double)


@pytest.fixture(autouse=True, scope="module")
def _double() -> Iterator[None]:
    """One double for all checks; predictions end when they are told."""
    settings = Settings(manual=True, creates_per_minute=0, others_per_minute=0)
    with running_replicate(settings, Chaos(late_landing_s=0.5)) as double:
        TestReplicate.double = double
        yield
