"""A credit service outside is told what became of what it holds, after the commit that says so.

Whether it was told may stay unknown; telling it again changes nothing. So it is told until it
answers, with growing pauses, however long that takes.
"""

from __future__ import annotations

import asyncio
import logging
import time

from .database import reservations
from .database.row import Row
from .interfaces import ReservesElsewhere, supports
from .models import Settlement
from .ports import Ports

log = logging.getLogger("staging_core")

_AT_ONCE = 16
_CALL_S = 20.0
_LEASE_S = 120.0
_LONGEST_S = 3600.0


async def tell_settled(ports: Ports, *, within_s: float = 5.0) -> int:
    """Tell the service what is due; of how many reservations it knows now.

    While it answers to none of some, it is left alone until the next sweep.
    """
    service = supports(ports.billing, ReservesElsewhere)
    if service is None:
        return 0
    until, known = time.monotonic() + within_s, 0
    while time.monotonic() < until:
        async with ports.database.write() as tx:
            due = await reservations.claim(tx, service.source, lease_s=_LEASE_S, limit=_AT_ONCE)
        answered = await asyncio.gather(*(_tell(ports, service, row) for row in due))
        known += sum(answered)
        if not any(answered):
            break
    return known


async def _tell(ports: Ports, service: ReservesElsewhere, row: Row) -> bool:
    try:
        async with asyncio.timeout(_CALL_S):
            await service.settle(_settlement(row))
    except Exception:
        # Whatever a backend raises, the service may know of it or not: it is told again.
        log.warning("reservation %s: the credit service was not told", row["id"], exc_info=True)
        async with ports.database.write() as tx:
            await reservations.later(tx, row, min(2.0 ** min(row["tries"], 20), _LONGEST_S))
        return False
    async with ports.database.write() as tx:
        await reservations.told(tx, row)
    return True


def _settlement(row: Row) -> Settlement:
    captured = row["images"] if row["state"] == "captured" else 0
    return Settlement(
        reservation_id=row["id"], captured=captured, released=row["images"] - captured
    )
