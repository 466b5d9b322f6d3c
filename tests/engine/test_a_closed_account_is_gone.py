"""An account that is deleted is gone, whenever the process dies that deletes it."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import sqlalchemy as sa

from staging_core import OWNER, Principal
from staging_core.acting import Images
from staging_core.audit import SOUND, Audit
from staging_core.database import account_rows
from staging_core.database.tables import audit_log
from staging_core.imaging.decoder import Decoder
from staging_core.testing.fake_stager import FakeStager

from .closing import close, furnish
from .crashing import Crash, Cut
from .house import House
from .installation import installation
from .pictures import photo

OTHER = Principal(account_id="another", user_id="otto")
STEP = 5


async def left_of(house: House, account_id: str) -> list[str]:
    """The tables that have a row of the account."""
    async with house.ports.database.read() as tx:
        return [
            table.name
            for table in account_rows.tables()
            if await account_rows.page(tx, table, account_id, after=None, limit=1)
        ]


async def check(house: House) -> None:
    """Nothing is left but the entry that tells of it, and nothing of anybody else is touched."""
    assert await left_of(house, OWNER.account_id) == []
    async with house.ports.database.read() as tx:
        entries = await tx.rows(sa.select(audit_log))
    assert [entry["action"] for entry in entries] == ["account.deleted"]
    assert list(entries[0]["before"]["usage"].values()) == [1]
    (image,) = await Images(house.ports, OTHER).page()
    keys = {entry.key async for entry in house.ports.storage.entries("")}
    assert image.original_key in keys
    folder = image.original_key.split("/")[1]
    assert all(folder in key for key in keys), keys
    assert await Audit(house.ports).count() == SOUND


def test_an_account_is_gone_wherever_the_process_dies_that_deletes_it() -> None:
    async def scenario() -> None:
        async with Decoder() as decoder:
            at, whole = 1, False
            while not whole:
                async with installation(decoder, FakeStager()) as (house, _):
                    other = Images(house.ports, OTHER)
                    await other.submit(photo(7), room="bedroom", style="modern")
                    await furnish(house)
                    with suppress(Crash):
                        await close(house, Cut(at))
                        whole = True
                    house.clock.ahead += 60  # until nobody believes in the dead one any more
                    await close(house, Cut())
                    await check(house)
                at += STEP

    asyncio.run(scenario())
