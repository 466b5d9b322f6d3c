"""Whatever becomes of what is carried between processes, each stream is told the table's events."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from staging_core import Group, Principal, Staging
from staging_core.database import events
from staging_core.database.folders import folder
from staging_core.follower import Follower
from staging_core.models import Update

from .conftest import Install
from .pictures import photo

ACCOUNTS = ("anna", "ben")
IMAGES = 2


class Post:
    """A queue's signals that lie here until somebody delivers them."""

    def __init__(self) -> None:
        self.lying: list[tuple[str, bytes]] = []
        self.takers: dict[str, list[Callable[[bytes], None]]] = {}

    async def poke(self, wake: object) -> None:
        """Nobody works here."""

    async def signal(self, topic: str) -> None:
        self.lying.append((topic, b""))

    async def listen(self, topic: str) -> AsyncIterator[None]:
        await asyncio.Event().wait()
        yield

    async def carry(self, topic: str, content: bytes) -> None:
        self.lying.append((topic, content))

    def carried(self, topic: str, take: Callable[[bytes], None]) -> Callable[[], None]:
        self.takers.setdefault(topic, []).append(take)
        return lambda: self.takers[topic].remove(take)

    def deliver(self, topic: str, content: bytes) -> None:
        for take in tuple(self.takers.get(topic, ())):
            take(content)


class World:
    """Two processes: one commits, the other has followers. ``post`` is between them."""

    def __init__(self, writer: Staging, reader: Staging, post: Post, groups: list[Group]) -> None:
        self.writer, self.reader, self.post = writer, reader, post
        self.groups = groups
        self.seq = {group.id: 1 for group in groups}
        self.streams: list[Stream] = []

    async def commit(self, which: int, number: int, *, fails: bool) -> None:
        """So many events of one of the images; nothing remains of one that fails."""
        group = self.groups[which % len(self.groups)]
        with suppress(LookupError):
            async with self.writer.ports.database.write(group.account_id) as tx:
                for _ in range(number):
                    self.seq[group.id] += 1
                    tx.tell(_progress(group, self.seq[group.id]))
                if fails:
                    raise LookupError
        await asyncio.sleep(0)

    async def follow(self, which: int, *, of_image: bool) -> None:
        group = self.groups[which % len(self.groups)]
        scope = {"image_id": group.images[0].id} if of_image else {}
        me = self.reader.acting_as(Principal(account_id=group.account_id))
        follower, _ = await me.follow(lambda: None, **scope)
        self.streams.append(Stream(follower, group.account_id, scope.get("image_id")))

    async def take(self, which: int) -> None:
        if self.streams:
            await self.streams[which % len(self.streams)].take()

    async def post_does(self, what: str, which: int) -> None:
        """Something that may happen to what lies there."""
        lying = self.post.lying
        if not lying:
            return
        at = which % len(lying)
        topic, content = lying[at]
        if what in ("deliver", "lose"):
            lying.pop(at)
        if what in ("deliver", "double"):
            self.post.deliver(topic, content)
        elif what == "forge":
            self.post.deliver(topic, content.replace(b"drawing", b"forging"))
            self.post.deliver(topic, content[:64] + b"[]")
        elif what == "misdirect":
            for group in self.groups:
                if folder(group.account_id) != topic:
                    self.post.deliver(folder(group.account_id), content)
        elif what == "hint":
            self.post.deliver(topic, b"")

    async def look(self) -> None:
        """What the reader does every now and then."""
        live = self.reader._live
        assert live is not None
        await live._look_at(list(live._accounts))

    async def settle(self) -> None:
        """All has been said: every stream has been told what its rows are, in their order."""
        for stream in self.streams:
            expected = await self.rows(stream)
            async with asyncio.timeout(5):
                while len(stream.told) < len(expected):
                    await self.look()
                    await stream.take()
            await stream.take()
            assert stream.told == expected
            stream.follower.close()

    async def rows(self, stream: Stream) -> list[tuple[int, str, int, str]]:
        async with self.reader.ports.database.read(stream.account_id) as tx:
            found = await events.after(tx, stream.account_id, stream.start, limit=10_000)
        return [
            (each.position, each.image_id, each.seq, each.data.get("phase", ""))
            for each in found
            if stream.image_id in (None, each.image_id)
        ]


class Stream:
    """What a follower was told."""

    def __init__(self, follower: Follower, account_id: str, image_id: str | None) -> None:
        self.follower, self.account_id, self.image_id = follower, account_id, image_id
        self.start = follower.position
        self.told: list[tuple[int, str, int, str]] = []

    async def take(self) -> None:
        self.told += [_told(each) for each in await self.follower.take()]


def _told(update: Update) -> tuple[int, str, int, str]:
    return update.position, update.image_id, update.seq, update.phase


def _progress(group: Group, seq: int) -> events.Draft:
    return events.Draft(
        account_id=group.account_id,
        job_id=group.images[0].job.id,
        image_id=group.images[0].id,
        group_id=group.id,
        seq=seq,
        type="progress",
        state="queued",
        data={"progress": 0.5, "phase": f"drawing {seq}"},
    )


@asynccontextmanager
async def world(install: Install) -> AsyncIterator[World]:
    post = Post()
    async with AsyncExitStack() as stack:
        installed = [install(worker=False, queue=post) for _ in range(2)]
        writer, reader = [await stack.enter_async_context(each) for each in installed]
        groups = [
            await writer.acting_as(Principal(account_id=account)).images.submit(
                photo(number), room="bedroom", style="modern"
            )
            for account in ACCOUNTS
            for number in range(IMAGES)
        ]
        yield World(writer, reader, post, groups)


SOME = st.integers(0, 7)
COMMIT = st.tuples(
    st.just("commit"), SOME, st.integers(1, 3), st.sampled_from([False, False, False, True])
)
POST = st.tuples(
    st.sampled_from(["deliver", "deliver", "double", "lose", "forge", "misdirect", "hint"]), SOME
)
STEPS = st.one_of(
    COMMIT,
    COMMIT,
    POST,
    POST,
    st.tuples(st.just("follow"), SOME, st.booleans()),
    st.tuples(st.just("take"), SOME),
    st.tuples(st.just("look")),
    st.tuples(st.just("turns"), st.integers(1, 20)),
)


async def play(world: World, steps: list[tuple[Any, ...]]) -> None:
    world.streams, world.post.lying = [], []
    await world.follow(0, of_image=False)
    await world.take(0)  # from here on it is handed what comes
    for what, *more in steps:
        match what:
            case "commit":
                await world.commit(more[0], more[1], fails=more[2])
            case "follow":
                await world.follow(more[0], of_image=more[1])
            case "take":
                await world.take(more[0])
            case "look":
                await world.look()
            case "turns":
                for _ in range(more[0]):
                    await asyncio.sleep(0)
            case _:
                await world.post_does(what, more[0])
    await world.settle()


@pytest.mark.parametrize("database", ["sqlite", "postgresql"], indirect=True)
def test_every_stream_is_told_exactly_the_tables_events_in_their_order(
    install: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("staging_core.follower.MOST_BUFFERED", 5)
    with asyncio.Runner() as runner:
        stack = AsyncExitStack()
        there = runner.run(stack.enter_async_context(world(install)))

        @settings(max_examples=100, deadline=None)
        @given(st.lists(STEPS, min_size=20, max_size=60))
        def law(steps: list[tuple[Any, ...]]) -> None:
            runner.run(play(there, steps))

        try:
            law()
        finally:
            runner.run(stack.aclose())
