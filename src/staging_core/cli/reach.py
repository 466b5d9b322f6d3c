"""Whether rows, wakes and providers' reports reach us; what ``staging doctor`` tries."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress

from staging_core import Staging
from staging_core.errors import StagingError
from staging_core.interfaces import Consumes, Queue, Reaches, ReceivesCallbacks, supports
from staging_core.models import Inspected, Wake

_LANE = "doctor"  # no model's
_PATIENCE_S = 15.0
"""The first wake loads the queue's package, which takes a while on a busy machine."""


async def database_answers(staging: Staging) -> str:
    """Read the clock of the database, by which leases are judged."""
    database, began = staging.ports.database, time.monotonic()
    async with database.read() as tx:
        ahead_s = tx.now - time.time()
    took_ms = (time.monotonic() - began) * 1000
    return (
        f"{database.place.described}, answers in {took_ms:.0f} ms, "
        f"its clock is {ahead_s:+.1f} s off ours"
    )


async def wake_arrives(staging: Staging) -> str:
    """Poke for a job that does not exist, in a lane of our own, and wait for the wake."""
    queue = staging.ports.queue
    consumes = supports(queue, Consumes)
    try:
        if consumes is None:
            await queue.poke(Wake(job_id="doctor", lane=_LANE))
            return "took a wake; it does not hand them out itself"
        took_ms = await _round_trip(queue, consumes)
    except Exception as error:  # a driver's, whichever it is
        raise StagingError(
            f"No wake came through the queue ({type(error).__name__}).",
            remedy="Check the setting `queue` and its server; until then jobs wait for a sweep.",
        ) from error
    return f"a wake came through in {took_ms:.0f} ms"


async def _round_trip(queue: Queue, consumes: Consumes) -> float:
    arrived = asyncio.Event()

    async def handle(wake: Wake) -> None:
        arrived.set()

    consuming = asyncio.create_task(
        consumes.consume(handle, lanes=frozenset({_LANE}), concurrency=1)
    )
    try:
        began = time.monotonic()
        async with asyncio.timeout(_PATIENCE_S):
            await queue.poke(Wake(job_id="doctor", lane=_LANE))
            await arrived.wait()
        return (time.monotonic() - began) * 1000
    finally:
        consuming.cancel()
        with suppress(asyncio.CancelledError):
            await consuming


def reports_arrive(staging: Staging) -> Inspected | None:
    """Whether there is an address for the reports of models that answer later; None without one."""
    stagers, address = staging.ports.stagers.items(), staging.settings.public_url
    reporting = [name for name, stager in stagers if supports(stager, ReceivesCallbacks)]
    if not reporting:
        return None
    mute = [name for name, stager in stagers if name in reporting and not _reaches(stager, address)]
    if not mute:
        message = f"{', '.join(reporting)} report to {address}/api/v1/callbacks"
        return Inspected(name="callbacks", level="ok", message=message)
    return Inspected(
        name="callbacks",
        level="advice",
        message=f"{', '.join(mute)} cannot report to us, so every prediction is polled.",
        remedy="Set STAGING_PUBLIC_URL to where providers reach `staging_app`.",
    )


def _reaches(stager: object, address: str | None) -> bool:
    """Whether the model's provider calls back at our address, as far as that tells."""
    knows = supports(stager, Reaches)
    return address is not None and (knows is None or knows.reaches(address))
