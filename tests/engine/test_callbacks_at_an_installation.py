"""An open installation with a model that answers later: worker, callbacks and addresses."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest

from staging_core import OWNER, Staging, stage
from staging_core.acting import Acting
from staging_core.audit import SOUND, Audit
from staging_core.errors import InvalidSignature, SettingError
from staging_core.models import Attempt, Callback, Group
from staging_core.testing.fake_deferred import FakeDeferred

from .conftest import Install
from .pictures import photo


class Addressed(FakeDeferred):
    """Remembers where it may report to."""

    def __init__(self) -> None:
        super().__init__()
        self.addresses: list[str | None] = []

    async def create(self, request: Any, photo: Any, attempt: Attempt) -> str:
        self.addresses.append(attempt.callback_url)
        return await super().create(request, photo, attempt)


async def until_waiting(me: Acting, group: Group) -> None:
    """Until all jobs of the group wait at the provider."""
    waiting = set()
    async for event in me.events(group):
        if event.state == "waiting":
            waiting.add(event.job_id)
        if len(waiting) == len(group.images):
            return


@pytest.mark.parametrize("database", ["sqlite", "postgresql"], indirect=True)
def test_a_callback_wakes_the_worker_at_once(install: Install) -> None:
    provider = Addressed()

    async def scenario() -> None:
        async with install((provider,), public_url="https://staging.example/shop") as staging:
            me = staging.acting_as(OWNER)
            group = await me.images.submit(photo(), room="bedroom", style="modern")
            await until_waiting(me, group)
            ((handle, made),) = provider.predictions.items()
            where = f"https://staging.example/shop/api/v1/callbacks/{made.attempt_id}"
            assert provider.addresses == [where]
            provider.finish(handle)
            report = provider.callback(handle, at=time.time())
            assert await staging.receive(report, attempt_id=made.attempt_id) == "received"
            assert await staging.receive(report) == "duplicate"
            async with asyncio.timeout(8):  # less than poll_s
                ready = (await me.wait(group)).images[0]
            assert (ready.job.state, made.checks) == ("ready", 1)
            with pytest.raises(InvalidSignature):
                await staging.receive(Callback(body=b"{}", headers={}, received_at=time.time()))
            assert staging.callbacks_turned_away == {"signature_invalid": 1}
            assert await Audit(staging.ports).count() == SOUND

    asyncio.run(scenario())


def test_a_worker_holds_nothing_of_a_job_that_waits_and_goes_on_after_a_restart(
    install: Install,
) -> None:
    provider = FakeDeferred()

    async def scenario() -> None:
        async with install((provider,)) as staging:
            me = staging.acting_as(OWNER)
            wish = {"room": "bedroom", "style": "modern"}
            await until_waiting(me, await me.images.submit(photo(1), **wish))
            with_one = len(asyncio.all_tasks())
            group = await me.images.submit(photo(), variants=6, **wish)
            await until_waiting(me, group)
            with_seven = len(asyncio.all_tasks())
        for handle in provider.predictions:
            provider.finish(handle)
        async with install((provider,), worker=False) as staging:
            me = staging.acting_as(OWNER)
            for number, handle in enumerate(provider.predictions):
                report = provider.callback(handle, at=time.time())
                assert await staging.receive(report) == "received", number
            await staging.run_worker(until_idle=True)
            states = [one.job.state for one in (await me.images.group(group.id)).images]
            assert states == ["ready"] * 6
        assert with_seven - with_one < 6

    asyncio.run(scenario())


def test_a_deferred_model_can_be_tried_without_any_network(tmp_path: Any) -> None:
    staged = stage(
        photo(),
        room="bedroom",
        style="modern",
        stager="fake-deferred:?finish_after=1",
        plugins=(),
        poll_s=0.1,
    )
    assert staged.image.job.model == "fake-deferred"


def test_a_fallback_that_is_not_open_is_named(install: Install) -> None:
    async def scenario(staging: Staging) -> None:
        async with staging:
            pass

    with pytest.raises(SettingError, match="not-there"):
        asyncio.run(scenario(install("fake:", fallback="not-there")))
