"""Opening, closing, and acting as whom the server sees in the token."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from staging_core import OWNER, Staging, StagingError, open_door
from staging_core.errors import Forbidden, ObjectChanged, Unauthorized
from staging_core.models import ByteRange, Principal
from staging_core.testing.tcp_proxy import TcpProxy

from .conftest import House, Open
from .listening import photo


def test_who_acts_is_whom_the_server_sees(house: Open) -> None:
    async def scenario() -> None:
        async with house() as at:
            async with Staging.connect(f"{at.url}/", token=at.token) as me:
                assert me.principal.account_id == OWNER.account_id
                assert "images:write" in me.principal.scopes
            for token in (None, "sk_stg_none"):
                with pytest.raises(Unauthorized):
                    async with Staging.connect(at.url, token=token):
                        pass
            weak = await at.me.keys.create("weak", scopes=["images:read"])
            async with Staging.connect(at.url, token=weak.secret) as me:
                assert await me.images.page() == []
                with pytest.raises(Forbidden):
                    await me.projects.create("Elm")
                with pytest.raises(Forbidden):
                    me.events()

    asyncio.run(scenario())


def test_it_is_opened_once_and_used_while_it_is(house: Open) -> None:
    async def scenario() -> None:
        async with house() as at:
            connection = Staging.connect(at.url, token=at.token)
            async with connection as me:
                with pytest.raises(StagingError, match="open already"):
                    await connection.__aenter__()
                assert await me.images.page() == []
            with pytest.raises(StagingError, match="not open"):
                await me.images.page()

    asyncio.run(scenario())


def test_from_a_photo_to_the_picture(house: Open, tmp_path: Path) -> None:
    async def scenario() -> None:
        (tmp_path / "Küche 1.jpg").write_bytes(photo())  # it is a PNG, whatever it says
        async with house() as at, Staging.connect(at.url, token=at.token) as me:
            project = await me.projects.create("Elm")
            group = await me.images.submit(
                tmp_path / "Küche 1.jpg",
                room="kitchen",
                style="japandi",
                variants=2,
                seed=7,
                project_id=project.id,
            )
            assert [image.request.seed for image in group.images] == [7, 8]
            assert group.images[0].filename == "Küche 1.png"
            group = await me.wait(group)
            assert group == await at.me.images.group(group.id)
            assert await me.images.page(state="ready") == await at.me.images.page(state="ready")
            assert await me.images.by_original(project.id) == (
                await at.me.images.by_original(project.id)
            )
            image = group.images[0]
            assert await me.images.read(image.id) == await at.me.images.read(image.id)
            assert await me.images.history(image.id) == await at.me.images.history(image.id)
            assert await me.images.history(image.id, after=1, limit=1) == (
                await at.me.images.history(image.id, after=1, limit=1)
            )
            assert await me.jobs.attempts(image.job.id) == await at.me.jobs.attempts(image.job.id)
            assert await me.projects.cost(project.id) == await at.me.projects.cost(project.id)
            assert await me.usage() == await at.me.usage()
            assert (await me.profile.get()).updated_at == (await at.me.profile.get()).updated_at
            assert (await me.images.presign(image.id)).startswith(f"{at.url}/api/v1/objects/")
            ticket = await me.tickets.issue()
            redeemed = await at.staging.redeem(ticket.token)
            assert isinstance(redeemed, Principal)

    asyncio.run(scenario())


def test_a_download_that_is_cut_goes_on_where_it_was(house: Open) -> None:
    async def scenario() -> None:
        async with (
            house() as at,
            TcpProxy("127.0.0.1", at.port) as proxy,
            Staging.connect(f"http://127.0.0.1:{proxy.port}", token=at.token) as me,
        ):
            large = photo() + bytes(3_000_000)  # what follows a PNG is the original's too
            upload = await at.me.uploads.receive(sent(large), "a.png")
            image = (await at.me.images.submit(upload_id=upload.id)).images[0]
            await proxy.throttle(2_000_000)
            got = bytearray()
            async with me.images.open(image.id, "original") as picture:
                async for chunk in picture.chunks:
                    if len(got) < 400_000 <= len(got) + len(chunk):
                        await proxy.cut()
                    got += chunk
            assert bytes(got) == large
            await proxy.heal()
            span = ByteRange(start=10, end=1_000_000)
            async with me.images.open(image.id, "original", span=span) as picture:
                part = b"".join([chunk async for chunk in picture.chunks])
            assert part == large[10:1_000_000]
            with pytest.raises(ObjectChanged):
                async with me.images.open(image.id, "original", etag="another"):
                    pass

    asyncio.run(scenario())


async def sent(data: bytes) -> Any:
    for start in range(0, len(data), 65_536):
        yield data[start : start + 65_536]


@contextmanager
def running(house: Open) -> Iterator[House]:
    """The house on an event loop of its own, as another program has it."""
    started: list[House] = []
    ready, done = threading.Event(), threading.Event()

    async def live() -> None:
        async with house() as at:
            started.append(at)
            ready.set()
            await asyncio.to_thread(done.wait)

    thread = threading.Thread(target=lambda: asyncio.run(live()))
    thread.start()
    try:
        assert ready.wait(30)
        yield started[0]
    finally:
        done.set()
        thread.join(30)


def test_code_that_does_not_await_goes_through_a_door(house: Open) -> None:
    with running(house) as at, open_door(Staging.connect(at.url, token=at.token)) as door:
        me = door.opened
        group = door(me.images.submit, photo(), room="bedroom")
        states = [event.state for event in door.iterate(me.events(group))]
        assert states[0] == "queued"
        assert states[-1] == "ready"
        assert door(me.images.read, group.images[0].id).startswith(b"\x89PNG")
