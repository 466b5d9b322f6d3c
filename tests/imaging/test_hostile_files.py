"""Files that are no photos get the error they deserve, and leave nothing behind."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from staging_core.errors import StagingError
from staging_core.imaging.decoder import Decoder
from staging_core.imaging.intake import examine
from staging_core.imaging.limits import Limits
from staging_core.testing.hostile import HostileFile, hostile_files

from .processes import children

FILES = list(hostile_files())


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_the_header_gives_it_away_where_it_can(file: HostileFile) -> None:
    data = file.build()
    if file.in_header:
        with pytest.raises(StagingError) as caught:
            examine(data, Limits())
        assert caught.value.code == file.code
        assert caught.value.remedy
    else:
        examine(data, Limits())


def test_decoding_refuses_every_one_and_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    before = children()

    async def scenario() -> dict[str, str]:
        async with Decoder() as decoder:
            return {file.name: await _code(decoder, file.build()) for file in FILES}

    assert asyncio.run(scenario()) == {file.name: file.code for file in FILES}
    assert children() == before
    assert list(tmp_path.iterdir()) == []


def test_a_bomb_that_gets_past_the_header_meets_the_memory_limit() -> None:
    bomb = next(file for file in FILES if file.name == "bomb-400-megapixels.png")
    blind = Limits(max_pixels=10**9, max_side=10**6, max_memory=400_000_000)

    async def scenario() -> list[str]:
        async with Decoder(limits=blind) as decoder:
            bomb_code = await _code(decoder, bomb.build())
            return [bomb_code, await _code(decoder, next(iter(FILES)).build())]

    assert asyncio.run(scenario()) == ["picture_too_large", "picture_empty"]


async def _code(decoder: Decoder, data: bytes) -> str:
    try:
        await decoder.working_copy(data)
    except StagingError as error:
        return error.code
    return "accepted"
