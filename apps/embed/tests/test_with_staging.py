"""A provider's report ends a job of a real installation, and a forged one does not."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import httpx
from PIL import Image

from staging_core import OWNER, Staging
from staging_core.models import Callback
from staging_core.testing.fake_deferred import FakeDeferred
from staging_embed import staging_app


def empty_room(folder: Path) -> Path:
    path = folder / "empty.png"
    Image.linear_gradient("L").resize((320, 240)).convert("RGB").save(path)
    return path


async def prediction(provider: FakeDeferred) -> tuple[str, str]:
    """The handle of the first prediction, and its attempt, as soon as it is made."""
    async with asyncio.timeout(60):
        while not provider.predictions:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    made = next(iter(provider.predictions.values()))
    return made.handle, made.attempt_id


def test_a_signed_report_ends_the_job_and_a_forged_one_does_not(tmp_path: Path) -> None:
    provider = FakeDeferred()

    async def scenario() -> None:
        async with Staging(home=tmp_path / "home", stager=provider) as staging:
            me = staging.acting_as(OWNER)
            inside = httpx.ASGITransport(staging_app(staging, include={"callbacks"}))
            async with httpx.AsyncClient(transport=inside, base_url="http://here") as client:

                async def post(callback: Callback, attempt: str) -> tuple[int, str]:
                    answer = await client.post(
                        f"/api/v1/callbacks/{attempt}",
                        content=callback.body,
                        headers=dict(callback.headers),
                    )
                    told = answer.json()
                    return answer.status_code, told.get("code") or told["status"]

                group = await me.images.submit(
                    empty_room(tmp_path), room="bedroom", style="modern", seed=1
                )
                handle, attempt = await prediction(provider)
                provider.finish(handle)
                report = provider.callback(handle, at=time.time())
                forged = Callback(body=report.body, headers={}, received_at=0.0)
                stale = provider.callback(handle, at=time.time() - 86_400)
                assert await post(forged, attempt) == (401, "signature_invalid")
                assert await post(stale, attempt) == (401, "signature_invalid")
                assert await post(report, "f" * 32) == (404, "not_found")
                assert await post(report, attempt) == (200, "received")
                assert await post(report, attempt) == (200, "duplicate")
                async with asyncio.timeout(60):
                    done = await me.wait(group)
                assert [image.job.state for image in done.images] == ["ready"]

    asyncio.run(scenario())
