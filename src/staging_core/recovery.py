"""Sweeps: what nobody did, is done here; each is idempotent and safe to repeat.

One process at a time sweeps, by a lease row. Jobs whose worker died need no sweep of their own:
a claim takes every due job whose lease has run out.
"""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections import Counter
from typing import Any
from uuid import uuid4

from .account_closing import delete_closed
from .database import (
    accounts,
    audit_log,
    claims,
    creations,
    deliveries,
    files,
    jobs,
    leases,
    ledger,
    outbox,
    payment_events,
    reservations,
    spend,
    statistics,
    tickets,
    uploads,
)
from .database.engine import Transaction
from .database.row import Row
from .deletion import clear_deleted
from .errors import DatabaseFailed, JobVerb
from .models import Stored, Wake
from .observation import Observation
from .payments.comparison import Comparison
from .payments.ending import Ending
from .payments.following import Following
from .payments.metering import Metering
from .payments.unfinished import Unfinished
from .ports import Ports
from .predictions import Predictions
from .reception import Reception
from .settled_elsewhere import tell_settled
from .settlement import end_job
from .submission import nudge

log = logging.getLogger("staging_core")

_BUCKET_EVERY_S = 3600.0
_MODEL_MISSING_S = 3600.0
_WEBHOOKS_KEPT_S = 30 * 86_400.0
_PAYMENT_EVENTS_KEPT_S = 30 * 86_400.0  # providers know an event no longer themselves
_DEEDS = {"delete_object": (3600.0, math.inf), "cancel_prediction": (60.0, 3600.0)}
"""By kind, the longest pause between two tries, and when a deed has lost its sense."""


class StagerMissing(JobVerb):
    """No worker has the job's model any more."""

    code = "stager_missing"
    remedy_hint = "Open the model again in the setting `stager`, then submit once more."


class Recovery:
    """The sweeps of one process."""

    def __init__(self, ports: Ports) -> None:
        self.ports = ports
        self._predictions = Predictions(ports)
        self._reception = Reception(ports)
        self._following = Following(ports)
        self._unfinished = Unfinished(ports)
        self._ending = Ending(ports)
        self._owner = uuid4().hex
        self._observation = Observation(ports, self._owner)
        self._bucket_checked = time.monotonic()

    async def sweep(self, *, bucket: bool = False) -> dict[str, int]:
        """Do what is due, unless another process is at it; what was done, counted by name.

        ``bucket``: compare storage and rows now, and not only once an hour.
        """
        if not await self._lead():
            return {}
        began = time.perf_counter()
        with self.ports.telemetry.span("staging.sweep"):
            done = await self._swept(bucket=bucket)
        self._tell(done, time.perf_counter() - began)
        return done

    def _tell(self, done: dict[str, int], seconds: float) -> None:
        telemetry = self.ports.telemetry
        telemetry.measure("staging.sweep.duration", seconds)
        for deed, times in done.items():
            if times:
                telemetry.count("staging.sweep.done", times, deed=deed)

    async def _swept(self, *, bucket: bool) -> dict[str, int]:
        done = {
            "nudged": await self.nudge(),
            "models_missing": await self.give_up_missing_models(),
            "callbacks_read": await self._reception.read_again(),
            "predictions_found": await self._predictions.look(),
            "images_cleared": await clear_deleted(self.ports),
            "payments_ended": await self._ending.end(),
            "accounts_deleted": await delete_closed(self.ports),
            "holds_settled": await self.settle_holds(),
            "reservations_told": await tell_settled(self.ports),
            "uploads_expired": await self.expire_uploads(),
            "files_expired": await self.expire_files(),
            "outbox": await self.empty_outbox(),
            **await self.follow_payments(),
            "purchases_settled": await self._unfinished.settle(),
            **await self.follow_payments(),
        }
        if bucket or time.monotonic() - self._bucket_checked > _BUCKET_EVERY_S:
            self._bucket_checked = time.monotonic()
            done["orphans"] = await self.drop_orphans()
            await self._reception.forget()
            done["balances_expired"] = await self.expire_balances()
            await self.forget_tickets()
            done["audit_log_dropped"] = await self.forget_acts()
            done["webhooks_forgotten"] = await self.forget_webhooks()
            done["payment_events_forgotten"] = await self.forget_payment_events()
            await self.forget_spend()
        return done

    async def follow_payments(self) -> dict[str, int]:
        """Look at what a payment provider told of, and tell it what is charged afterwards."""
        return {
            "payments_differing": await Comparison(self.ports).when_due(),
            "payments_over": await self._following.renewed(),
            "payments_followed": await self._following.follow(),
            "overage_told": await Metering(self.ports).tell(),
        }

    async def _lead(self) -> bool:
        seconds = max(3 * self.ports.settings.sweep_s, 10.0)
        async with self.ports.database.write() as tx:
            for model in self.ports.stagers:
                await leases.hear(tx, f"model:{model}", seconds=_MODEL_MISSING_S)
            return await leases.take(tx, "sweep", owner=self._owner, seconds=seconds)

    async def give_back(self) -> None:
        """Let another process sweep at once; called when this one closes."""
        try:
            async with self.ports.database.write() as tx:
                await leases.give_back(tx, "sweep", owner=self._owner)
        except DatabaseFailed:
            log.info("the sweep's lease was not given back, it runs out", exc_info=True)

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
            for job in stuck:
                error = StagerMissing(f"The model {job['model']} is not open here any more.")
                await end_job(tx, job, error)
        return len(stuck)

    async def _is_gone(self, tx: Transaction, model: str) -> bool:
        return await leases.unheard(tx, f"model:{model}", seconds=_MODEL_MISSING_S)

    async def settle_holds(self) -> int:
        """Settle what jobs held that a worker of an earlier version has ended."""
        async with self.ports.database.write() as tx:
            return await ledger.settle_late(tx) + await reservations.settle_late(tx)

    async def expire_balances(self) -> int:
        """Take what is left of allowances whose period is over; of how many accounts."""
        async with self.ports.database.read() as tx:
            over = await ledger.expiring(tx)
        for account_id in over:
            async with self.ports.database.write(account_id) as tx:
                await accounts.hold(tx, account_id)
                await ledger.expire(tx, account_id)
        return len(over)

    async def expire_uploads(self) -> int:
        """Uploads that nobody used in time are gone; their files go by themselves."""
        async with self.ports.database.write() as tx:
            await creations.expire(tx)
            return await uploads.expire(tx)

    async def expire_files(self) -> int:
        """Objects that were only intended, and whose time is over, are to be deleted."""
        async with self.ports.database.write() as tx:
            return await files.expire(tx)

    async def forget_tickets(self) -> None:
        """Drop tickets that nobody used in time."""
        async with self.ports.database.write() as tx:
            await tickets.forget(tx)

    async def forget_acts(self) -> int:
        """Drop entries of the audit log whose time is over."""
        async with self.ports.database.write() as tx:
            return await audit_log.forget(tx, keep_s=self.ports.settings.audit_log_s)

    async def forget_spend(self) -> None:
        """Drop what caps on provider cost counted long ago."""
        async with self.ports.database.write() as tx:
            await spend.forget(tx)

    async def forget_webhooks(self) -> int:
        """Drop old deliveries with their tries; what is still to be delivered stays."""
        forgotten = 0
        while True:
            async with self.ports.database.write() as tx:
                some = await deliveries.forget(tx, before=tx.now - _WEBHOOKS_KEPT_S)
            forgotten += some
            if not some:
                return forgotten

    async def forget_payment_events(self) -> int:
        """Drop events of a payment provider that were followed long ago."""
        async with self.ports.database.write() as tx:
            return await payment_events.forget(tx, before=tx.now - _PAYMENT_EVENTS_KEPT_S)

    async def empty_outbox(self) -> int:
        """Do the deeds that transactions left behind; one that fails is tried again later."""
        async with self.ports.database.read() as tx:
            deeds = await outbox.due(tx)
        # Side by side: a provider that hangs holds up its own deeds only.
        return sum(await asyncio.gather(*(self._do(deed) for deed in deeds)))

    async def _do(self, deed: Row) -> bool:
        try:
            await self._deed(deed["kind"], deed["payload"])
        except Exception as error:
            failed = f"{type(error).__name__}: {error}"
            log.warning("outbox: %s failed: %s", deed["kind"], failed, exc_info=error)
            async with self.ports.database.write() as tx:
                longest_s, give_up_s = _DEEDS[deed["kind"]]
                if tx.now - deed["created_at"] < give_up_s:
                    await outbox.later(
                        tx, deed["id"], min(2.0 ** min(deed["tries"], 20), longest_s)
                    )
                    return False
        async with self.ports.database.write() as tx:
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

    async def drop_orphans(self) -> int:
        """Delete objects of ours, older than the grace time, that no row knows; count the rest."""
        async with self.ports.database.read() as tx:
            oldest = tx.now - self.ports.settings.orphan_grace_s
        objects, sizes = Counter[str](), Counter[str]()
        dropped = 0
        for folder in files.FOLDERS:
            objects[folder] = sizes[folder] = 0
            dropped += await self._drop_orphans_in(folder, oldest, objects, sizes)
        async with self.ports.database.write() as tx:
            await statistics.measured(tx, dict(objects), dict(sizes))
        return dropped

    async def _drop_orphans_in(
        self, folder: str, oldest: float, objects: Counter[str], sizes: Counter[str]
    ) -> int:
        batch: list[Stored] = []
        dropped = 0
        async for stored in self.ports.storage.entries(folder):
            objects[folder] += 1
            sizes[folder] += stored.size
            if stored.modified < oldest and files.is_ours(stored.key):
                batch.append(stored)
            if len(batch) == 500:
                dropped += await self._drop_unknown(batch)
                batch = []
        return dropped + await self._drop_unknown(batch)

    async def _drop_unknown(self, batch: list[Stored]) -> int:
        async with self.ports.database.read() as tx:
            known = await files.known(tx, [stored.key for stored in batch])
        unknown = [stored.key for stored in batch if stored.key not in known]
        for key in unknown:
            await self.ports.storage.delete(key)
        return len(unknown)

    # --- plugins that watch ---------------------------------------------------------------------

    async def observe(self) -> int:
        """See ``Observation``."""
        return await self._observation.observe()


async def sweep_forever(recovery: Recovery) -> None:
    """Sweep and show events at the interval of the settings until cancelled; failures only wait."""
    while True:
        try:
            await recovery.sweep()
            await recovery.observe()
        except Exception:
            log.warning("sweep failed", exc_info=True)
        await asyncio.sleep(recovery.ports.settings.sweep_s)
