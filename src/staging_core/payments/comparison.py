"""A full comparison with the provider, and what it could not deliver."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Sequence
from uuid import uuid4

import msgspec

from staging_core.database import customers, leases, payment_objects, subscriptions
from staging_core.database.engine import Transaction
from staging_core.database.row import Row
from staging_core.models import Paid, PaidCustomer, PaidKind, PaymentNotice
from staging_core.ports import Ports

from .applying import is_strangers, said
from .provider import Provider, needed, provider_of
from .reports import checked, keep_notice

log = logging.getLogger("staging_core")

KINDS: tuple[PaidKind, ...] = ("customer", "subscription", "purchase")
_EVERY_S = 86_400.0
_AGAIN_S = 900.0
_MISSED_S = 3 * 86_400.0
_AT_ONCE = 100
_LEASE = "payments-compared"


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

    async def when_due(self) -> int:
        """Once a day, by whichever process comes first; how many things were not as kept here."""
        if provider_of(self.ports) is None:
            return 0
        owner = uuid4().hex
        async with self.ports.database.write() as tx:
            if not await leases.take(tx, _LEASE, owner=owner, seconds=_EVERY_S):
                return 0
        try:
            return (await self.compare()).differing
        except Exception:
            # Whatever a provider's client raises: the other sweeps go on, and this one comes again.
            log.warning("payments were not compared, it is tried again", exc_info=True)
            async with self.ports.database.write() as tx:
                await leases.take(tx, _LEASE, owner=owner, seconds=_AGAIN_S)
            return 0

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

    async def _compared(self, provider: Provider, kind: PaidKind) -> tuple[int, int]:
        """How many of a kind the provider has, and how many were not as they are kept here."""
        listed: set[str] = set()
        differing = 0
        async for batch in _batches(provider.reports.all_of(kind, since=0.0)):
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
                if row is None or _differs(row["state"] or {}, paid):
                    customer_id = paid.id if isinstance(paid, PaidCustomer) else paid.customer_id
                    await payment_objects.mark(tx, source, kind, paid.id, customer_id)
                    differing += 1
            return differing

        return await self.ports.database.transact(None, mark)

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
