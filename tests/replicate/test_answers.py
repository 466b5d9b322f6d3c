"""What Replicate answers is held in memory: as many bytes as come over the wire, not more."""

from __future__ import annotations

import asyncio
import gzip

import httpx
import pytest

from staging_core.backends.replicate.transport import Garbled, Rejected

from .provider import Provider


@pytest.mark.parametrize("status", [200, 500])
def test_packed_answers_which_nobody_asked_for_are_not_unpacked(status: int) -> None:
    """Some kilobytes of them may be gigabytes."""
    packed = gzip.compress(b'{"id": "p", "logs": "' + b" " * 10_000_000 + b'"}')

    def answer(request: httpx.Request) -> httpx.Response:
        assert request.headers["accept-encoding"] == "identity"
        body = httpx.ByteStream(packed)
        return httpx.Response(status, stream=body, headers={"content-encoding": "gzip"})

    async def ask() -> None:
        await Provider(answer).account().prediction("p")

    with pytest.raises(Garbled if status == 200 else Rejected):
        asyncio.run(ask())
