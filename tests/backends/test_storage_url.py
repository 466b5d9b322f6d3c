"""What a storage URL opens, and what is said when it cannot."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from staging_core.backends.fsspec_storage import open_storage
from staging_core.errors import HomeUnwritable, MissingExtra, SettingError, UnknownScheme
from staging_core.testing import FakeContext
from staging_core.urls import BackendURL


async def put(url: str, home: Path, key: str = "a/b.png", data: bytes = b"bytes") -> None:
    async def sent() -> AsyncIterator[bytes]:
        yield data

    async with open_storage(BackendURL.parse(url), FakeContext(home)) as storage:
        await storage.put(key, sent(), content_type="image/png")


def open_and_close(url: str, home: Path) -> None:
    async def run() -> None:
        async with open_storage(BackendURL.parse(url), FakeContext(home)):
            pass

    asyncio.run(run())


def test_file_alone_is_the_folder_objects_of_the_home(tmp_path: Path) -> None:
    asyncio.run(put("file:", tmp_path))

    assert (tmp_path / "objects" / "a" / "b.png").read_bytes() == b"bytes"


def test_a_relative_path_counts_from_where_the_process_was_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    asyncio.run(put("file:photos", tmp_path / "home"))

    assert (tmp_path / "photos" / "a" / "b.png").read_bytes() == b"bytes"


def test_an_object_is_a_plain_file_and_nothing_lies_beside_it(tmp_path: Path) -> None:
    asyncio.run(put(f"file:{tmp_path}", tmp_path))

    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [tmp_path / "a" / "b.png"]


def test_two_memory_storages_share_nothing(tmp_path: Path) -> None:
    async def run() -> list[str]:
        url = BackendURL.parse("memory:")
        await put("memory:", tmp_path)
        async with open_storage(url, FakeContext(tmp_path)) as storage:
            return [stored.key async for stored in storage.entries("")]

    assert asyncio.run(run()) == []


def test_an_unwritable_home_is_named(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.write_text("a file where the folder should be")

    with pytest.raises(HomeUnwritable, match="objects"):
        open_and_close("file:", home)


def test_an_unwritable_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="/proc/photos cannot be written"):
        open_and_close("file:/proc/photos", tmp_path)


def test_a_scheme_that_nobody_knows_is_named(tmp_path: Path) -> None:
    with pytest.raises(UnknownScheme, match="nobody:"):
        open_and_close("nobody://bucket", tmp_path)


def test_a_missing_package_comes_with_its_install_command(tmp_path: Path) -> None:
    with pytest.raises(MissingExtra) as error:
        open_and_close("gs://bucket", tmp_path)

    assert "gcsfs" in error.value.remedy
