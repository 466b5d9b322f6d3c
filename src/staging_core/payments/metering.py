"""Images beyond a plan are told to the provider that charges them: each once.

They are told a minute at a time, when the minute is over. Whether a call arrived may stay unknown:
for a day it is made again under the same key, which has its effect once; later the provider has
forgotten the key, and is first asked what it has of exactly that minute.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import time

from staging_core.database import metering
from staging_core.database.row import Row
from staging_core.interfaces import MetersUsage
from staging_core.ports import Ports

from .provider import provider_of

log = logging.getLogger("staging_core")

MARGIN_S = 300.0
"""So long after a minute nothing is booked into it any more."""

KEY_KNOWN_S = 20 * 3600.0
"""A key is good for a day at least; a call may take a while, and clocks differ."""

_TAKEN_S = 30 * 86_400.0  # providers take no older events
_LEASE_S = 120.0
_CALL_S = 60.0
_LONGEST_S = 3600.0


class Metering:
    """What one process does about overage."""

    def __init__(self, ports: Ports) -> None:
        self.ports = ports

    async def tell(self, *, within_s: float = 5.0) -> int:
        """Tell what was had beyond plans in minutes that are over; how many minutes were told."""
        provider = provider_of(self.ports)
        if provider is None or provider.meters is None:
            return 0
        source, meters = provider.source, provider.meters
        async with self.ports.database.write() as tx:
            since, before = tx.now - _TAKEN_S, tx.now - MARGIN_S
            await metering.close_minutes(tx, source, since=since, before=before)
        until, told = time.monotonic() + within_s, 0
        while time.monotonic() < until and (row := await self._claim(source)):
            told += await self._told(meters, row)
        return told

    async def _claim(self, source: str) -> Row | None:
        async with self.ports.database.write() as tx:
            row = await metering.claim(tx, source, lease_s=_LEASE_S)
            if row is None:
                return None
            first = row["asked_at"] is None
            if first:
                await metering.asked(tx, row)
            known = first or tx.now - row["asked_at"] < KEY_KNOWN_S
            return {**row, "key_known": known, "up_to": await metering.up_to(tx, row)}

    async def _told(self, meters: MetersUsage, row: Row) -> bool:
        try:
            async with asyncio.timeout(_CALL_S):
                await self._tell(meters, row)
        except Exception:
            # It may have arrived; who asks again goes by when it was first asked.
            log.warning("overage of account %s was not told", row["account_id"], exc_info=True)
            async with self.ports.database.write() as tx:
                await metering.later(tx, row, min(2.0 ** min(row["tries"], 20), _LONGEST_S))
            return False
        async with self.ports.database.write() as tx:
            await metering.told(tx, row)
        return True

    async def _tell(self, meters: MetersUsage, row: Row) -> None:
        start = float(row["minute"] * 60)
        if not row["key_known"]:
            has = await meters.metered(row["customer_id"], since=start, until=start + 60)
            if has >= row["up_to"]:
                return
            async with self.ports.database.write() as tx:
                await metering.asked(tx, row)
        at = start if row["had_at"] is None else row["had_at"]
        await meters.meter(row["customer_id"], row["images"], at=at, key=key_of(row))


def key_of(row: Row) -> str:
    """Of the account, the customer, the minute and the part; within 100 characters, always."""
    whose = f"{row['account_id']} {row['customer_id']}"
    name = hashlib.sha256(whose.encode()).hexdigest()[:32]
    return f"overage-{name}-{row['minute']}-{row['part']}"
