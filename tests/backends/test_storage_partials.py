"""What killed processes left of objects that they did not finish is removed from every store."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from fsspec.implementations.memory import MemoryFileSystem
from tests.engine.house import open_house

from staging_core.backends.fsspec_storage import FilesystemStorage
from staging_core.imaging.decoder import Decoder
from staging_core.photo import once
from staging_core.recovery import Recovery
from staging_core.testing.fake_stager import FakeStager

HOUR_S = 3600.0


class Timeless(MemoryFileSystem):
    """A store of its own that does not tell when an object was made."""

    def __init__(self) -> None:
        super().__init__(skip_instance_cache=True)
        self.store = {}
        self.pseudo_dirs = [""]

    def info(self, path, **options):  # type: ignore[no-untyped-def]
        return {**super().info(path, **options), "created": None}

    def ls(self, path, detail=True, **options):  # type: ignore[no-untyped-def]
        found = super().ls(path, detail=detail, **options)
        return [{**each, "created": None} for each in found] if detail else found


def test_a_store_that_tells_no_times_is_tidied_too_and_puts_that_go_on_are_not() -> None:
    filesystem = Timeless()
    storage = FilesystemStorage(filesystem, "/bucket")

    def partials() -> list[str]:
        return sorted(name.rpartition("/")[2] for name in filesystem.find("/bucket/~partial"))

    def left(name: str) -> None:
        filesystem.pipe_file(f"/bucket/~partial/{name}", b"half")

    async def scenario() -> None:
        assert await storage.tidy(before=time.time()) == 0
        old, young = (f"{int(time.time() - age):x}-{'a' * 32}" for age in (3 * HOUR_S, HOUR_S))
        for name in (old, young, "b" * 32, "theirs"):
            left(name)
        await storage.put("a.png", once(b"whole"), content_type="text/x-unheard-of")

        async def goes_on() -> AsyncIterator[bytes]:
            yield b"one"
            assert await storage.tidy(before=time.time() - 2 * HOUR_S) == 1
            assert len(partials()) == 4
            yield b"two"

        await storage.put("b.png", goes_on(), content_type="image/png")
        assert partials() == sorted([young, "b" * 32, "theirs"]), "of which nobody knows, stay"
        assert [each.key async for each in storage.entries("")] == ["a.png", "b.png"]

    asyncio.run(scenario())


@pytest.mark.parametrize("scheme", ["file:", "local://"])
def test_a_sweep_removes_them_after_the_grace_time(tmp_path: Path, scheme: str) -> None:
    objects = tmp_path / "photos"
    names = [f"{at:x}-{'a' * 32}" for at in (1_000_000_000, 2_000_000_000)] + ["b" * 32, "c" * 32]

    async def scenario() -> None:
        async with (
            Decoder() as decoder,
            open_house(
                tmp_path, FakeStager(), decoder=decoder, storage=f"{scheme}{objects}"
            ) as house,
        ):
            partial = objects / "~partial"
            partial.mkdir(parents=True, exist_ok=True)
            for name, at in zip(names, (1e9, 2e9, 1e9, 2e9), strict=True):
                (partial / name).write_bytes(b"half")
                os.utime(partial / name, (at, at))
            done = await Recovery(house.ports).sweep()
            assert done["partials_dropped"] == 2
            left = sorted(path.name for path in partial.iterdir())
            assert left == sorted([names[1], names[3]])

    asyncio.run(scenario())
