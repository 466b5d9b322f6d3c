"""Clients cancel and delete while workers work; nobody is turned away, no step is undone."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from staging_core import OWNER, Staging
from staging_core.audit import SOUND, Audit
from staging_core.errors import AlreadyFinal, NotFound

from .pictures import photo

ROUNDS = 10
AT_ONCE = 8


@pytest.mark.parametrize("database", ["sqlite", "postgresql"], indirect=True)
def test_no_two_transactions_wait_for_each_other(
    tmp_path: Path, database: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    def install(*, worker: bool) -> Staging:
        return Staging(
            home=tmp_path / "home",
            stager="fake:?delay_ms=5",
            plugins=(),
            worker=worker,
            sweep_s=0.5,
            **database,
        )

    async def scenario() -> None:
        async with install(worker=False) as api, install(worker=True) as one:
            async with install(worker=True):
                for number in range(ROUNDS):
                    orders = (order(api, one, AT_ONCE * number + n) for n in range(AT_ONCE))
                    await asyncio.gather(*orders)
            assert await Audit(api.ports).count() == SOUND

    asyncio.run(scenario())
    assert "deadlock" not in caplog.text


async def order(one: Staging, other: Staging, number: int) -> None:
    """An image, which several at once want to be rid of at some moment of its job."""
    me, also_me = one.acting_as(OWNER).images, other.acting_as(OWNER).images
    group = await me.submit(photo(number % 5), room="bedroom", style="modern", seed=number + 1)
    await asyncio.sleep(number % 16 * 0.02)
    deeds = (me.cancel, me.delete, also_me.cancel, also_me.delete)
    chosen = deeds if number % 3 == 2 else deeds[number % 3 :][:1]
    await asyncio.gather(*(tried(deed, group.images[0].id) for deed in chosen))


async def tried(deed: Callable[[str], Awaitable[object]], image_id: str) -> None:
    """It may be over, or gone; nothing else may be said."""
    try:
        await deed(image_id)
    except (AlreadyFinal, NotFound):
        return
