"""What nobody did is done by a sweep; what is due once an hour, and who does it."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from staging_core import OWNER, Staging
from staging_core.audit import Audit
from staging_core.database import accounts, leases, outbox
from staging_core.errors import StorageDenied
from staging_core.imaging.decoder import Decoder
from staging_core.models import Stored, Wake
from staging_core.photo import once
from staging_core.recovery import Recovery
from staging_core.tally import Tally
from staging_core.testing.fake_stager import FakeStager
from staging_core.testing.telemetry import Heard
from staging_core.worker import Worker, running

from .conftest import Install
from .crashing import Crash
from .house import House, open_house
from .pictures import photo


def test_only_one_process_sweeps_at_a_time(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with (
            Decoder() as decoder,
            open_house(tmp_path, FakeStager(), decoder=decoder) as house,
        ):
            first, second = Recovery(house.ports), Recovery(house.ports)
            assert await first.sweep() != {}
            assert await second.sweep() == {}
            house.clock.ahead += 60
            assert await second.sweep() != {}
            await second.give_back()
            assert await first.sweep() != {}

    asyncio.run(scenario())


def test_a_lease_is_taken_once_kept_by_its_owner_and_free_after_its_time(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with (
            Decoder() as decoder,
            open_house(tmp_path, FakeStager(), decoder=decoder) as house,
        ):

            async def take(owner: str) -> bool:
                async with house.ports.database.write() as tx:
                    return await leases.take(tx, "x", owner=owner, seconds=5)

            assert [await take(owner) for owner in ("a", "b", "a")] == [True, False, True]
            house.clock.ahead += 6
            assert await take("b")
            async with house.ports.database.write() as tx:
                await leases.give_back(tx, "x", owner="a")
            assert not await take("a")

    asyncio.run(scenario())


class Remembering:
    """A queue that only remembers its pokes."""

    def __init__(self) -> None:
        self.wakes: list[Wake] = []

    async def poke(self, wake: Wake) -> None:
        self.wakes.append(wake)


def test_a_job_whose_nudge_was_lost_is_nudged_by_the_sweep(install: Install) -> None:
    async def scenario() -> None:
        queue = Remembering()
        async with install(worker=False, queue=queue) as staging:
            me = staging.acting_as(OWNER)
            group = await me.images.submit(photo(), room="bedroom", style="modern")
            queue.wakes.clear()  # the queue was flushed
            assert (await staging.sweep())["nudged"] == 1
            assert [wake.job_id for wake in queue.wakes] == [group.images[0].job.id]
            assert await staging.work(group.images[0].job.id)
            assert not await staging.work(group.images[0].job.id)
            assert (await me.wait(group)).images[0].job.state == "ready"

    asyncio.run(scenario())


class Down:
    """A queue that is away."""

    async def poke(self, wake: Wake) -> None:
        raise ConnectionError("no queue")


def test_a_queue_that_is_away_keeps_neither_submits_nor_sweeps_from_their_work(
    install: Install,
) -> None:
    async def scenario() -> None:
        async with install(worker=False, queue=Down()) as staging:
            me = staging.acting_as(OWNER)
            group = await me.images.submit(photo(), room="bedroom", style="modern")
            assert "files_expired" in await staging.sweep()
            assert await staging.work(group.images[0].job.id)

    asyncio.run(scenario())


def test_objects_that_no_row_knows_go_after_the_grace_time_and_no_others(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with (
            Decoder() as decoder,
            open_house(tmp_path, FakeStager(), decoder=decoder) as house,
        ):
            await house.submit()
            await house.step()
            before = {entry.key async for entry in house.ports.storage.entries("")}
            await house.ports.storage.put(
                f"staged/{0:032x}/lost.png", once(b"x"), content_type="image/png"
            )
            recovery = Recovery(house.ports)
            await recovery.sweep(bucket=True)
            assert len([e async for e in house.ports.storage.entries("")]) == len(before) + 1
            house.clock.ahead += 1000
            assert (await recovery.sweep(bucket=True))["orphans"] == 1
            assert {entry.key async for entry in house.ports.storage.entries("")} == before

    asyncio.run(scenario())


async def lost(house: House, name: str) -> None:
    """An object that no row knows, older than the grace time."""
    key = f"staged/{0:032x}/{name}.png"
    await house.ports.storage.put(key, once(b"x"), content_type="image/png")
    house.clock.ahead += house.ports.settings.orphan_grace_s + 1


def test_what_is_due_once_an_hour_is_done_by_processes_that_live_for_one_sweep_too(
    tmp_path: Path,
) -> None:
    async def swept(house: House) -> dict[str, int]:
        recovery = Recovery(house.ports)
        done = await recovery.sweep()
        await recovery.give_back()
        return done

    async def scenario() -> None:
        async with (
            Decoder() as decoder,
            open_house(tmp_path, FakeStager(), decoder=decoder) as house,
        ):
            await lost(house, "first")
            assert (await swept(house))["orphans"] == 1
            await lost(house, "second")
            assert "orphans" not in await swept(house)
            house.clock.ahead += 3600
            done = await swept(house)
            assert (done["orphans"], done["failed"]) == (1, 0)
            assert {"balances_expired", "audit_log_dropped", "webhooks_forgotten"} <= set(done)

    asyncio.run(scenario())


class Unlisted:
    """A storage that may not be listed."""

    def entries(self, prefix: str) -> AsyncIterator[Stored]:
        raise StorageDenied("The storage does not allow that.")


def test_a_duty_that_fails_keeps_no_other_from_being_done_is_counted_and_comes_again_sooner(
    tmp_path: Path,
) -> None:
    async def scenario() -> None:
        async with (
            Decoder() as decoder,
            open_house(tmp_path, FakeStager(), decoder=decoder) as house,
        ):
            heard = Heard()
            denied: Any = Unlisted()
            done = await Recovery(replace(house.ports, storage=denied, telemetry=heard)).sweep()
            assert "webhooks_forgotten" in done
            assert "orphans" not in done
            assert done["failed"] == 1
            assert heard.counted[("staging.sweep.failed", "orphans")] == 1
            await lost(house, "one")
            house.clock.ahead += 1000
            done = await Recovery(house.ports).sweep()
            assert done["orphans"] == 1
            assert "webhooks_forgotten" not in done

    asyncio.run(scenario())


def test_what_a_process_was_killed_at_is_done_soon_by_another(tmp_path: Path) -> None:
    class Killed(Unlisted):
        """Is ended while it lists."""

        def entries(self, prefix: str) -> AsyncIterator[Stored]:
            raise Crash

    async def scenario() -> None:
        async with (
            Decoder() as decoder,
            open_house(tmp_path, FakeStager(), decoder=decoder) as house,
        ):
            killed: Any = Killed()
            with pytest.raises(Crash):
                await Recovery(replace(house.ports, storage=killed)).sweep()
            for ahead, does in ((20, False), (1000, True), (1000, False)):
                house.clock.ahead += ahead
                recovery = Recovery(house.ports)
                done = await recovery.sweep()
                await recovery.give_back()
                assert ("orphans" in done) == ("webhooks_forgotten" in done) == does

    asyncio.run(scenario())


class Endless(Unlisted):
    """A storage whose listing does not end today."""

    def __init__(self, behind: Any) -> None:
        self._behind = behind
        self.listed = asyncio.Event()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._behind, name)

    async def entries(self, prefix: str) -> AsyncIterator[Stored]:
        self.listed.set()
        await asyncio.Event().wait()
        yield Stored(key="", size=0, etag="", content_type="", modified=0.0)


def test_a_worker_sweeps_while_what_is_due_once_an_hour_takes_long(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with (
            Decoder() as decoder,
            open_house(tmp_path, FakeStager(), decoder=decoder, sweep_s=0.1) as house,
        ):
            endless: Any = Endless(house.ports.storage)
            ports = replace(house.ports, storage=endless)
            async with running(Worker(ports, Recovery(ports))), asyncio.timeout(10):
                await endless.listed.wait()
                async with house.ports.database.write() as tx:
                    await accounts.ensure(tx, "local")
                    await outbox.post(tx, "local", "delete_object", {"key": "staged/x.png"})
                while await outbox_of(house):  # noqa: ASYNC110
                    await asyncio.sleep(0.05)

    asyncio.run(scenario())


def test_what_is_due_once_an_hour_is_begun_by_one_process(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with (
            Decoder() as decoder,
            open_house(tmp_path, FakeStager(), decoder=decoder) as house,
        ):
            tallies = [Tally(house.ports) for _ in range(4)]
            await asyncio.gather(*(Recovery(house.ports).keep_up(each) for each in tallies))
            assert sum("webhooks_forgotten" in each.done for each in tallies) == 1
            assert [each.failed for each in tallies] == [[]] * 4

    asyncio.run(scenario())


async def outbox_of(house: House) -> list[Any]:
    async with house.ports.database.read() as tx:
        return await outbox.due(tx, ["delete_object"])


def test_a_deed_that_fails_leaves_the_rest_of_the_sweep_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fails(*_: Any) -> int:
        raise RuntimeError("not now")

    monkeypatch.setattr("staging_core.recovery.claims.due", fails)

    async def scenario() -> None:
        async with (
            Decoder() as decoder,
            open_house(tmp_path, FakeStager(), decoder=decoder) as house,
        ):
            done = await Recovery(house.ports).sweep()
            assert done["failed"] == 1
            assert {"models_missing", "outbox", "orphans"} <= set(done)

    asyncio.run(scenario())


def test_what_others_keep_in_the_same_storage_is_never_deleted(
    tmp_path: Path, install: Install
) -> None:
    theirs = [tmp_path / "shared" / key for key in ("holiday/mum.jpg", "uploads/2024/room.jpg")]
    for file in theirs:
        file.parent.mkdir(parents=True)
        file.write_bytes(b"x")
        os.utime(file, (1, 1))

    async def scenario() -> None:
        async with install(worker=False, storage=f"file:{tmp_path / 'shared'}") as staging:
            assert (await staging.sweep(bucket=True))["orphans"] == 0
            assert (await Audit(staging.ports).count())["I6"] == 0

    asyncio.run(scenario())
    assert all(file.exists() for file in theirs)


def test_a_job_whose_model_nobody_opens_ends_after_an_hour(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with (
            Decoder() as decoder,
            open_house(tmp_path, FakeStager(), decoder=decoder) as house,
        ):
            await house.submit()
        async with (
            Decoder() as decoder,
            open_house(tmp_path, FakeStager(name="other"), decoder=decoder) as house,
        ):
            heard = Heard()
            recovery = Recovery(replace(house.ports, telemetry=heard))
            house.clock.ahead += 90_000  # nobody worked for a day, so nobody was missing
            await recovery.sweep()
            assert await house.states() == ["queued"]
            house.clock.ahead += 3700
            await recovery.sweep()
            assert await house.states() == ["error"]
            assert heard.counted[("staging.jobs.failed", "stager_missing", "fake")] == 1

    asyncio.run(scenario())


def test_jobs_of_a_model_that_another_worker_has_open_may_wait_for_days(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with (
            Decoder() as decoder,
            open_house(tmp_path, FakeStager(), decoder=decoder) as house,
            open_house(tmp_path, FakeStager(name="other"), decoder=decoder) as rival,
        ):
            await house.submit(variants=3)
            leading, following = Recovery(rival.ports), Recovery(house.ports)
            for _ in range(100):
                house.clock.ahead += 1800
                rival.clock.ahead = house.clock.ahead
                await leading.sweep()
                assert await following.sweep() == {}
            assert await house.states() == ["queued"] * 3

    asyncio.run(scenario())

    asyncio.run(scenario())


def test_a_long_call_keeps_its_lease(install: Install) -> None:
    """Three times as long as the lease, and a rival that would take it."""

    async def scenario() -> None:
        slow = "fake:?delay_ms=6000"
        async with install(slow, lease_s=2), install(slow, lease_s=2) as staging:
            me = staging.acting_as(OWNER)
            group = await me.wait(await me.images.submit(photo(), room="bedroom", style="modern"))
            assert group.images[0].job.state == "ready"
            assert group.images[0].job.attempts == 1

    asyncio.run(scenario())


def test_a_host_may_hand_over_open_objects_which_stay_its_own(install: Install) -> None:
    async def scenario() -> None:
        stager = FakeStager(name="mine")
        async with install((stager,)) as staging:
            me = staging.acting_as(OWNER)
            await me.wait(await me.images.submit(photo(), room="bedroom", style="modern"))
        assert len(stager.calls) == 1

    asyncio.run(scenario())


def test_a_staging_is_used_only_while_it_is_open(install: Install) -> None:
    async def scenario() -> Staging:
        async with install(worker=False) as staging:
            return staging

    staging = asyncio.run(scenario())
    with pytest.raises(Exception, match="not open"):
        staging.acting_as(OWNER)
