"""Whether it can work: health and readiness."""

from __future__ import annotations

import asyncio
from pathlib import Path

from .house import house


def test_health_answers_and_readiness_names_what_fails(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with house(tmp_path) as (staging, client):
            assert (await client.get("/health")).json() == {"status": "ok", "service": "staging"}
            told = await client.get("/ready")
            checks = {"database": "ok", "storage": "ok", "queue": "ok"}
            assert (told.status_code, told.json()) == (200, {"status": "ready", "checks": checks})

            async def away(key: str) -> None:
                raise OSError("secret words")

            staging.ports.storage.stat = away  # type: ignore[method-assign, assignment]
            assert staging._readiness is not None
            staging._readiness._asked_at = float("-inf")
            told = await client.get("/ready")
            assert (told.status_code, told.json()["checks"]["storage"]) == (503, "failed")
            assert "secret" not in told.text
            assert (await client.get("/health")).status_code == 200

    asyncio.run(scenario())
