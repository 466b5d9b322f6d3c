"""The audit compares any number of results with what is in the storage, some at a time."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from staging_core import OWNER
from staging_core.acting import Images
from staging_core.audit import SOUND, Audit, objects
from staging_core.photo import once

from .house import staged_house


def test_results_that_are_missing_or_another_are_counted_wherever_they_come(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(objects, "AT_ONCE", 2)

    async def scenario() -> None:
        async with staged_house(tmp_path, variants=5) as house:
            assert await Audit(house.ports).count() == SOUND
            images = sorted(await Images(house.ports, OWNER).page(), key=lambda image: image.id)
            keys = [image.staged_key for image in images]
            assert None not in keys
            await house.ports.storage.delete(str(keys[1]))
            await house.ports.storage.put(str(keys[4]), once(b"x"), content_type="image/png")
            assert await Audit(house.ports).count() == {**SOUND, "I6": 2}

    asyncio.run(scenario())


def test_objects_that_no_row_knows_are_counted_wherever_they_come(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(objects, "KEYS_AT_ONCE", 3)

    async def scenario() -> None:
        async with staged_house(tmp_path, variants=4) as house:
            (key, *_) = [image.staged_key for image in await Images(house.ports, OWNER).page()]
            for number in range(4):
                strange = str(key).replace("-0.", f"-{number + 7}.")
                await house.ports.storage.put(strange, once(b"x"), content_type="image/png")
            house.clock.ahead += house.ports.settings.orphan_grace_s + 60
            assert await Audit(house.ports).count() == {**SOUND, "I6": 4}

    asyncio.run(scenario())
