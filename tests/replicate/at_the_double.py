"""The stager as it is opened from a URL, with the double for Replicate."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from staging_core.backends.replicate.opening import open_replicate
from staging_core.backends.replicate.stager import ReplicateStager
from staging_core.testing.fake_context import FakeContext
from staging_core.testing.replicate import RunningReplicate
from staging_core.urls import BackendURL

from .provider import QWEN


@asynccontextmanager
async def open_at(
    double: RunningReplicate, url: str = f"replicate:{QWEN}", **secrets: str
) -> AsyncIterator[ReplicateStager]:
    """``secrets``: more variables."""
    known = {"REPLICATE_API_TOKEN": double.token, "REPLICATE_BASE_URL": double.url, **secrets}
    with tempfile.TemporaryDirectory() as home:
        context = FakeContext(Path(home), secrets=known)
        async with open_replicate(BackendURL.parse(url), context) as stager:
            yield stager
