"""Who follows sees where images stand, then every event, in order, whatever happens to them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from staging_core import OWNER, Acting, Group, Principal, Staging
from staging_core.errors import NotFound
from staging_core.follower import MOST_BUFFERED, Follower
from staging_core.models import Update

from .conftest import Install
from .pictures import photo

both = pytest.mark.parametrize("database", ["sqlite", "postgresql"], indirect=True)


async def submitted(me: Acting, number: int = 0) -> Group:
    return await me.images.submit(photo(number), room="bedroom", style="modern", seed=1)


async def until_ready(updates: AsyncIterator[Update]) -> list[Update]:
    seen = []
    async with asyncio.timeout(60):
        async for each in updates:
            seen.append(each)
            if each.state == "ready":
                break
    return seen


async def history(me: Acting, group: Group) -> list[int]:
    return [event.position for event in await me.jobs.history(group.images[0].job.id)]


async def work(staging: Staging) -> None:
    await staging.run_worker(until_idle=True)


@both
def test_first_a_snapshot_then_every_event_up_to_the_end(install: Install) -> None:
    async def scenario() -> None:
        async with install(worker=False) as staging:
            me = staging.acting_as(OWNER)
            group = await submitted(me)
            updates = me.updates(image_id=group.images[0].id)
            first = await anext(updates)
            following = asyncio.create_task(until_ready(updates))
            await work(staging)
            rest = await following
            assert (first.snapshot, first.state, first.seq) == (True, "queued", 1)
            assert [each.seq for each in rest] == list(range(2, 2 + len(rest)))
            assert [first.position, *(each.position for each in rest)] == await history(me, group)
            assert not any(each.snapshot for each in rest)
            assert rest[-1].progress == 1.0

    asyncio.run(scenario())


@both
def test_whoever_comes_back_is_told_all_since_and_nothing_twice(install: Install) -> None:
    async def scenario() -> None:
        async with install(worker=False) as staging:
            me = staging.acting_as(OWNER)
            group = await submitted(me)
            await work(staging)
            positions = await history(me, group)
            image_id = group.images[0].id
            for after in range(len(positions)):
                resumed = me.updates(image_id=image_id, after=positions[after] if after else 0)
                snapshot = await anext(resumed)
                assert (snapshot.snapshot, snapshot.state) == (True, "ready")
                # Cut off right after the snapshot, one would resume from the same place.
                assert snapshot.position == (positions[after] if after else 0)
                told = positions[after + 1 :] if after else positions
                assert [(await anext(resumed)).position for _ in told] == told
                await resumed.aclose()  # type: ignore[attr-defined]

    asyncio.run(scenario())


@both
def test_a_group_is_followed_and_nothing_beside_it(install: Install) -> None:
    async def scenario() -> None:
        async with install(worker=False) as staging:
            me = staging.acting_as(OWNER)
            await submitted(me)
            group = await me.images.submit(photo(1), room="bedroom", style="modern", variants=2)
            await submitted(me, 2)
            updates = me.updates(group_id=group.id)
            standing = [await anext(updates), await anext(updates)]
            assert {each.image_id for each in standing} == {image.id for image in group.images}
            await work(staging)
            page = await me.read_events(group.id, after=standing[0].position)
            assert page.settled
            seen = [await anext(updates) for _ in page.events]
            assert [each.position for each in seen] == [each.position for each in page.events]
            await updates.aclose()  # type: ignore[attr-defined]
            with pytest.raises(NotFound):
                await anext(staging.acting_as(Principal(account_id="b")).updates(group_id=group.id))

    asyncio.run(scenario())


def test_a_position_that_is_not_reached_yet_is_taken_for_the_newest(install: Install) -> None:
    async def scenario() -> None:
        async with install(worker=False) as staging:
            me = staging.acting_as(OWNER)
            following = asyncio.create_task(until_ready(me.updates(after=1_000_000)))
            await asyncio.sleep(0)
            group = await submitted(me)
            await work(staging)
            seen = [each.position for each in await following if not each.snapshot]
            assert seen == (await history(me, group))[-len(seen) :]

    asyncio.run(scenario())


def test_an_account_follows_its_unfinished_images_and_no_others(install: Install) -> None:
    async def scenario() -> None:
        async with install(worker=False) as staging:
            me, other = staging.acting_as(OWNER), staging.acting_as(Principal(account_id="other"))
            await submitted(me)
            await work(staging)
            unfinished, theirs = await submitted(me, 1), await submitted(other)
            _, standing = await me.follow(lambda: None)
            assert [each.image_id for each in standing] == [unfinished.images[0].id]
            with pytest.raises(NotFound):
                await me.follow(lambda: None, image_id=theirs.images[0].id)

    asyncio.run(scenario())


@both
def test_a_follower_that_takes_nothing_holds_little_and_misses_nothing(install: Install) -> None:
    async def scenario() -> None:
        async with install(worker=False) as staging:
            me = staging.acting_as(OWNER)
            slow, _ = await me.follow(lambda: None)
            assert await slow.take() == []  # from here on it is handed what comes
            groups = [await submitted(me, number) for number in range(3)]
            expected: list[int] = []
            while len(expected) <= MOST_BUFFERED:
                await progress(staging, groups[0], 60)
                expected = await positions_of(me)
            await until(lambda: slow._buffer is None)
            assert await taken(slow) == expected
            await progress(staging, groups[1], 1)
            expected = await positions_of(me)
            await until(lambda: bool(slow._buffer))
            assert await taken(slow) == expected[-1:]
            slow.close()
            assert await slow.take() == []

    asyncio.run(scenario())


def test_a_database_that_is_away_for_a_while_costs_no_event(
    install: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario() -> None:
        async with install(worker=False) as staging, install(worker=False) as elsewhere:
            me = staging.acting_as(OWNER)
            follower, _ = await me.follow(lambda: None)
            assert await follower.take() == []
            assert staging._live is not None
            read, failures = staging._live._read_batch, [OSError("away"), OSError("away")]

            async def failing(batch: list[str]) -> None:
                if failures:
                    raise failures.pop()
                await read(batch)

            monkeypatch.setattr(staging._live, "_read_batch", failing)
            group = await submitted(elsewhere.acting_as(OWNER))
            await until(lambda: bool(follower._buffer))
            assert not failures
            assert [each.position for each in await follower.take()] == await history(me, group)

    asyncio.run(scenario())


async def progress(staging: Staging, group: Group, steps: int) -> None:
    """Events of a job, without a worker."""
    from staging_core.database.events import draft

    async with staging.ports.database.write(group.account_id) as tx:
        from staging_core.database import jobs

        row: Any = await jobs.fetch(tx, group.account_id, group.images[0].job.id)
        seq = await last_seq(staging, group)
        for number in range(steps):
            tx.tell(draft({**row, "seq": seq + 1 + number}, row["state"], "progress"))


async def last_seq(staging: Staging, group: Group) -> int:
    me = staging.acting_as(Principal(account_id=group.account_id))
    return (await me.jobs.history(group.images[0].job.id))[-1].seq


async def positions_of(me: Acting) -> list[int]:
    found: list[int] = []
    for job in await me.jobs.page():
        found += [event.position for event in await me.jobs.history(job.id)]
    return sorted(found)


async def taken(follower: Follower) -> list[int]:
    found: list[int] = []
    async with asyncio.timeout(30):
        while batch := await follower.take():
            found += [each.position for each in batch]
    return found


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not condition():  # noqa: ASYNC110 - what is waited for has no event
            await asyncio.sleep(0.01)
