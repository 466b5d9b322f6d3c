"""What is done once an hour: storage and rows compared, and what is old forgotten.

When each duty is due stands in the database: an installation that only a scheduler sweeps, or whose
workers often start anew, does them as often as one whose worker runs for months.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from uuid import uuid4

from .database import (
    accounts,
    audit_log,
    deliveries,
    files,
    leases,
    ledger,
    payment_events,
    spend,
    statistics,
    tickets,
)
from .interfaces import Tidies, supports
from .models import Stored
from .ports import Ports
from .reception import Reception
from .tally import Tally

_EVERY_S = 3600.0
_AGAIN_S = 900.0
_WEBHOOKS_KEPT_S = 30 * 86_400.0
_PAYMENT_EVENTS_KEPT_S = 30 * 86_400.0  # providers know an event no longer themselves

Duty = Callable[[], Awaitable[int | None]]


class Upkeep:
    """The duties, each once an hour by whichever process sweeps.

    One that failed, or whose process was killed meanwhile, comes sooner again.
    """

    def __init__(self, ports: Ports) -> None:
        self.ports = ports
        self._duties: dict[str, Duty] = {
            "orphans": self.drop_orphans,
            "partials_dropped": self.drop_partials,
            "callbacks_forgotten": Reception(ports).forget,
            "balances_expired": self.expire_balances,
            "tickets_forgotten": self.forget_tickets,
            "audit_log_dropped": self.forget_acts,
            "webhooks_forgotten": self.forget_webhooks,
            "payment_events_forgotten": self.forget_payment_events,
            "spend_forgotten": self.forget_spend,
        }

    async def do(self, tally: Tally, *, at_once: bool) -> None:
        """Do what is due, or everything."""
        due = await self._taken(at_once=at_once)
        done = [name for name in due if await tally.of(name, self._duties[name])]
        if done:
            await self._rest(done, _EVERY_S)

    async def _taken(self, *, at_once: bool) -> list[str]:
        """What is due, by no other process, nor soon again: one that takes long is begun once."""
        due = list(self._duties)
        if at_once:
            await self._rest(due, _AGAIN_S)
            return due
        async with self.ports.database.read() as tx:
            resting = await leases.held(tx, [_lease(name) for name in due])
        if not (due := [name for name in due if _lease(name) not in resting]):
            return due
        taker = uuid4().hex
        async with self.ports.database.write() as tx:
            return [
                name
                for name in due
                if await leases.take(tx, _lease(name), owner=taker, seconds=_AGAIN_S)
            ]

    async def _rest(self, duties: Iterable[str], seconds: float) -> None:
        async with self.ports.database.write() as tx:
            for name in duties:
                await leases.rest(tx, _lease(name), seconds=seconds)

    # --- the duties -----------------------------------------------------------------------------

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

    async def drop_partials(self) -> int:
        """Remove what killed processes left in the storage of objects that never became any."""
        tidies = supports(self.ports.storage, Tidies)
        if tidies is None:
            return 0
        async with self.ports.database.read() as tx:
            oldest = tx.now - self.ports.settings.orphan_grace_s
        return await tidies.tidy(before=oldest)

    async def expire_balances(self) -> int:
        """Take what is left of allowances whose period is over; of how many accounts."""
        async with self.ports.database.read() as tx:
            over = await ledger.expiring(tx)
        for account_id in over:
            async with self.ports.database.write(account_id) as tx:
                await accounts.hold(tx, account_id)
                await ledger.expire(tx, account_id)
        return len(over)

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


def _lease(duty: str) -> str:
    return f"upkeep:{duty}"
