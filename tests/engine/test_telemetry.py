"""What an installation tells of itself: one trace a job, and the figures of the catalogue."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from staging_core import OWNER, hookimpl
from staging_core.errors import DatabaseFailed, DuplicateName, PluginError, UnknownRoom
from staging_core.interfaces import Telemetry
from staging_core.interfaces.opening import Role
from staging_core.levels import tell_levels
from staging_core.models import Group
from staging_core.testing.telemetry import Heard

from .conftest import Install
from .pictures import photo


class Listens:
    """A plugin that gives telemetry and says when it was closed."""

    def __init__(self) -> None:
        self.heard = Heard()
        self.roles: list[Role] = []
        self.closed = False

    @hookimpl
    @contextmanager
    def staging_telemetry(self, role: Role) -> Iterator[Telemetry]:
        self.roles.append(role)
        yield self.heard
        self.closed = True


def told(listens: Listens, name: str) -> dict[tuple[str, ...], float]:
    """A counter's values by their labels."""
    counted = listens.heard.counted
    return {key[1:]: value for key, value in counted.items() if key[0] == name}


def staged(install: Install, listens: Listens, stager: str, *, asked: str) -> Group:
    async def scenario() -> Group:
        async with install(stager, plugins=(listens,), backoff_max_s=0.05) as staging:
            me = staging.acting_as(OWNER)
            with listens.heard.span(asked):
                group = await me.images.submit(photo(), room="bedroom", style="modern")
            return await me.wait(group)

    return asyncio.run(scenario())


def test_a_job_is_one_trace_from_its_submission_to_its_end(install: Install) -> None:
    listens = Listens()
    group = staged(install, listens, "fake:", asked="POST /images")
    spans = listens.heard.spans
    request = next(span for span in spans if span.name == "POST /images")
    (step,) = [span for span in spans if span.name == "staging.job"]
    assert step.parent == request.traceparent
    assert step.facts["staging.job"] == group.images[0].job.id
    phases = [span.name for span in spans if span.parent == step.traceparent]
    assert phases[:2] == ["staging.job prepare", "staging.job stage"]
    assert listens.closed


def test_moves_attempts_phases_and_ends_are_counted(install: Install) -> None:
    listens = Listens()
    staged(install, listens, "fake:?script=retryable,ok", asked="asked")
    assert told(listens, "staging.jobs.submitted") == {("fake",): 1}
    assert told(listens, "staging.attempts") == {
        ("fake", "attempt_failed"): 1,
        ("fake", "succeeded"): 1,
    }
    moved = told(listens, "staging.jobs.moved")
    assert moved[("preparing",)] == 2
    assert moved[("ready",)] == 1
    assert len(listens.heard.measured[("staging.jobs.duration", "fake", "ready")]) == 1
    assert len(listens.heard.measured[("staging.jobs.phase", "stage", "fake")]) == 2


def test_a_job_that_fails_is_counted_by_its_code(install: Install) -> None:
    listens = Listens()
    staged(install, listens, "fake:?script=refused", asked="asked")
    assert told(listens, "staging.jobs.failed") == {("refused", "fake"): 1}


def test_calls_of_a_model_that_answers_later_are_measured_and_its_cost_counted(
    install: Install,
) -> None:
    listens = Listens()
    staged(install, listens, "fake-deferred:?finish_after=1&cost_usd=0.04", asked="asked")
    calls = {key[1:] for key in listens.heard.measured if key[0] == "staging.provider.calls"}
    assert {("create", "fake-deferred", "ok"), ("check", "fake-deferred", "ok")} <= calls
    assert told(listens, "staging.provider.cost") == {("fake-deferred",): pytest.approx(0.04)}


def test_the_queue_is_told_as_high_as_it_stands(install: Install) -> None:
    listens = Listens()

    async def scenario() -> None:
        async with install("fake:", worker=False, plugins=(listens,)) as staging:
            me = staging.acting_as(OWNER)
            await me.images.submit(photo(), room="bedroom", style="modern", variants=3)
            await tell_levels(staging.ports)
            assert listens.heard.levels[("staging.queue.depth",)] == 3
            assert listens.heard.levels[("staging.jobs.in_flight",)] == 0
            assert 0 <= listens.heard.levels[("staging.queue.age",)] < 60

    asyncio.run(scenario())


def test_who_does_not_work_tells_how_high_things_stand_and_goes_on_telling(
    install: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("staging_core.levels.EVERY_S", 0.05)
    listens = Listens()

    async def told_depth(jobs: int) -> None:
        async with asyncio.timeout(30):
            while listens.heard.levels.get(("staging.queue.depth",)) != jobs:  # noqa: ASYNC110
                await asyncio.sleep(0.01)

    async def scenario() -> None:
        async with (
            install("fake:", worker=False, plugins=(listens,)) as api,
            install("fake:", worker=False) as elsewhere,
        ):
            await told_depth(0)
            names = {key[0] for key in listens.heard.levels}
            assert names >= {"staging.queue.age", "staging.jobs.in_flight", "staging.webhooks.age"}
            if api.ports.database.dialect != "sqlite":
                assert "staging.database.connections" in names
            group = await elsewhere.acting_as(OWNER).images.submit(photo())
            await told_depth(1)
            await elsewhere.acting_as(OWNER).jobs.cancel(group.images[0].job.id)
            await told_depth(0)

    asyncio.run(scenario())


async def waits_for_ever(*_: Any) -> None:
    await asyncio.Event().wait()


async def fails(*_: Any) -> None:
    raise DatabaseFailed("It is away.")


@pytest.mark.parametrize("away", [waits_for_ever, fails])
def test_what_is_not_known_any_more_is_told_no_more(
    install: Install, monkeypatch: pytest.MonkeyPatch, away: Any
) -> None:
    listens = Listens()
    queue = ("staging.queue.depth",)

    async def scenario() -> None:
        async with install("fake:", worker=False, plugins=(listens,)) as staging:
            await tell_levels(staging.ports)
            assert listens.heard.levels[queue] == 0
            monkeypatch.setattr("staging_core.levels.EVERY_S", 0.05)
            with monkeypatch.context() as patched:
                patched.setattr("staging_core.database.levels.read", away)
                await tell_levels(staging.ports)
                assert queue not in listens.heard.levels
            await tell_levels(staging.ports)
            assert listens.heard.levels[queue] == 0

    asyncio.run(scenario())


def test_only_one_plugin_gives_telemetry(install: Install) -> None:
    class Other(Listens):
        """The same once more."""

    async def scenario() -> None:
        async with install("fake:", plugins=(Listens(), Other())):
            raise AssertionError("it opened")

    with pytest.raises(DuplicateName, match="both give telemetry"):
        asyncio.run(scenario())


def test_a_plugin_that_cannot_give_it_is_named(install: Install) -> None:
    class Broken:
        @hookimpl
        def staging_telemetry(self, role: Role) -> None:
            raise OSError("no collector")

    async def scenario() -> None:
        async with install("fake:", plugins=(Broken(),)):
            raise AssertionError("it opened")

    with pytest.raises(PluginError, match="staging_telemetry"):
        asyncio.run(scenario())


def test_a_request_that_is_refused_is_no_job(install: Install, tmp_path: Path) -> None:
    listens = Listens()

    async def scenario() -> None:
        async with install("fake:", plugins=(listens,)) as staging:
            with pytest.raises(UnknownRoom):
                await staging.acting_as(OWNER).images.submit(photo(), room="cave", style="modern")

    asyncio.run(scenario())
    assert told(listens, "staging.jobs.submitted") == {}
