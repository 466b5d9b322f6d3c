"""A full comparison with the provider, and what it could not deliver."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from uuid import uuid4

import msgspec

from staging_core.database import customers, leases, payment_objects, subscriptions
from staging_core.database.engine import Transaction
from staging_core.database.row import Row
from staging_core.models import Paid, PaidCustomer, PaidKind, PaidSubscription, PaymentNotice
from staging_core.ports import Ports
from staging_core.standings import charged_by

from .applying import is_strangers, said
from .overage import change_of
from .provider import Provider, needed, provider_of
from .reports import checked, keep_notice

log = logging.getLogger("staging_core")

KINDS: tuple[PaidKind, ...] = ("customer", "subscription", "purchase")
_EVERY_S = 86_400.0
_AGAIN_S = 900.0
_MISSED_S = 3 * 86_400.0
_AT_ONCE = 100
_LEASE = "payments-compared"
_LEASE_S = 600.0
_LONGEST_S = 12 * 3600.0
_LOOK_EVERY_S = 60.0
_MISSED = "missed"
_PARTS = (_MISSED, *KINDS)


class _LeaseLost(Exception):
    """Another process goes on: this one was away too long."""


class Compared(msgspec.Struct, frozen=True, kw_only=True):
    """What a comparison found. ``missed``: events that had not been delivered, and are kept now.

    Of the rest how many the provider has, and how many of these (or of ours that it has not) were
    not as they are kept here; those are looked at soon. ``paid_twice``: accounts that pay for two
    plans at once, as far as it is known here; the first hundred.
    """

    missed: int = 0
    customers: int = 0
    subscriptions: int = 0
    purchases: int = 0
    differing: int = 0
    paid_twice: tuple[str, ...] = ()


class Comparison:
    """Compares everything that accounts pay with what the provider has."""

    def __init__(self, ports: Ports) -> None:
        self.ports = ports
        self._owner = uuid4().hex

    async def when_due(self) -> int:
        """Once a day, by one process at a time; how many things were not as kept here.

        What was compared in the last day is not compared again, so that one who goes on after
        another that has died begins with the kind at which that one was.
        """
        provider = provider_of(self.ports)
        if provider is None or not (left := await self._left()):
            return 0
        differing = 0
        try:
            async with asyncio.timeout(_LONGEST_S):
                for part in left:
                    differing += await self._part(provider, part)
                    async with self.ports.database.write() as tx:
                        await leases.rest(tx, _mark_of(part), seconds=_EVERY_S)
        except Exception:
            # Whatever a provider's client raises, and however long it takes: it comes again.
            log.warning("payments were not compared, it is tried again", exc_info=True)
            await self._rest(_AGAIN_S)
        else:
            async with self.ports.database.write() as tx:
                await leases.give_back(tx, _LEASE, owner=self._owner)
        if differing:
            deed = "payments_differing"
            self.ports.telemetry.count("staging.sweep.done", differing, deed=deed)
        return differing

    async def _left(self) -> list[str]:
        """What is due and ours to compare."""
        async with self.ports.database.write() as tx:
            done = await leases.held(tx, [_mark_of(part) for part in _PARTS])
            left = [part for part in _PARTS if _mark_of(part) not in done]
            if not left or not await leases.take(tx, _LEASE, owner=self._owner, seconds=_LEASE_S):
                return []
        return left

    async def _part(self, provider: Provider, part: str) -> int:
        if part == _MISSED:
            await self._take_missed(provider)
            return 0
        kind = next(kind for kind in KINDS if kind == part)
        return (await self._compared(provider, kind, ours=True))[1]

    async def _go_on(self, seconds: float) -> None:
        """Keep others from it for so long; ``LeaseLost`` when another has gone on with it."""
        async with self.ports.database.write() as tx:
            if not await leases.take(tx, _LEASE, owner=self._owner, seconds=seconds):
                raise _LeaseLost

    async def _rest(self, seconds: float) -> None:
        """Nobody compares for so long, this process neither; ``LeaseLost`` as in ``_go_on``."""
        async with self.ports.database.write() as tx:
            if not await leases.take(tx, _LEASE, owner=self._owner, seconds=seconds):
                raise _LeaseLost
            await leases.rest(tx, _LEASE, seconds=seconds)

    async def compare(self) -> Compared:
        """Mark all that is not here as the provider has it, and take what it could not deliver.

        ``ServiceUnavailable`` where nothing is paid through a provider; what the provider raises.
        """
        provider = needed(self.ports)
        missed = await self._take_missed(provider)
        found = {kind: await self._compared(provider, kind) for kind in KINDS}
        return Compared(
            missed=missed,
            customers=found["customer"][0],
            subscriptions=found["subscription"][0],
            purchases=found["purchase"][0],
            differing=sum(differing for _, differing in found.values()),
            paid_twice=await paid_twice(self.ports),
        )

    async def _take_missed(self, provider: Provider) -> int:
        async with self.ports.database.read() as tx:
            since = tx.now - _MISSED_S
        missed = provider.reports.missed(since=since)
        return sum([await self._keep(provider, notice) async for notice in missed])

    async def _keep(self, provider: Provider, notice: PaymentNotice) -> bool:
        async def keep(tx: Transaction) -> bool:
            return await keep_notice(tx, provider.source, checked(notice))

        return await self.ports.database.transact(None, keep)

    async def _compared(
        self, provider: Provider, kind: PaidKind, *, ours: bool = False
    ) -> tuple[int, int]:
        """How many of a kind the provider has, and how many were not as they are kept here.

        ``ours``: by a lease, which is to be kept.
        """
        listed: set[str] = set()
        differing = 0
        async for batch in _batches(provider.reports.all_of(kind, since=0.0)):
            if ours:
                await self._go_on(_LEASE_S)
            listed |= {paid.id for paid in batch}
            differing += await self._mark_differing(provider.source, kind, batch)
        return len(listed), differing + await self._mark_unlisted(provider.source, kind, listed)

    async def _mark_differing(self, source: str, kind: PaidKind, batch: Sequence[Paid]) -> int:
        async def mark(tx: Transaction) -> int:
            known = await payment_objects.known(tx, source, [paid.id for paid in batch])
            differing = 0
            for paid in batch:
                row = known.get(paid.id)
                if not await _is_ours(tx, source, paid, row):
                    continue
                if (
                    row is None
                    or _differs(row["state"] or {}, paid)
                    or await self._charges_otherwise(tx, source, paid)
                ):
                    customer_id = paid.id if isinstance(paid, PaidCustomer) else paid.customer_id
                    await payment_objects.mark(tx, source, kind, paid.id, customer_id)
                    differing += 1
            return differing

        return await self.ports.database.transact(None, mark)

    async def _charges_otherwise(self, tx: Transaction, source: str, paid: Paid) -> bool:
        """Whether it does not charge what is beyond its plan as the plan says."""
        if not isinstance(paid, PaidSubscription) or charged_by(self.ports.billing) is None:
            return False
        return await change_of(tx, self.ports.settings, source, paid) is not None

    async def _mark_unlisted(self, source: str, kind: PaidKind, listed: set[str]) -> int:
        """What we have and the provider does not list: deleted, or of another kind of key."""
        after: str | None = ""
        unlisted = 0
        while after is not None:
            after, count = await self._mark_page(source, kind, listed, after)
            unlisted += count
        return unlisted

    async def _mark_page(
        self, source: str, kind: PaidKind, listed: set[str], after: str
    ) -> tuple[str | None, int]:
        async def mark(tx: Transaction) -> tuple[str | None, int]:
            rows = await payment_objects.page(tx, source, kind, after)
            gone = [
                row
                for row in rows
                if row["object_id"] not in listed and not _is_known_gone(row["state"] or {})
            ]
            for row in gone:
                await payment_objects.mark(tx, source, kind, row["object_id"], row["customer_id"])
            return rows[-1]["object_id"] if rows else None, len(gone)

        return await self.ports.database.transact(None, mark)


async def compare_forever(comparison: Comparison) -> None:
    """Compare when it is due until cancelled: beside the sweeps, as it may take hours."""
    while True:
        try:
            await comparison.when_due()
        except Exception:
            # Whatever it is, a database that is away too: ended, it would never be begun again.
            log.warning("payments were not compared", exc_info=True)
        await asyncio.sleep(max(comparison.ports.settings.sweep_s, _LOOK_EVERY_S))


async def paid_twice(ports: Ports) -> tuple[str, ...]:
    """Accounts that pay for two plans at once; the first hundred."""
    async with ports.database.read() as tx:
        return tuple(await subscriptions.sold_twice(tx))


async def _is_ours(tx: Transaction, source: str, paid: Paid, row: Row | None) -> bool:
    """Others may be paid through the same provider; what is theirs leaves no row here.

    What was a deleted account's is nobody's any more.
    """
    if row is not None:
        return not (row["state"] or {}).get("left")
    if isinstance(paid, PaidCustomer):
        return paid.account_id is not None
    known = await payment_objects.known(tx, source, [paid.customer_id])
    if paid.customer_id in known:
        return not is_strangers(known[paid.customer_id]["state"])
    return await customers.account_of(tx, source, paid.customer_id) is not None


def _mark_of(part: str) -> str:
    """The lease that says that it was compared lately."""
    return f"{_LEASE}:{part}"


def _differs(state: dict[str, object], paid: Paid) -> bool:
    return state.get("paid") != said(paid) or bool(state.get("missing"))


def _is_known_gone(state: dict[str, object]) -> bool:
    return bool(state.get("deleted") or state.get("missing"))


async def _batches(found: AsyncIterator[Paid]) -> AsyncIterator[list[Paid]]:
    batch: list[Paid] = []
    async for paid in found:
        batch.append(paid)
        if len(batch) == _AT_ONCE:
            yield batch
            batch = []
    if batch:
        yield batch
