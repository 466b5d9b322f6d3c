"""Sweeps: what nobody did, is done here; each is idempotent and safe to repeat.

One process at a time sweeps, by a lease row. Jobs whose worker died need no sweep of their own:
a claim takes every due job whose lease has run out.
"""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import uuid4

from .account_closing import delete_closed
from .database import (
    claims,
    creations,
    files,
    jobs,
    leases,
    ledger,
    outbox,
    reservations,
    uploads,
)
from .database.engine import Transaction
from .database.row import Row
from .deletion import clear_deleted
from .errors import Busy, DatabaseFailed, JobVerb
from .models import Wake
from .observation import Observation
from .payments.ending import Ending
from .payments.following import Following
from .payments.metering import Metering
from .payments.unfinished import Unfinished
from .ports import Ports
from .predictions import Predictions
from .reception import Reception
from .settled_elsewhere import tell_settled
from .settlement import busy_pause_s, end_job, tell_end
from .submission import nudge
from .tally import Tally
from .upkeep import Upkeep

log = logging.getLogger("staging_core")

_Deeds = tuple[tuple[str, Callable[[], Awaitable[int]]], ...]
_JOBS, _MONEY = "sweep", "payments"
"""The names of their leases."""

_MODEL_MISSING_S = 3600.0
_LOOK_EVERY_S = 30.0
_DEEDS = {"delete_object": (3600.0, math.inf), "cancel_prediction": (60.0, 65)}
"""By kind, the longest pause between two tries, and after how many a deed has lost its sense.

Tries and not a time, as nobody asks anything while no worker runs: 65 of them take an hour.
"""


class StagerMissing(JobVerb):
    """No worker has the job's model any more."""

    code = "stager_missing"
    remedy_hint = "Open the model again in the setting `stager`, then submit once more."


def _missing(job: Row) -> StagerMissing:
    return StagerMissing(f"The model {job['model']} is not open here any more.")


class Recovery:
    """The sweeps of one process."""

    def __init__(self, ports: Ports) -> None:
        self.ports = ports
        self._predictions = Predictions(ports)
        self._upkeep = Upkeep(ports)
        self._owner = uuid4().hex
        self._observation = Observation(ports, self._owner)
        self._unknown_kinds: set[str] = set()
        following = Following(ports)
        # A look at what a payment provider told of, then what is charged afterwards is told it.
        looks: _Deeds = (
            ("payments_over", following.renewed),
            ("payments_followed", following.follow),
            ("overage_told", Metering(ports).tell),
        )
        self._money: _Deeds = (
            ("payments_ended", Ending(ports).end),
            ("holds_settled", self.settle_holds),
            ("reservations_told", lambda: tell_settled(ports)),
            *looks,
            ("purchases_settled", Unfinished(ports).settle),
            *looks,
        )
        self._deeds: _Deeds = (
            ("nudged", self.nudge),
            ("models_missing", self.give_up_missing_models),
            ("callbacks_read", Reception(ports).read_again),
            ("predictions_found", self._predictions.look),
            ("images_cleared", lambda: clear_deleted(ports)),
            ("accounts_deleted", lambda: delete_closed(ports)),
            ("uploads_expired", self.expire_uploads),
            ("files_expired", self.expire_files),
            ("outbox", self.empty_outbox),
        )

    async def sweep(self, *, bucket: bool = False) -> dict[str, int]:
        """Do what is due, unless another process is at it; what was done, counted by name.

        Each deed is on its own: ``failed`` counts those that did not work, which the log tells of.
        What is due once an hour is done too; ``bucket``: now. See ``Upkeep``.
        """
        tally = Tally(self.ports)
        await self.do_payments(tally)
        if not await self.do_deeds(tally):
            return {}
        await self.keep_up(tally, at_once=bucket)
        return {**tally.done, "failed": len(tally.failed)}

    async def do_deeds(self, tally: Tally) -> bool:
        """What jobs want at every sweep; False when another process is at it."""
        if not await self._lead(_JOBS):
            return False
        began = time.perf_counter()
        with self.ports.telemetry.span("staging.sweep"):
            for name, deed in self._deeds:
                await tally.of(name, deed)
        self.ports.telemetry.measure("staging.sweep.duration", time.perf_counter() - began)
        tally.tell()
        return True

    async def do_payments(self, tally: Tally) -> None:
        """What is asked of those who are paid, unless another process is at it.

        Apart from jobs: one of them that hangs keeps no lost answer of a model from being found.
        """
        if await self._lead(_MONEY):
            for name, deed in self._money:
                await tally.of(name, deed)
            tally.tell()

    async def keep_up(self, tally: Tally, *, at_once: bool = False) -> None:
        """What is due once an hour, whoever sweeps; ``at_once``: now."""
        await tally.of("upkeep", lambda: self._upkeep.do(tally, at_once=at_once))
        tally.tell()

    async def _lead(self, name: str) -> bool:
        seconds = max(3 * self.ports.settings.sweep_s, 10.0)
        async with self.ports.database.write() as tx:
            for model in self.ports.stagers:
                await leases.hear(tx, f"model:{model}", seconds=_MODEL_MISSING_S)
            return await leases.take(tx, name, owner=self._owner, seconds=seconds)

    async def give_back(self) -> None:
        """Let another process sweep at once; called when this one closes."""
        try:
            async with self.ports.database.write() as tx:
                for name in (_JOBS, _MONEY):
                    await leases.give_back(tx, name, owner=self._owner)
        except DatabaseFailed:
            log.info("the sweeps' leases were not given back, they run out", exc_info=True)

    async def nudge(self) -> int:
        """Poke for every job that wants a worker: a flushed queue loses nothing."""
        async with self.ports.database.read() as tx:
            waiting = await claims.due(tx)
        nudged = 0
        for job in waiting:
            if not await nudge(self.ports, Wake(job_id=job["id"], lane=job["lane"])):
                break
            nudged += 1
        return nudged

    async def give_up_missing_models(self) -> int:
        """End jobs whose model no sweeping process has had for an hour, ours or another."""
        async with self.ports.database.write() as tx:
            waiting = await jobs.without_model(
                tx, list(self.ports.stagers), waited_s=_MODEL_MISSING_S
            )
            models = {job["model"] for job in waiting}
            gone = {model for model in models if await self._is_gone(tx, model)}
            stuck = [job for job in waiting if job["model"] in gone]
            ended = [await end_job(tx, job, _missing(job)) for job in stuck]
        for job in ended:
            tell_end(self.ports, job)
        return len(ended)

    async def _is_gone(self, tx: Transaction, model: str) -> bool:
        return await leases.unheard(tx, f"model:{model}", seconds=_MODEL_MISSING_S)

    async def settle_holds(self) -> int:
        """Settle what jobs held that a worker of an earlier version has ended."""
        async with self.ports.database.write() as tx:
            return await ledger.settle_late(tx) + await reservations.settle_late(tx)

    async def expire_uploads(self) -> int:
        """Uploads that nobody used in time are gone; their files go by themselves."""
        async with self.ports.database.write() as tx:
            await creations.expire(tx)
            return await uploads.expire(tx)

    async def expire_files(self) -> int:
        """Objects that were only intended, and whose time is over, are to be deleted."""
        async with self.ports.database.write() as tx:
            return await files.expire(tx)

    async def empty_outbox(self) -> int:
        """Do the deeds that transactions left behind; one that fails is tried again later.

        A kind that this version does not know is left to the newer one that wrote it.
        """
        async with self.ports.database.read() as tx:
            deeds = await outbox.due(tx, _DEEDS)
            unknown = set(await outbox.others(tx, _DEEDS)) - self._unknown_kinds
        for kind in unknown:
            log.warning("outbox: %s is left to a newer version", kind)
        self._unknown_kinds |= unknown
        # Side by side: a provider that hangs holds up its own deeds only.
        return sum(await asyncio.gather(*(self._do(deed) for deed in deeds)))

    async def _do(self, deed: Row) -> bool:
        """Whether nothing is left to do of it; one that fails keeps no other from being done."""
        try:
            try:
                await self._deed(deed["kind"], deed["payload"])
            except Exception as error:
                failed = f"{type(error).__name__}: {error}"
                log.warning("outbox: %s failed: %s", deed["kind"], failed, exc_info=error)
                return await self._later(deed, error)
            async with self.ports.database.write() as tx:
                await outbox.done(tx, deed["id"])
        except Exception:
            # Whatever it is: what could not be written down is due again, and others are not held.
            log.warning("outbox: %s is done again", deed["kind"], exc_info=True)
            return False
        return True

    async def _later(self, deed: Row, error: Exception) -> bool:
        """Again after a while; True when it has lost its sense and is given up."""
        longest_s, most_tries = _DEEDS[deed["kind"]]
        async with self.ports.database.write() as tx:
            if deed["tries"] < most_tries:
                pause_s = min(2.0 ** min(deed["tries"], 20), longest_s)
                if isinstance(error, Busy):
                    pause_s = max(pause_s, busy_pause_s(error))
                await outbox.later(tx, deed["id"], pause_s)
                return False
            if deed["kind"] == "cancel_prediction":  # it has ended by itself, at some cost
                await self._predictions.assume_cost(tx, deed["payload"])
            await outbox.done(tx, deed["id"])
        return True

    async def _deed(self, kind: str, payload: dict[str, Any]) -> None:
        """Doing it twice is doing it once."""
        if kind == "delete_object":
            await self._delete(payload["key"])
        else:
            await self._predictions.cancel(**payload)

    async def _delete(self, key: str) -> None:
        """Unless somebody has put it again since, as is done with what can be made again."""
        async with self.ports.database.read() as tx:
            wanted = await files.is_there(tx, key)
        if not wanted:
            await self.ports.storage.delete(key)

    # --- plugins that watch ---------------------------------------------------------------------

    async def observe(self) -> int:
        """See ``Observation``."""
        return await self._observation.observe()


async def sweep_forever(recovery: Recovery) -> None:
    """Sweep and show events until cancelled."""

    async def sweep() -> None:
        await recovery.do_deeds(Tally(recovery.ports))
        await recovery.observe()

    await _again_and_again(recovery, sweep)


async def pay_forever(recovery: Recovery) -> None:
    """Ask those who are paid until cancelled."""
    await _again_and_again(recovery, lambda: recovery.do_payments(Tally(recovery.ports)))


async def _again_and_again(recovery: Recovery, sweep: Callable[[], Awaitable[None]]) -> None:
    """At the interval of the settings."""
    while True:
        try:
            await sweep()
        except Exception:
            # Whatever it is, such as a database that is away: the next one does what is due.
            log.warning("sweep failed", exc_info=True)
        await asyncio.sleep(recovery.ports.settings.sweep_s)


async def keep_up_forever(recovery: Recovery) -> None:
    """Do what is due once an hour until cancelled: beside the sweeps, as a long list takes long."""
    while True:
        await recovery.keep_up(Tally(recovery.ports))
        await asyncio.sleep(max(recovery.ports.settings.sweep_s, _LOOK_EVERY_S))
